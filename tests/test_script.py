"""What a person types: the commands in script/."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mjpeg
import pytest
from processes import children, outlived
from program import READY, ROOT, TIMEOUT
from waiting import wait_until

SHELL_SCRIPTS = [
    path
    for path in sorted([*ROOT.glob("script/*"), *ROOT.glob(".ci/*")])
    if path.is_file() and path.read_bytes().startswith(b"#!/usr/bin/env bash\n")
]


def run(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        # An environment with pip in it takes long where much else is done.
        timeout=8 * TIMEOUT,
        check=False,
    )


@contextmanager
def running_without_display(log: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Run script/run as on a machine without a screen; gives the process and its address."""
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    with log.open("wb") as said:
        process = subprocess.Popen(
            [ROOT / "script" / "run", "--port", "0"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=said,
            # Wherever it is called from.
            cwd="/",
        )

    def ready() -> str | None:
        assert process.poll() is None, log.read_text()
        matches = filter(None, map(READY.match, log.read_text().splitlines()))
        return next((match[4] for match in matches), None)

    try:
        yield process, wait_until("script/run is ready", ready)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(TIMEOUT)


def snapshot(url: str) -> bytes:
    with urllib.request.urlopen(f"{url}?snapshot", timeout=TIMEOUT) as response:
        body: bytes = response.read()
        return body


def test_there_are_the_scripts_a_person_needs() -> None:
    names = {path.name for path in SHELL_SCRIPTS if path.parent.name == "script"}
    assert names >= {"setup", "run", "test", "check"}
    for path in SHELL_SCRIPTS:
        assert os.access(path, os.X_OK), f"{path} is not executable"


@pytest.mark.parametrize("path", SHELL_SCRIPTS, ids=lambda path: path.name)
def test_script_is_readable_to_the_shell(path: Path) -> None:
    done = run("bash", "-n", path)
    assert (done.returncode, done.stderr) == (0, "")


def test_setup_has_nothing_to_do_where_nothing_is_missing() -> None:
    first = run(ROOT / "script" / "setup")
    assert first.returncode == 0, first.stderr
    again = run(ROOT / "script" / "setup")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


@pytest.fixture
def small_tree(tmp_path: Path) -> Path:
    """Copy what script/setup needs to where no package has to be fetched."""
    (tmp_path / "script").mkdir()
    shutil.copy(ROOT / "script" / "setup", tmp_path / "script")
    for name in ("requirements.txt", "requirements-h264.txt"):
        (tmp_path / name).write_text("# nothing\n")
    return tmp_path


@pytest.mark.parametrize("moment", ["bin/python", "lib/python*/site-packages/pip", "being-filled"])
def test_setup_begins_anew_after_it_was_interrupted(small_tree: Path, moment: str) -> None:
    setup = small_tree / "script" / "setup"
    requirements = small_tree / "requirements.txt"
    wanted = requirements.read_text()
    # What pip opens and waits for.
    wheel = small_tree / "nothing-1-py3-none-any.whl"
    os.mkfifo(wheel)
    requirements.write_text(f"nothing @ {wheel.as_uri()}\n")
    # As of a terminal, all processes are interrupted.
    process = subprocess.Popen(
        # Where the tests run in the background of a script, the signal is ignored, and
        # what a shell finds ignored it cannot heed.
        ["env", "--default-signal=INT", setup],
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        process_group=0,
    )

    def ended() -> bool:
        # Again and again: bash goes on when what it ran was about to end by itself.
        os.killpg(process.pid, signal.SIGINT)
        return process.poll() is not None

    try:
        wait_until("it is that far", lambda: [*(small_tree / ".venv").glob(moment)], 4 * TIMEOUT)
        wait_until("it is interrupted", ended)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.returncode != 0
    requirements.write_text(wanted)
    done = run(setup)
    assert done.returncode == 0, done.stderr
    pip = run(small_tree / ".venv" / "bin" / "python", "-m", "pip", "--version")
    assert pip.returncode == 0, pip.stderr
    assert run(setup).stderr == ""


def test_setup_gives_root_a_line_to_paste(small_tree: Path) -> None:
    """Without root and sudo, on a machine that lacks most."""
    tools = small_tree / "tools"
    tools.mkdir()
    for name in ("bash", "dirname", "readlink", "apt-get", "apt-cache", "sort"):
        (tools / name).symlink_to(str(shutil.which(name)))
    (tools / "id").write_text(f"#!{shutil.which('sh')}\necho 1000\n")
    (tools / "id").chmod(0o755)
    done = run("env", f"PATH={tools}", "bash", small_tree / "script" / "setup", "--test")
    assert done.returncode == 1
    line = done.stderr.partition("as root: ")[2]
    command, _, packages = line.partition(" --no-install-recommends ")
    assert command == "apt-get update && apt-get install -y", done.stderr
    assert {"xvfb", "curl", "python3-venv"} <= set(packages.split())
    assert re.fullmatch(r"[a-z0-9.+ -]+\n", packages), packages


def test_setup_refuses_what_it_does_not_know() -> None:
    done = run(ROOT / "script" / "setup", "--nonsense")
    assert done.returncode == 2
    assert "--nonsense" in done.stderr


def test_run_passes_its_arguments_on() -> None:
    done = run(ROOT / "script" / "run", "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: webcapd ")
    done = run(ROOT / "script" / "run", "--display", "nonsense")
    assert done.returncode == 2
    assert "nonsense" in done.stderr


def test_run_needs_no_display_to_print() -> None:
    done = run("env", "-u", "DISPLAY", ROOT / "script" / "run", "--print-unit")
    assert (done.returncode, "\n[Unit]\n" in done.stdout) == (0, True), done.stderr
    assert "display" not in done.stderr


def test_run_shows_a_moving_picture_where_there_is_no_display(tmp_path: Path) -> None:
    log = tmp_path / "stderr"
    with running_without_display(log) as (process, url):
        first = snapshot(url)
        mjpeg.decode(first)
        wait_until("the picture moves", lambda: snapshot(url) != first)
        family = children(process.pid)
        assert len(family) == 2, family
        with outlived(*family.values()):
            process.terminate()
            assert process.wait(TIMEOUT) == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def test_try_on_says_how_it_is_used() -> None:
    done = run(ROOT / "script" / "try-on", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "script/try-on trixie --tests" in done.stdout
    for arguments in ((), ("--nonsense",), ("trixie", "bookworm")):
        done = run(ROOT / "script" / "try-on", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "script/try-on trixie --tests" in done.stderr
