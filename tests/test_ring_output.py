"""``--ring``: what is captured is in a ring, all of it, and nothing that is not to be seen."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mjpeg
import numpy as np
import pytest
import ringreference as reference
from painter import painter
from program import ROOT, TIMEOUT, run_to_end, webcapd
from ringprograms import EXAMPLES, command_of, running
from waiting import wait_until
from xserver import Pixels, XServer, xvfb

from webcapd.base.ring.layout import Flags, RingError
from webcapd.base.ring.reader import RingReader
from webcapd.base.ring.writer import RingWriter
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.encoder.consumer import Moment
from webcapd.outputs.ring import RingOutput

WIDTH, HEIGHT = 320, 240


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.wcf"


@pytest.fixture(scope="module")
def screen() -> Iterator[XServer]:
    with xvfb(WIDTH, HEIGHT) as server:
        yield server


def newest(path: Path) -> reference.Frame:
    return wait_until("there is a frame", lambda: reference.read_newest(path))


def pixels_of(frame: reference.Frame) -> Pixels:
    """Give (height, width, 3) bytes B, G, R."""
    assert (frame.fourcc, frame.stride) == (b"XR24", 4 * frame.width)
    shown = np.frombuffer(frame.payload, np.uint8)
    return shown.reshape(frame.height, frame.width, 4)[:, :, :3]


def wait_until_shown(path: Path, wanted: Pixels) -> None:
    wait_until("it is there", lambda: np.array_equal(pixels_of(newest(path)), wanted))


def test_the_screen_is_in_it_as_it_is_and_masks_are_black(screen: XServer, path: Path) -> None:
    options = ("--display", screen.name, "--ring", str(path), "--mask=10,20,100,50")
    with painter(screen) as brush, webcapd(*options) as server:
        for seed in range(3):
            brush.noise(seed)
            wanted = screen.pixels()
            wanted[20:70, 10:110] = 0
            wait_until_shown(path, wanted)
        frame = newest(path)
        assert frame.monotonic > 0 and abs(frame.realtime / 1e9 - path.stat().st_mtime) < TIMEOUT
        report = server.info()["ring"]
        assert report["state"] == "written" and report["frames"] == frame.number
        assert server.stop() == 0
        assert not path.exists()


def test_watermark_and_caption_are_in_it(screen: XServer, path: Path) -> None:
    options = ("--watermark-path", str(ROOT / "tests" / "mark.png"), "--caption", "Lab 3")
    exact = ("--quality", "100", "--paint-over-quality", "100", "--subsampling", "444")
    with painter(screen) as brush:
        brush.fill(0x336699)
        with webcapd("--display", screen.name, "--ring", str(path), *options, *exact) as server:
            shown = mjpeg.decode(server.snapshot()).astype(int)
            there = pixels_of(newest(path)).astype(int)
            assert np.abs(shown - there).max() < 16
            assert np.abs(there - there[0, 0]).max() > 50


def test_nothing_is_written_at_rest(screen: XServer, path: Path) -> None:
    with (
        painter(screen) as brush,
        webcapd("--display", screen.name, "--ring", str(path)) as server,
    ):
        brush.noise(1)
        wanted = screen.pixels()
        wait_until_shown(path, wanted)
        before, rang = newest(path).number, path.stat().st_mtime_ns
        # Each has the screen looked at, and the same pixels drawn anew have, too.
        for _ in range(5):
            brush.noise(1)
            server.snapshot()
        brush.rectangle(0xFF0000, 0, 0, 1, 1)
        wait_until("the next", lambda: newest(path).number > before)
        after = newest(path)
        assert after.number == before + 1 and path.stat().st_mtime_ns > rang
        assert after.dirty[:2] == (0, 0) and after.dirty[3] == 16


def test_a_lost_display_is_flagged_and_one_that_comes_back_larger_makes_it_anew(
    tmp_path: Path, path: Path
) -> None:
    source = tmp_path / "source.wcf"
    writer = [sys.executable, str(EXAMPLES / "write_ring.py")]
    with webcapd("--source", f"wcf:{source}", "--ring", str(path)):
        assert newest(path).flags == Flags.NO_SIGNAL
        with running(writer, source, 64, 48, 50, 0):
            wait_until("a picture", lambda: newest(path).width == 64 and not newest(path).flags)
            small = path.stat().st_ino
        wait_until("it is lost", lambda: newest(path).flags == Flags.NO_SIGNAL)
        assert path.stat().st_ino == small
        with running(writer, source, 2000, 1000, 20, 0):
            wait_until("another", lambda: newest(path).width == 2000)
        assert path.stat().st_ino != small


def test_another_webcapd_shows_it(screen: XServer, path: Path) -> None:
    with (
        painter(screen) as brush,
        webcapd("--display", screen.name, "--ring", str(path)),
        webcapd("--source", f"wcf:{path}", "--quality", "100") as second,
    ):
        brush.fill(0x2080C0)
        wanted = (0xC0, 0x80, 0x20)

        def is_there() -> bool:
            # At first there may be no picture yet.
            status, _, body = second.get("/?snapshot")
            return status == 200 and bool(
                np.abs(mjpeg.decode(body)[5, 5].astype(int) - wanted).max() < 4
            )

        wait_until("its colour", is_there)


@pytest.mark.parametrize("example", ["see_ring.py", "read_ring.c"])
def test_the_readers_among_the_examples_read_it(
    screen: XServer, tmp_path: Path, path: Path, example: str
) -> None:
    assert len((EXAMPLES / example).read_text().splitlines()) < 60
    with painter(screen) as brush, webcapd("--display", screen.name, "--ring", str(path)) as server:
        brush.fill(0x2080C0)
        wanted = [0xC0, 0x80, 0x20]
        wait_until("its colour", lambda: (pixels_of(newest(path)) == wanted).all())
        with running(command_of(example, tmp_path), path) as process:
            assert process.stdout is not None
            if example.endswith(".c"):
                data = process.stdout.read(WIDTH * HEIGHT * 4)
                assert data == newest(path).payload
            else:
                line = process.stdout.readline().decode().split()
                assert line[1:] == [f"{WIDTH}x{HEIGHT}", "rgb(32,128,192)"]
            server.stop()
            # The writer's end is the reader's.
            process.communicate(timeout=TIMEOUT)
            assert process.returncode == 0


@pytest.mark.parametrize(
    "place, sentence",
    [
        ("missing/a.wcf", "cannot be written: No such file or directory"),
        ("text.wcf", "is there, and is no ring: it is not overwritten"),
        ("taken.wcf", "is already written, by process "),
    ],
)
def test_what_cannot_be_a_ring_is_said_at_the_start(
    screen: XServer, tmp_path: Path, place: str, sentence: str
) -> None:
    (tmp_path / "text.wcf").write_text("my diary\n")
    with contextlib.closing(RingWriter(tmp_path / "taken.wcf", 100)):
        status, said = run_to_end(
            *("--port", "0", "--display", screen.name, "--ring", str(tmp_path / place))
        )
    assert status == 3 and said.count("\n") == 0
    assert said.startswith(f"webcapd: {tmp_path / place} {sentence}")
    assert (tmp_path / "text.wcf").read_text() == "my diary\n"


def test_an_empty_name_is_refused() -> None:
    status, said = run_to_end("--ring", "")
    assert status == 2 and said.startswith("webcapd: argument --ring: the value is empty")


# Without a server, in the test's own thread.


def moment(outage: str = "") -> Moment:
    return Moment(1.0, 2.0, 90, outage)


def test_what_changed_lies_within_what_is_said_to_have(path: Path) -> None:
    rng = np.random.default_rng(1)
    buffer = FrameBuffer.of_pixels(rng.integers(0, 256, (97, 161, 4), np.uint8))
    ring = RingOutput(str(path), "test", (161, 97))
    with contextlib.closing(RingReader(path)) as reader:
        for number in range(1, 60):
            before = bytes(reader.payload)
            ring.feed(buffer, moment())
            # Fed twice, it is written once.
            ring.feed(buffer, moment())
            frame = reader.read(in_part=False)
            assert frame is not None and frame.number == number
            assert bytes(reader.payload) == buffer.pixels.tobytes()
            if number > 1:
                x, y, width, height = frame.header.dirty
                old = np.frombuffer(before, np.uint8).reshape(97, 161, 4).copy()
                old[y : y + height, x : x + width] = buffer.pixels[y : y + height, x : x + width]
                assert np.array_equal(old, buffer.pixels)
            top, left = rng.integers(0, 97), rng.integers(0, 161)
            buffer.pixels[top : top + rng.integers(1, 40), left : left + rng.integers(1, 90)] += 1
            buffer.rehash(range(buffer.layout.count))
    ring.dispose()
    ring.feed(buffer, moment())
    assert not path.exists()


def test_a_ring_that_fails_says_so_once_and_comes_back(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It is not tried again while we look.
    monkeypatch.setattr("webcapd.outputs.ring._RETRY_SECONDS", TIMEOUT)
    ring = RingOutput(str(path), "test", (64, 48))
    first = FrameBuffer.of_pixels(np.zeros((48, 64, 4), np.uint8))
    second = FrameBuffer.of_pixels(np.ones((48, 64, 4), np.uint8))
    ring.feed(first, moment())
    path.unlink()
    ring.feed(second, moment())
    assert ring.report()["state"] == "failed"
    # Nobody has the screen captured for it, but one picture is wanted later.
    demand = ring.demand()
    assert demand.fps == 0 and not demand.awaited and 0 < demand.again < float("inf")
    ring.feed(first, moment())
    assert not path.exists()
    assert [record.getMessage() for record in caplog.records if str(path) in record.getMessage()]
    monkeypatch.setattr(ring, "_retry_at", 0.0)
    ring.feed(first, moment())
    assert ring.report()["state"] == "written" and ring.demand().fps > 0
    assert newest(path).payload == bytes(48 * 64 * 4)
    assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 1
    ring.dispose()


def test_a_larger_picture_that_there_is_no_memory_for_is_told(tmp_path: Path) -> None:
    """The stream goes on, and smaller pictures are written again."""
    if os.geteuid():
        pytest.skip("only root mounts file systems")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", folder], check=True)
    try:
        ring = RingOutput(str(folder / "a.wcf"), "test", (64, 48))
        ring.feed(FrameBuffer.of_pixels(np.zeros((480, 640, 4), np.uint8)), moment())
        assert "No space left on device" in str(ring.report()["reason"])
        ring._retry_at = 0.0
        ring.feed(FrameBuffer.of_pixels(np.zeros((48, 64, 4), np.uint8)), moment())
        assert ring.report()["state"] == "written"
        assert [one.name for one in folder.iterdir()] == ["a.wcf"]
        ring.dispose()
    finally:
        subprocess.run(["umount", folder], check=True)


def test_what_no_reader_takes_is_refused(path: Path) -> None:
    with pytest.raises(RingError, match="pictures of 20000x10 are too large for a ring"):
        RingOutput(str(path), "test", (20000, 10))


def test_a_killed_server_leaves_a_whole_frame(screen: XServer, path: Path) -> None:
    with painter(screen) as brush:
        brush.noise(7)
        wanted = screen.pixels()
        with webcapd("--display", screen.name, "--ring", str(path)) as server:
            wait_until_shown(path, wanted)
            server.process.send_signal(signal.SIGKILL)
            server.process.wait(TIMEOUT)
        assert np.array_equal(pixels_of(newest(path)), wanted)
        with webcapd("--display", screen.name, "--ring", str(path)):
            wait_until("again", lambda: newest(path).number == 1)
