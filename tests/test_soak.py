"""Scenarios of script/soak hold, repeated a twentieth as often as there."""

import subprocess
import sys

import pytest
import soak
from program import ROOT, TIMEOUT

SCENARIOS = soak.discover()


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_holds(name: str) -> None:
    one = SCENARIOS[name]
    assert one.run(max(1, one.repeats // soak.SHARE))


def run_soak(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "tests" / "soak.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)


def test_help_names_all_scenarios_with_a_line_on_each() -> None:
    done = run_soak("--help")
    assert done.returncode == 0, done.stderr
    for name, one in SCENARIOS.items():
        assert one.summary, f"{name} does not say what it repeats"
        assert f"{name} ({one.repeats}): {one.summary}" in done.stdout


@pytest.mark.parametrize("arguments", [["nonsense"], []])
def test_what_names_no_scenario_is_refused_in_a_sentence(arguments: list[str]) -> None:
    done = run_soak(*arguments)
    assert done.returncode == 2
    assert "scenario" in done.stderr


def test_scenario_that_fails_says_so_in_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(count: int) -> str:
        raise AssertionError(f"the {count}th leaked")

    monkeypatch.setitem(soak.scenarios, "leaks", soak.Scenario(9, fail))
    monkeypatch.setitem(soak.scenarios, "holds", soak.Scenario(9, lambda count: "no leak"))
    assert not soak.soak("leaks", 7)
    assert soak.soak("holds", 7)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("leaks (7, ")
    assert lines[0].endswith("FAILED: the 7th leaked")
    assert lines[1].endswith("no leak")
