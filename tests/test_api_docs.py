"""Every example of docs/python.md runs, and programs end as they do there."""

import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import descendants, outlived
from program import ROOT, TIMEOUT
from test_api import SIZE, fill
from waiting import wait_until
from xserver import XServer, xvfb

TEXT = (ROOT / "docs" / "python.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def screen() -> Iterator[XServer]:
    """Run a screen on which something changes all the time."""
    with xvfb(*SIZE) as running, running.connected() as display:
        ended = threading.Event()

        def draw() -> None:
            colour = 0
            while not ended.wait(0.02):
                colour = (colour + 0x070503) & 0xFFFFFF
                fill(display, colour, 20, 20, 50, 50)

        drawing = threading.Thread(target=draw)
        drawing.start()
        try:
            yield running
        finally:
            ended.set()
            drawing.join()


def test_there_are_as_many_examples_as_are_found() -> None:
    assert len(EXAMPLES) == TEXT.count("```") // 2 > 8


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_example_runs(
    number: int, screen: XServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = threading.active_count()
    code = EXAMPLES[number].replace('":0"', repr(screen.name))
    exec(compile(code, f"example {number}", "exec"), {"__name__": f"example{number}"})
    for file in re.findall(r'"(screen\.\w+)"', code):
        assert (tmp_path / file).stat().st_size > 100, file
    wait_until("its threads have ended", lambda: threading.active_count() <= before)


def python(code: str, *, waits_for: str = "") -> subprocess.Popen[str]:
    """Run a program, and wait for a line of its output."""
    process = subprocess.Popen(
        # Whoever runs the tests in the background has SIGINT ignored.
        ["env", "--default-signal=INT", sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    if waits_for:
        assert waits_for in process.stdout.readline()
    return process


@pytest.mark.parametrize("way", ["with", "forgotten", "callback"])
def test_ctrl_c_ends_the_loop_and_all_that_was_started(way: str) -> None:
    opened = "frames = webcapd.frames(virtual='64x48')"
    if way == "callback":
        loop = """
        capture = webcapd.Capture({"virtual": "64x48"}, lambda frame: print("got", flush=True))
        capture.start()
        threading.Event().wait()
        """
    elif way == "with":
        loop = f"""
        {opened}
        with frames:
            for frame in frames:
                print("got", frame, flush=True)
        """
    else:
        loop = f"""
        {opened}
        for frame in frames:
            print("got", frame, flush=True)
        """
    code = "import threading, webcapd\n" + textwrap.dedent(loop)
    process = python(code, waits_for="got")
    with outlived(*descendants(process.pid).values()):
        process.send_signal(2)
        out, error = process.communicate(timeout=TIMEOUT)
    assert process.returncode == -2, error
    assert error.rstrip().endswith("KeyboardInterrupt")
    assert (out, error.count("Traceback")) == ("", 1), error


def test_forked_child_has_captures_of_its_own_and_leaves_the_parents_alone() -> None:
    process = python(
        """
        import os, sys, warnings, webcapd
        # Python 3.12 and newer say so of any fork where there are threads.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        clock = {"source": "pattern:clock,size=64x48,fps=20", "fps": 20}
        with webcapd.frames(clock) as frames, webcapd.frames(virtual="64x48") as virtual:
            assert next(virtual).number == next(frames).number == 1
            child = os.fork()
            if not child:
                for use in (lambda: next(frames), frames.read, frames.__iter__):
                    try:
                        use()
                    except webcapd.Error as error:
                        assert "another process" in str(error)
                    else:
                        raise AssertionError(use)
                with webcapd.frames(clock) as own:
                    assert next(own).number == 1
                sys.exit(0)
            assert os.waitpid(child, 0)[1] == 0
            assert next(frames).number == 2
            assert virtual.read(0.1) is None and virtual.outage == ""
        """
    )
    _, error = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, error) == (0, "")
