"""Captures of the Python API: frames that are asked for, and frames that are called back."""

import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from program import TIMEOUT
from waiting import wait_until
from Xlib.display import Display
from xserver import Pixels, XServer, xvfb

import webcapd
from webcapd.app.api import worker
from webcapd.base.shutdown import Shutdown

SIZE = (333, 245)  # Odd on purpose, and no whole tiles.


@pytest.fixture(scope="module")
def screen() -> Iterator[XServer]:
    with xvfb(*SIZE) as running:
        yield running


@pytest.fixture(scope="module")
def display(screen: XServer) -> Iterator[Display]:
    with screen.connected() as connected:
        yield connected


def fill(display: Display, colour: int, x: int, y: int, width: int, height: int) -> None:
    """Draw a rectangle, which is on the screen when this returns."""
    root = display.screen().root
    gc = root.create_gc(foreground=colour)
    root.fill_rectangle(gc, x, y, width, height)
    gc.free()
    display.sync()


def settings(screen: XServer, **more: object) -> webcapd.Settings:
    options: webcapd.CaptureKeywords = {"display": screen.name, "capture_cursor": False}
    return webcapd.Settings(**options, **more)  # type: ignore[arg-type]


def read(frames: webcapd.Frames[webcapd.Frame]) -> webcapd.Frame:
    frame = frames.read(TIMEOUT)
    assert frame is not None
    return frame


def test_frames_are_the_screen_and_say_where_it_changed(screen: XServer, display: Display) -> None:
    fill(display, 0x204060, 0, 0, *SIZE)
    with webcapd.frames(settings(screen)) as frames:
        first = next(frames)
        assert (first.size, first.number, first.output) == (SIZE, 1, "bgr")
        assert first.changed == (webcapd.Rectangle(0, 0, *SIZE),)
        assert np.array_equal(first.pixels, screen.pixels())
        fill(display, 0xFFFFFF, 100, 100, 3, 3)
        second = read(frames)
        assert np.array_equal(second.pixels, screen.pixels())
        (place,) = second.changed
        assert webcapd.Rectangle(100, 100, 3, 3).within(place).area == 9
        assert place.height == 16
        assert place.width < SIZE[0]
        assert second.monotonic > first.monotonic
        assert second.time > first.time
        # What a frame shows is its own, whatever comes after it.
        assert (first.pixels[100, 100].tolist(), first.number) == ([0x60, 0x40, 0x20], 1)
        assert frames.read(0.1) is None
        assert frames.outage == ""


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"filter": "rotate=90,scale=0.5"},
        {"capture_x": 33, "capture_y": 17, "width": 201, "mask": (60, 60, 30, 30)},
    ],
    ids=["whole", "filtered", "part"],
)
def test_nothing_differs_outside_of_the_places_that_are_told(
    more: dict[str, object], screen: XServer, display: Display
) -> None:
    generator = np.random.default_rng(1)
    fill(display, 0, 0, 0, *SIZE)
    with webcapd.frames(settings(screen, **more), output="raw") as frames:
        before = next(frames).pixels
        for colour in range(1, 9):
            for _ in range(int(generator.integers(1, 4))):
                x, y = (int(generator.integers(0, side - 9)) for side in SIZE)
                width, height = map(int, generator.integers(1, 90, 2))
                fill(display, 0x1F0305 * colour & 0xFFFFFF, x, y, width, height)
            # A last one, which is in no mask.
            fill(display, colour << 20 | colour, 170, 200, 5, 5)
            frame = read(frames)
            changed = np.zeros(frame.pixels.shape[:2], bool)
            for place in frame.changed:
                place.of(changed)[:] = True
            differs = (frame.pixels[:, :, :3] != before[:, :, :3]).any(axis=2)
            assert differs.any()
            assert not (differs & ~changed).any()
            before = frame.pixels


def test_who_takes_his_time_gets_the_newest(screen: XServer, display: Display) -> None:
    fill(display, 0, 0, 0, *SIZE)
    with webcapd.frames(settings(screen)) as frames:
        next(frames)
        for colour in (1, 2, 3, 4, 5):
            fill(display, colour, 10, 10, 20, 20)
        assert read(frames).pixels[15, 15].tolist() == [5, 0, 0]
        assert frames.read(0.1) is None


def test_what_comes_when_nobody_waits_is_not_kept(screen: XServer, display: Display) -> None:
    fill(display, 0, 0, 0, *SIZE)
    with webcapd.frames(settings(screen)) as frames, webcapd.frames(settings(screen)) as other:
        assert [next(frames).number, next(other).number] == [1, 1]
        assert frames.read(0.05) is None
        for colour in (1, 2):
            fill(display, colour, 10, 10, 20, 20)
            assert read(other).pixels[15, 15].tolist() == [colour, 0, 0]
        assert read(frames).pixels[15, 15].tolist() == [2, 0, 0]


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("raw", None),
        ("rgb", cv2.COLOR_BGRA2RGB),
        ("gray", cv2.COLOR_BGRA2GRAY),
        ("i420", cv2.COLOR_BGRA2YUV_I420),
    ],
)
def test_outputs_are_what_opencv_makes_of_the_pixels(
    output: str, code: int | None, screen: XServer, display: Display
) -> None:
    fill(display, 0x3366CC, 0, 0, *SIZE)
    fill(display, 0xCC1122, 40, 30, 77, 55)
    frame = webcapd.snapshot(settings(screen), output=output)  # type: ignore[call-overload]
    shown = np.dstack([screen.pixels(), np.zeros(SIZE[::-1], np.uint8)])
    if code is None:
        assert np.array_equal(frame.pixels[:, :, :3], shown[:, :, :3])
        assert frame.pixels.shape == shown.shape
    else:
        even = shown[:244, :332] if output == "i420" else shown
        assert np.array_equal(frame.pixels, cv2.cvtColor(even, code))
        assert frame.size == even.shape[1::-1]
    assert frame.pixels.flags.writeable


def test_nv12_is_i420_with_its_colours_in_pairs(screen: XServer) -> None:
    planar = webcapd.snapshot(settings(screen), output="i420").pixels
    pairs = webcapd.snapshot(settings(screen), output="nv12").pixels
    assert np.array_equal(pairs[:244], planar[:244])
    u, v = planar[244:].reshape(2, -1)
    assert np.array_equal(pairs[244:].reshape(-1, 2), np.stack([u, v], axis=1))


def test_masks_hold(screen: XServer, display: Display) -> None:
    fill(display, 0xFFFFFF, 0, 0, *SIZE)
    frame = webcapd.snapshot(settings(screen, mask=[(10, 20, 30, 40)]), output="gray")
    expected = np.full(SIZE[::-1], 255, np.uint8)
    expected[20:60, 10:40] = 0
    assert np.array_equal(frame.pixels, expected)


class Seen:
    """A callback, and what it was called with: copies of raw pixels, frames themselves."""

    def __init__(self, calls: int = 0) -> None:
        self.pixels: list[Pixels] = []
        self.frames: list[webcapd.Frame] = []
        self.capture: webcapd.Capture[webcapd.Frame] | None = None
        self._calls = calls

    def __call__(self, frame: webcapd.Frame) -> None:
        self.pixels.append(frame.pixels.copy())
        self.frames.append(frame)
        if self.capture is not None and len(self.pixels) == self._calls:
            self.capture.stop()
            self.capture.stop()


def test_callback_gets_each_change_and_may_stop_it(screen: XServer, display: Display) -> None:
    fill(display, 0, 0, 0, *SIZE)
    seen = Seen(calls=2)
    seen.capture = webcapd.Capture(settings(screen), seen)
    with seen.capture as capture:
        wait_until("the first call", lambda: len(seen.pixels) == 1)
        fill(display, 7, 0, 0, *SIZE)
        assert capture.join(TIMEOUT)
        assert not capture.is_running
    assert [int(pixels[9, 9, 0]) for pixels in seen.pixels] == [0, 7]
    with pytest.raises(webcapd.Error, match="while its callback runs"):
        _ = seen.frames[0].pixels
    # The same object again, which begins anew.
    capture.start()
    wait_until("a call", lambda: len(seen.pixels) == 3)
    capture.stop()
    assert seen.frames[2].number == 1


def test_raw_pixels_are_lent_and_must_not_be_kept(screen: XServer) -> None:
    kept: list[Pixels] = []
    writeable = []

    def keep(frame: webcapd.Frame) -> None:
        writeable.append(frame.pixels.flags.writeable)
        kept.append(frame.pixels[5:10, ::2])

    capture = webcapd.Capture(settings(screen), keep).start()
    with pytest.raises(webcapd.Error, match="kept pixels of a raw frame"):
        capture.join(TIMEOUT)
    assert writeable == [False]
    # What was kept is no longer true, but neither is it gone: nothing crashes.
    assert kept[0].shape == (5, 167, 4)
    assert kept[0].sum() >= 0
    capture.stop()


@pytest.mark.parametrize("shm", ["sysv", "off"])
def test_pixels_that_were_kept_all_the_same_do_no_harm(shm: str, screen: XServer) -> None:
    kept: list[Pixels] = []
    more = settings(screen, shm=shm)
    capture = webcapd.Capture(more, lambda frame: kept.append(frame.pixels)).start()
    with pytest.raises(webcapd.Error, match="kept pixels"):
        capture.join(TIMEOUT)
    assert kept[0].sum() >= 0


def test_what_a_callback_raises_ends_the_capture(
    screen: XServer, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(frame: webcapd.Frame) -> None:
        raise ZeroDivisionError(f"at {frame.number}")

    capture = webcapd.Capture(settings(screen), fail).start()
    with pytest.raises(ZeroDivisionError, match="at 1") as caught:
        capture.join(TIMEOUT)
    assert "a callback failed" in caplog.text
    # The traceback begins where the user's code does.
    assert caught.traceback[-1].name == "fail"
    capture.stop()
    with pytest.raises(ZeroDivisionError), webcapd.Capture(settings(screen), fail) as running:
        wait_until("the end", lambda: not running.is_running)
    with pytest.raises(KeyError), webcapd.Capture(settings(screen), fail) as running:
        wait_until("the end", lambda: not running.is_running)
        raise KeyError("of the body")


def test_slow_callback_gets_the_newest_and_never_a_backlog(
    screen: XServer, display: Display
) -> None:
    fill(display, 0, 0, 0, *SIZE)
    called, go_on = threading.Semaphore(0), threading.Semaphore(0)
    values = []

    def slow(frame: webcapd.Frame) -> None:
        values.append(int(frame.pixels[9, 9, 0]))
        called.release()
        go_on.acquire(timeout=TIMEOUT)

    with webcapd.Capture(settings(screen), slow):
        assert called.acquire(timeout=TIMEOUT)
        for colour in (1, 2, 3, 4, 5):
            fill(display, colour, 0, 0, *SIZE)
        go_on.release()
        assert called.acquire(timeout=TIMEOUT)
        go_on.release()
    assert values == [0, 5]


def test_misuse_is_told_in_a_sentence(screen: XServer) -> None:
    capture = webcapd.Capture(settings(screen), lambda frame: None)
    capture.stop()
    assert capture.join()
    with capture, pytest.raises(webcapd.Error, match="runs already"):
        capture.start()
    with webcapd.frames(settings(screen)) as frames:
        pass
    for use in (frames.__enter__, frames.read, frames.__iter__):
        with pytest.raises(webcapd.Error, match=r"closed|ended"):
            use()
    never_opened = webcapd.frames(settings(screen))
    never_opened.close()
    with pytest.raises(webcapd.Error, match="closed"):
        next(never_opened)
    with pytest.raises(webcapd.Error, match="no function"):
        webcapd.Capture(settings(screen), 3)  # type: ignore[call-overload]
    with pytest.raises(webcapd.Error, match="there is no output 'png'; there are raw, bgr"):
        webcapd.frames(settings(screen), output="png")  # type: ignore[call-overload]
    with pytest.raises(webcapd.Error, match="port is for"):
        webcapd.frames({"display": screen.name, "port": 1})  # type: ignore[call-overload]
    with pytest.raises(webcapd.Error, match="cannot open display :4242: no X server"):
        webcapd.snapshot(display=":4242")


def test_snapshot_that_finds_no_picture_says_so_once_it_gives_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(webcapd.Error, match="there is no picture"):
        webcapd.snapshot(source=f"file:{tmp_path}/none.png", timeout=0.2)
    # The log promises no more than that it was waited for.
    assert "; waiting for a picture" in caplog.text and "again" not in caplog.text


def test_frames_that_are_forgotten_end_by_themselves(screen: XServer) -> None:
    before = threading.active_count()
    for frame in webcapd.frames(settings(screen)):
        assert frame.number == 1
        break
    wait_until("its threads have ended", lambda: threading.active_count() <= before)


def test_frames_that_are_closed_while_they_open_end(
    screen: XServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before there is anything that could be told to end."""
    before = set(threading.enumerate())
    frames = webcapd.frames(settings(screen))

    def closed_first() -> Shutdown:
        frames.close()
        return Shutdown()

    monkeypatch.setattr(worker, "Shutdown", closed_first)
    iter(frames)
    wait_until("its threads have ended", lambda: set(threading.enumerate()) <= before)


def test_capture_that_is_started_twice_at_the_same_moment_runs_once(
    screen: XServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = webcapd.Capture(settings(screen), lambda frame: None)

    def started_again() -> Shutdown:
        with pytest.raises(webcapd.Error, match="runs already"):
            capture.start()
        return Shutdown()

    monkeypatch.setattr(worker, "Shutdown", started_again)
    for _ in range(2):
        with capture:
            assert capture.is_running


def test_capture_that_is_stopped_as_it_starts_calls_nothing_back_any_more(
    screen: XServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[object] = []
    capture = webcapd.Capture(settings(screen), called.append)

    def stopped_meanwhile() -> Shutdown:
        thread = threading.Thread(target=stop_and_look)
        thread.start()
        thread.join(0.1)  # It either waits for the start to be over or has returned by now.
        return Shutdown()

    at_stop: list[int] = []

    def stop_and_look() -> None:
        capture.stop()
        at_stop.append(len(called))

    monkeypatch.setattr(worker, "Shutdown", stopped_meanwhile)
    capture.start()
    wait_until("it has been stopped", lambda: at_stop and not capture.is_running)
    assert len(called) == at_stop[0]


def test_failed_start_leaves_the_one_of_another_thread_be(
    screen: XServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = webcapd.Capture(settings(screen), lambda frame: None)
    start = worker.Worker.start

    def fail_as_another_starts(failed: worker.Worker[object]) -> None:
        monkeypatch.setattr(worker.Worker, "start", start)
        failed._begun.set()  # As one that has ended by now.
        capture.start()
        raise webcapd.Error("the first one failed")

    monkeypatch.setattr(worker.Worker, "start", fail_as_another_starts)
    with pytest.raises(webcapd.Error, match="the first one failed"):
        capture.start()
    assert capture.is_running
    capture.stop()
    assert not capture.is_running


def test_two_captures_and_a_server_live_beside_each_other(
    screen: XServer, display: Display
) -> None:
    fill(display, 9, 0, 0, *SIZE)
    seen = Seen()
    with (
        webcapd.serve(display=screen.name, port=0) as server,
        webcapd.Capture(settings(screen), seen),
        webcapd.frames(source="pattern:bars,size=64x48") as bars,
        webcapd.frames(settings(screen)) as frames,
    ):
        assert server.urls.startswith("http://127.0.0.1:")
        assert next(bars).size == (64, 48)
        assert next(frames).pixels[3, 3].tolist() == [9, 0, 0]
        wait_until("the callback", lambda: len(seen.pixels) == 1)
        with pytest.raises(webcapd.Error, match="cannot listen"):
            webcapd.serve(display=screen.name, port=int(server.urls.split(":")[-1].strip("/")))
    assert seen.pixels[0][3, 3, 0] == 9


def test_display_of_its_own_with_a_program_in_it_ends_with_that() -> None:
    program = ["xmessage", "-timeout", "1", "hello"]
    with webcapd.frames(virtual="64x48", program=program) as frames:
        assert all(frame.size == (64, 48) for frame in frames)
        with pytest.raises(webcapd.Error, match="has ended"):
            frames.read()


def test_displays_keep_the_numbers_of_their_extensions_to_themselves(
    screen: XServer, display: Display
) -> None:
    """python-xlib has them in a class: for all displays, those of the program's own too."""
    with webcapd.frames(settings(screen)) as frames:
        next(frames)
        one, other = Display(screen.name), Display(screen.name)
        numbers = [own.display.extension_major_opcodes for own in (one, other)]
        assert numbers[0] is not numbers[1]
        with webcapd.frames(settings(screen)) as others:
            next(others)
        assert numbers[0] == numbers[1] == one.display.extension_major_opcodes
        assert numbers[0]["XFIXES"]
        one.close()
        other.close()
        fill(display, 0x123456, 3, 3, 9, 9)
        assert read(frames).pixels[5, 5].tolist() == [0x56, 0x34, 0x12]
