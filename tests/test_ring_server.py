"""Rings as viewers see them: a writer that comes late, dies, comes back and grows."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mjpeg
import numpy as np
import pytest
from browser import chromium
from program import ROOT, TIMEOUT, Webcapd, run_to_end, webcapd
from ringprograms import command_of, running
from waiting import wait_until

from webcapd.base.ring.layout import Flags, FrameHeader
from webcapd.base.ring.writer import RingWriter

WRITER = ROOT / "examples" / "write_ring.py"


@contextlib.contextmanager
def writer(path: Path, *numbers: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the example that writes moving colours: WIDTH HEIGHT FPS FRAMES."""
    command = [sys.executable, str(WRITER), str(path), *map(str, numbers)]
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.kill()
        process.wait(TIMEOUT)


def picture_size(server: Webcapd) -> tuple[int, int]:
    height, width = mjpeg.decode(server.snapshot()).shape[:2]
    return width, height


def state(server: Webcapd) -> Any:
    # Who asks for a picture has it looked at.
    server.get("/?snapshot")
    return server.info()["encoder"]["state"]


def test_writers_come_die_come_back_and_grow(tmp_path: Path) -> None:
    path = tmp_path / "a.wcf"
    with webcapd("--source", f"wcf:{path}") as server:
        assert server.display == f"wcf:{path}"
        assert state(server) == "lost"
        assert server.info()["encoder"]["reason"] == f"wcf:{path} is not there yet"
        with writer(path, 160, 120, 30, 0) as process:
            wait_until("it is shown", lambda: state(server) == "live")
            assert picture_size(server) == (160, 120)
            os.kill(process.pid, signal.SIGKILL)
            wait_until("its end is seen", lambda: state(server) == "lost")
            assert server.info()["encoder"]["reason"] == f"wcf:{path} has no writer"
        with writer(path, 320, 200, 30, 0):
            wait_until("another is shown", lambda: state(server) == "live")
            assert picture_size(server) == (320, 200)
            assert server.info()["capture"]["feed"]["label"] == "colours"


def test_the_end_is_seen_though_nobody_watches(tmp_path: Path) -> None:
    path = tmp_path / "a.wcf"
    with writer(path, 64, 48, 100, 0) as process:
        wait_until("it writes", path.exists)
        with webcapd("--source", f"wcf:{path}") as server:
            # The file is there before the first frame is in it.
            wait_until("it is seen", lambda: server.info()["encoder"]["state"] == "live")
            process.kill()
            server.wait_for_line(lambda line: f"wcf:{path} has no writer" in line)
            wait_until("it is seen", lambda: server.info()["encoder"]["state"] == "lost")


def test_what_is_shown_is_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.wcf"
    with writer(path, 64, 48, 1000, 0) as process:
        wait_until("it writes", path.exists)
        with webcapd("--source", f"wcf:{path}", "--quality", "100") as server:
            wait_until("it is shown", lambda: state(server) == "live")
            pixels = mjpeg.decode(server.snapshot()).astype(int)
            process.kill()
    # Blue rises to the right, green downwards; red is one value.  Where green or blue begins anew,
    # JPEG's halved chroma mixes the colours of both sides: the median leaves those places out.
    number = round(float(np.median(pixels[:, :, 2])))
    apart = (pixels[:, :, 0] - np.arange(64) - number) & 255
    assert np.median(np.minimum(apart, 256 - apart)) < 8


def test_chromium_shows_what_a_program_in_c_animates(tmp_path: Path) -> None:
    """Red is the number of the frame, blue rises to the right, green downwards."""
    path = tmp_path / "a.wcf"
    with running(command_of("write_ring.c", tmp_path), path, 120, 100, 20):
        wait_until("it writes", path.exists)
        with (
            webcapd("--source", f"wcf:{path}") as server,
            chromium(tmp_path / "profile") as browser,
        ):
            browser.set_window(120, 100)
            browser.visit(f"{server.url}?stream")
            there = "location.search === '?stream' && document.images.length === 1"
            wait_until("the page", lambda: browser.evaluate(there))
            seen = set()

            def moves() -> bool:
                page = browser.screenshot().astype(int)
                blue, green, red = page[20:80, 20:100].transpose(2, 0, 1)
                across = np.median(blue[:, -1] - blue[:, 0]) % 256
                down = np.median(green[-1] - green[0]) % 256
                if abs(across - 79) < 12 and abs(down - 59) < 12:
                    seen.add(int(np.median(red)))
                return len(seen) > 5

            wait_until("it moves", moves)


def test_a_program_for_the_ancestor_is_shown(tmp_path: Path) -> None:
    """It attaches to the file that its renderer made, writes and flushes."""
    path = tmp_path / "buffer"
    with webcapd("--source", f"raw:{path},360x288,rgb24") as server:
        assert path.stat().st_size == 311040
        assert not mjpeg.decode(server.snapshot()).any()
        with path.open("r+b") as file:
            file.write(bytes([200, 100, 50]) * (360 * 288))
        subprocess.run(["touch", path], check=True)
        wait_until("it is shown", lambda: mjpeg.decode(server.snapshot())[100, 100, 2] > 150)
        assert picture_size(server) == (360, 288)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raw:/x,1x1", "raw: is written"),
        ("wfc:/x", "perhaps wcf:PATH is meant"),
        ("raw:/x,1x1,rgb24,bgr", "'bgr' is no format of raw:"),
    ],
)
def test_mistakes_end_the_program(source: str, said: str) -> None:
    status, lines = run_to_end("--source", source)
    assert status == 2 and said in lines


def test_state_tells_of_the_ring(tmp_path: Path) -> None:
    path = tmp_path / "a.wcf"
    with writer(path, 64, 48, 5, 0), webcapd("--source", f"wcf:{path}") as server:
        wait_until("it is shown", lambda: state(server) == "live")
        told = json.loads(server.get("/?info")[2])["capture"]["feed"]
        assert (told["format"], told["slots"], told["wake"]) == ("XR24", 3, "inotify")


def test_a_ring_that_rings_all_the_time_for_nothing_keeps_nobody_busy(tmp_path: Path) -> None:
    path = tmp_path / "a.wcf"
    nothing = FrameHeader("GREY", 64, 48, 64, flags=Flags.NO_SIGNAL)
    with (
        contextlib.closing(RingWriter(path, 64 * 48)) as ring,
        webcapd("--source", f"wcf:{path}") as server,
    ):
        began, before = time.monotonic(), server.info()["encoder"]["attempts"]
        for _ in range(5000):
            ring.put(nothing, bytes(64 * 48))
        after = server.info()["encoder"]
        assert after["attempts"] - before <= (time.monotonic() - began) / 0.02 + 2
        reason = f"wcf:{path}: its writer has no picture just now"
        wait_until("it is said", lambda: server.info()["encoder"]["reason"] == reason)


def test_without_inotify_it_is_polled(tmp_path: Path) -> None:
    path = tmp_path / "a.wcf"
    refused = [sys.executable, str(ROOT / "tests" / "noinotify.py")]
    with (
        webcapd("--source", f"wcf:{path}", wrapper=refused) as server,
        mjpeg.stream(server) as stream,
    ):
        stream.part()
        with writer(path, 64, 48, 30, 0) as process:
            wait_until("it is shown", lambda: state(server) == "live")
            for _ in range(10):
                stream.part()
            told = server.info()["capture"]["feed"]
            assert (told["wake"], told["wakeNotUsed"]) == ("poll", "inotify: Too many open files")
            process.kill()
            wait_until("its end is seen", lambda: server.info()["encoder"]["state"] == "lost")


def test_a_ring_at_rest_wakes_nobody(tmp_path: Path) -> None:
    """The encoder thread sleeps for as long as nothing is written, with a viewer, too."""
    path = tmp_path / "a.wcf"
    options = ("--source", f"wcf:{path}", "--keepalive", "9")
    with contextlib.closing(RingWriter(path, 64 * 48)) as ring, webcapd(*options) as server:
        ring.put(FrameHeader("GREY", 64, 48, 64), bytes(64 * 48))
        with mjpeg.stream(server) as stream:
            wait_until("it is shown", lambda: state(server) == "live")
            stream.part()
            threads = Path(f"/proc/{server.process.pid}/task")
            # The first that is started is the encoder's; behind the last number comes the first.
            pid, last = server.process.pid, int(Path("/proc/sys/kernel/pid_max").read_text())
            tasks = [int(task.name) for task in threads.iterdir()]
            encoder = sorted(tasks, key=lambda task: (task - pid) % last)[1]

            def sleeps() -> int:
                status = (threads / str(encoder) / "status").read_text()
                return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])

            def rests() -> bool:
                before = sleeps()
                time.sleep(1)
                return sleeps() == before

            wait_until("it sleeps for a second", rests)
