"""What becomes of a capture by pixelflux's API as its screen, its callback and its owner do."""

import contextlib
import gc
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from mortal import mortal_server
from painter import painter
from program import TIMEOUT
from resizing import resize
from stripecaller import HEIGHT, OURS, WIDTH, Capture, running
from stripepictures import Canvas, needs_real, psnr, scene
from waiting import wait_until
from Xlib import Xcursorfont
from Xlib.display import Display
from Xlib.xobject.fontable import Font
from xserver import XServer, xvfb

from webcapd.compat.pixelflux import CaptureSettings, ScreenCapture, StripeFrame, session


@contextlib.contextmanager
def capturing(**settings: object) -> Iterator[Capture]:
    one = Capture(**settings)
    one.start()
    try:
        yield one
    finally:
        one.screen.stop_capture()


@pytest.mark.parametrize("codec", ["jpeg", "h264"])
def test_display_that_is_lost_is_told_of_and_comes_back(
    codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mortal_server() as server:
        monkeypatch.setenv("DISPLAY", server.name)
        server.start_xvfb(WIDTH, HEIGHT)
        with contextlib.ExitStack() as stack, capturing(codec=codec, video_crf=18) as one:
            stack.enter_context(painter(server)).image(scene(WIDTH, HEIGHT))
            wait_until("it is shown", lambda: one.shows(0))
            server.kill()
            # The placeholder is dark.
            wait_until("the loss is shown", lambda: one.canvas.pixels[:20].mean() < 40)
            assert one.screen.capture_state() == ("running", None)
            server.start_xvfb(WIDTH, HEIGHT)
            stack.enter_context(painter(server)).image(scene(WIDTH, HEIGHT, 3))
            wait_until("the picture is back", lambda: one.shows(3))


@pytest.mark.parametrize("codec", ["jpeg", "h264"])
def test_screen_of_another_size_is_followed(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The capture is as large as it may be, and as the screen is."""
    with xvfb(WIDTH, HEIGHT) as server, server.connected() as display:
        monkeypatch.setenv("DISPLAY", server.name)
        with capturing(codec=codec, capture_width=600, capture_height=0) as one:
            wait_until("all is there", lambda: bottom(one) == HEIGHT)
            resize(display, 320, 240)
            one.canvas = Canvas(320, 240)
            wait_until("less is there", lambda: bottom(one) == 240)
            one.canvas = Canvas(480, 300)
            resize(display, 480, 300)
            wait_until("more is there", lambda: bottom(one) == 300)


def bottom(one: Capture) -> int:
    """Give the first row below what came last."""
    frame = one.frames[-1] if one.frames else None
    return frame.stripe_y_start + frame.stripe_height if frame else 0


@pytest.fixture(scope="module")
def server() -> Iterator[XServer]:
    with xvfb(WIDTH, HEIGHT) as running, painter(running) as brush:
        brush.image(scene(WIDTH, HEIGHT))
        yield running


@pytest.fixture(autouse=True)
def shown(server: XServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", server.name)


def test_several_show_parts_side_by_side() -> None:
    whole = scene(WIDTH, HEIGHT)
    places = [(0, 0, 320, 200), (101, 53, 300, 190), (500, 300, 900, 900)]
    with contextlib.ExitStack() as stack:
        for number, (x, y, width, height) in enumerate(places):
            part = whole[y : y + height, x : x + width]
            one = stack.enter_context(
                capturing(
                    codec=("jpeg", "h264")[number % 2],
                    **{"capture_x": x, "capture_y": y, "capture_width": width},
                    capture_height=height,
                )
            )

            def is_like() -> bool:
                return psnr(one.canvas.pixels[: part.shape[0], : part.shape[1]], part) > 32  # noqa: B023

            wait_until(f"{places[number]} is shown", is_like)


def test_what_nobody_holds_is_stopped() -> None:
    capture, came = ScreenCapture(), threading.Event()

    def on_stripe(frame: StripeFrame) -> None:
        came.set()

    capture.start_capture(on_stripe, CaptureSettings())
    assert came.wait(TIMEOUT)
    del capture
    gc.collect()
    gone = {"encoder", "stripes"}
    wait_until("all threads end", lambda: not gone & {one.name for one in threading.enumerate()})


def test_callback_that_does_not_return_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session, "_CALLBACK_SECONDS", 0.1)
    returns, came = threading.Event(), threading.Event()

    def on_stripe(frame: StripeFrame) -> None:
        came.set()
        returns.wait(TIMEOUT)

    capture = ScreenCapture()
    capture.start_capture(on_stripe, CaptureSettings())
    assert came.wait(TIMEOUT)
    capture.stop_capture()
    assert "has not returned" in caplog.text
    assert not capture.is_capturing
    returns.set()
    gone = {"encoder", "stripes"}
    wait_until("all threads end", lambda: not gone & {one.name for one in threading.enumerate()})


def test_callback_may_stop_the_capture_while_another_thread_begins_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever begins finds one that has begun just before, and waits for its callback."""
    monkeypatch.setattr(session, "_CALLBACK_SECONDS", TIMEOUT)
    capture, came, begins = ScreenCapture(), threading.Event(), threading.Event()
    stop = session.Session.stop

    def stop_late(one: session.Session) -> None:
        begins.set()
        stop(one)

    def on_stripe(frame: StripeFrame) -> None:
        if not came.is_set():
            came.set()
            assert begins.wait(TIMEOUT)
            capture.stop_capture()

    monkeypatch.setattr(session.Session, "stop", stop_late)
    capture.start_capture(on_stripe, CaptureSettings())
    assert came.wait(TIMEOUT)
    running = capture._running
    assert running._settings and running._dialect and running.session
    running._begin(running._settings, running._dialect, running.session.plan, 0)
    assert capture.is_capturing
    monkeypatch.undo()
    capture.stop_capture()
    assert "has not returned" not in caplog.text


def set_cursor(display: Display, glyph: int | None) -> None:
    """Give the whole screen a pointer of X's font of them, or none that can be seen."""
    root = display.screen().root
    if glyph is None:
        bits = root.create_pixmap(1, 1, 1)
        bits.fill_rectangle(bits.create_gc(foreground=0), 0, 0, 1, 1)
        cursor = bits.create_cursor(bits, (0, 0, 0), (0, 0, 0), 0, 0)
    else:
        font = display.open_font("cursor")
        assert isinstance(font, Font)
        cursor = font.create_glyph_cursor(font, glyph, glyph + 1, (0, 0, 0), (65535, 65535, 65535))
    root.change_attributes(cursor=cursor)
    display.sync()


_Pointer = tuple[str, bytes, str]
"""What an image of the pointer is, its pixels, and which of them points."""


def pointer_of(line: str) -> _Pointer:
    kind, data, *hot_spot = line.split()
    if kind == "hide":
        return kind, b"", " ".join(hot_spot)
    png = np.frombuffer(bytes.fromhex(data), np.uint8)
    pixels = np.asarray(cv2.imdecode(png, cv2.IMREAD_UNCHANGED))
    return kind, bytes(pixels.shape) + pixels.tobytes(), " ".join(hot_spot)


class Told:
    """The images of the pointer that a program tells of, but those it tells of again."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.images: list[_Pointer] = []
        self._process = process
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith(("png ", "hide ")):
                image = pointer_of(line)
                if image not in self.images[-1:]:
                    self.images.append(image)

    def wait_for_another(self, display: Display, glyph: int | None) -> None:
        """Set a pointer until it is told of.

        Again and again: pixelflux does not see what changes just as it begins to look.
        """
        before = len(self.images)

        def is_told() -> bool:
            set_cursor(display, glyph)
            return len(self.images) > before

        wait_until("the pointer is told of", is_told)

    def end(self) -> None:
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        assert self._process.wait(TIMEOUT) == 0
        self._thread.join()


@needs_real
def test_both_tell_of_the_same_pointers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: list[list[_Pointer]] = []
    # Nobody else has a window here, with a pointer of its own.
    with xvfb(WIDTH, HEIGHT) as server, server.connected() as display:
        monkeypatch.setenv("DISPLAY", server.name)
        for module in (OURS, "pixelflux"):
            set_cursor(display, Xcursorfont.crosshair)
            with running("cursorcapture.py", tmp_path, module) as process:
                images = Told(process)
                for glyph in (Xcursorfont.crosshair, Xcursorfont.xterm, None):
                    images.wait_for_another(display, glyph)
                images.end()
            told.append(images.images)
    assert told[0] == told[1]
    assert [kind for kind, _, _ in told[0]] == ["png", "png", "hide"]


def test_pointers_are_told_of_until_that_is_withdrawn(server: XServer) -> None:
    kinds: list[str] = []
    with capturing() as one, server.connected() as display:
        wait_until("it runs", lambda: one.shows(0))
        one.screen.set_cursor_callback(lambda kind, data, x, y: kinds.append(kind))
        one.canvas = Canvas(WIDTH, HEIGHT)
        one.screen.request_idr_frame()
        wait_until("there is one", lambda: kinds and one.shows(0))
        middle = slice(HEIGHT // 2 - 8, HEIGHT // 2 + 8), slice(WIDTH // 2 - 8, WIDTH // 2 + 8)
        # The pointer is there, but not in the picture.
        assert psnr(one.canvas.pixels[middle], scene(WIDTH, HEIGHT)[middle]) > 30
        one.screen.set_cursor_callback(None)
        set_cursor(display, None)
        one.screen.update_capture_region(0, 0, 100, 100)
        wait_until("it goes on", lambda: one.frames[-1].stripe_height == 100)
        assert kinds == ["png"]
        with pytest.raises(TypeError):
            one.screen.set_cursor_callback("callback")  # type: ignore[arg-type]
