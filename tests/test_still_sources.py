"""What rests costs nothing: no thread of ours wakes for it, with viewers and without."""

import time
from pathlib import Path

import pytest
from mjpeg import stream
from program import ROOT, Webcapd, webcapd
from waiting import wait_until

# Threads that work for pictures; the others work for connections and signals.
_THREADS = ("encoder", "file")


def wake_ups(program: Webcapd) -> int:
    """Count how often these threads have slept."""
    count = 0
    for task in Path(f"/proc/{program.process.pid}/task").iterdir():
        try:
            text = (task / "status").read_text()
        except OSError:
            continue  # That of a request, which has ended since it was listed.
        status = dict(line.split(":\t", 1) for line in text.splitlines())
        if status["Name"] in _THREADS:
            count += int(status["voluntary_ctxt_switches"])
    return count


def rests(program: Webcapd) -> bool:
    """Whether nothing happens for a second."""
    before = wake_ups(program)
    time.sleep(1.0)
    return wake_ups(program) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("--source", f"file:{ROOT}/tests/mark.png"),
        ("--source", "mix:max(pattern:bars,pattern:grid)", "--filter", "rotate=90,interlace"),
        ("--source", "pattern:bars", "--source", "pattern:grid"),
    ],
    ids=["file", "mix and filters", "several"],
)
def test_picture_that_rests_wakes_nobody(arguments: tuple[str, ...]) -> None:
    with webcapd(*arguments, "--keepalive", "9") as program, stream(program) as parts:
        parts.part()
        wait_until("it rests", lambda: rests(program))


def test_frames_that_nobody_watches_are_not_painted() -> None:
    with webcapd("--source", "pattern:noise,size=64x64") as program:
        with stream(program) as parts:
            for _ in range(3):
                parts.part()
        wait_until("it rests", lambda: rests(program))
