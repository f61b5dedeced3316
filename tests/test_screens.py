"""``webcapd screens``: test screens in a ring, and how commands beside serving are found."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import ringreference as reference
from program import ROOT, TIMEOUT
from waiting import wait_until

from webcapd.base.ring.layout import Flags, RingError
from webcapd.base.ring.reader import RingReader
from webcapd.capture.patterns.patterns import PATTERNS

COMMAND = [sys.executable, "-P", str(ROOT / "webcapd.py")]
# 97 lines and columns: none of a round number.
SIZE = "161x97"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.wcf"


@contextlib.contextmanager
def screens(*arguments: object, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [*COMMAND, "screens", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def failure(*arguments: object, status: int = 2) -> str:
    """Run something that ends by itself with a sentence; returns that."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=TIMEOUT
    )
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("webcapd: ")
    return done.stderr


def frames_in(path: Path) -> int:
    with contextlib.suppress(OSError, RingError), contextlib.closing(RingReader(path)) as reader:
        return reader.latest()
    return 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_screen_is_written_until_it_is_asked_to_stop(path: Path, number: signal.Signals) -> None:
    with screens("clock", "--size", SIZE, "--fps", 100, "-o", path) as process:
        wait_until("some are written", lambda: frames_in(path) > 5)
        frame = wait_until("one is read", lambda: reference.read_newest(path))
        assert (frame.fourcc, frame.width, frame.height) == (b"XR24", 161, 97)
        assert np.frombuffer(frame.payload, np.uint8).any()
        process.send_signal(number)
        assert process.wait(TIMEOUT) == 0
        assert process.stderr is not None
        first, last = process.stderr.read().splitlines()
    assert first == f"webcapd: writing clock 161x97 at 100 frames a second into {path}"
    assert re.fullmatch(r"webcapd: \d+ frames in [\d.]+ s: [\d.]+ a second, .* MB/s", last)
    assert not path.exists()


def test_the_same_seed_is_the_same_screen_and_what_rests_is_written_once(path: Path) -> None:
    pictures = []
    for _ in range(2):
        with screens("bars", "--size", SIZE, "--seed", 7, WRITER_FILE=str(path)):
            wait_until("it is written", lambda: frames_in(path))
            frame = reference.read_newest(path)
            assert frame is not None and frame.number == 1
            pictures.append(frame.payload)
        # This one was killed, and left its file.
        assert path.exists()
    assert pictures[0] == pictures[1]
    kind = PATTERNS["bars"](161, 97, 7)
    kind.paint(0, 0.0)
    assert kind.pixels.tobytes() == pictures[0]


def test_the_writer_says_what_has_changed(path: Path) -> None:
    """Believing it must lead to the very picture."""
    with screens("ball", "--size", SIZE, "--fps", 60, "-o", path):
        wait_until("it is written", lambda: frames_in(path))
        with contextlib.closing(RingReader(path)) as reader:
            parts, deadline = 0, time.monotonic() + TIMEOUT
            while parts < 10:
                assert time.monotonic() < deadline, f"only {parts} frames followed each other"
                frame = reader.read(every=True)
                if frame is None:
                    continue
                part = any(frame.header.dirty) or Flags.SAME in frame.header.flags
                parts += frame.follows and part
                whole = reference.read_newest(path)
                if whole is not None and whole.number == frame.number:
                    assert whole.payload == bytes(reader.payload)


def test_a_second_writer_is_refused(path: Path) -> None:
    with screens("grid", "--size", SIZE, "-o", path) as process:
        wait_until("it is written", lambda: frames_in(path))
        said = failure("screens", "grid", "-o", path, status=1)
        assert said == f"webcapd: {path} is already written, by process {process.pid}\n"
        assert frames_in(path) == 1


def test_a_ring_that_somebody_takes_away_ends_it(path: Path) -> None:
    with screens("ball", "--size", SIZE, "-o", path) as process:
        wait_until("it is written", lambda: frames_in(path))
        path.unlink()
        assert process.wait(TIMEOUT) == 3
        assert process.stderr is not None
        assert f"{path} was removed, or is written by somebody else" in process.stderr.read()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["screens"], "which screen? One of ball, bands, bars,"),
        (["screens", "snow"], "there is no pattern 'snow'; patterns: ball, bands,"),
        (["screens", "clock"], "where to? -o PATH.wcf says it, or WRITER_FILE"),
        (["screens", "clock", "--size", "0x0"], "'0x0' is no size"),
        (["screens", "clock", "--size", "16384x16384", "-o", "x"], "16384x16384 pixels cannot be"),
        (["screens", "clock", "--fsp", "3"], "(see webcapd screens --help)"),
        (["screen"], "there is no command screen; screens is one"),
        (["--port", "0", "screens", "clock"], "screens is a command, and comes before all options"),
        (["xeyes"], "a program goes behind --"),
    ],
)
def test_mistakes_are_told(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WRITER_FILE", raising=False)
    assert said in failure(*arguments)


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.write_text("dear diary")
    said = failure("screens", "bars", "-o", notes, status=1)
    assert "is there, and is no ring: it is not overwritten" in said
    assert "No such file or directory" in failure("screens", "bars", "-o", "/no/where", status=1)


def test_help_names_the_commands() -> None:
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, timeout=TIMEOUT)
    assert "webcapd screens --help: write a test screen" in " ".join(done.stdout.split())
