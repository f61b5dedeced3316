"""Programs that were written for pixelflux work by another import, and see the same."""

import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from painter import Painter, painter
from program import ROOT, TIMEOUT
from stripecaller import HEIGHT, OURS, WIDTH, Capture, running
from stripepictures import Canvas, needs_real, psnr, scene
from striperecord import Given, given_in
from waiting import wait_until
from xserver import XServer, xvfb

from webcapd.compat.pixelflux import (
    CaptureSettings,
    ScreenCapture,
    StripeCallback,
    StripeEncodeResult,
)


@pytest.fixture(scope="module")
def screen() -> Iterator[tuple[XServer, Painter]]:
    with xvfb(WIDTH, HEIGHT) as server, painter(server) as brush:
        yield server, brush


@pytest.fixture
def brush(screen: tuple[XServer, Painter], monkeypatch: pytest.MonkeyPatch) -> Painter:
    """Show something, on the display of this process and its children."""
    server, brush = screen
    monkeypatch.setenv("DISPLAY", server.name)
    brush.image(scene(WIDTH, HEIGHT))
    return brush


def head_of(one: Given) -> bytes:
    """Give the header that 2.x should have put before a stripe, by what is said of that."""
    if one.data_type == 0:
        return struct.pack(">BBHH", 3, 0, one.frame_id, one.top)
    is_key = one.reference == -1
    numbers = (one.frame_id, one.top, WIDTH, one.height, one.frame_id if is_key else one.reference)
    return struct.pack(">BBHHHHH", 4, 16 + is_key, *numbers)


def shown_by(stripes: list[Given]) -> Canvas:
    """Put stripes together, each by what stands in it."""
    canvas = Canvas(WIDTH, HEIGHT)
    for one in stripes:
        head = head_of(one)
        assert one.data.startswith(head)
        data = one.data[len(head) :]
        canvas.show(one.top, one.height, data, is_video=one.data_type == 1)
    return canvas


class Seen(NamedTuple):
    """What a program saw of a screen."""

    places: set[tuple[int, int, int]]
    """Kind, first row and height of the stripes."""
    first: list[int]
    """The first rows of the stripes that came first."""
    sampling: set[bytes]
    """Of JPEG, how the components are sampled (SOF0)."""


def see(module: str, codec: str, folder: Path, server: XServer) -> Seen:
    """Have a program capture a screen at rest, and check what it is given."""
    path = folder / module
    settings = (f"codec={codec!r}", "target_fps=30", "use_paint_over_quality=True", "use_cpu=True")
    screen = server.pixels()
    with running("stripecapture.py", folder, module, path, "use_wayland=False", *settings) as one:
        assert one.stdin
        wait_until("it is like the screen", lambda: is_like(path, screen))
        before = len(given_in(path))
        one.stdin.write("keys, please\n")
        one.stdin.flush()
        tops = {stripe.top for stripe in given_in(path)}
        wait_until(
            "all come again, as keys",
            lambda: {each.top for each in given_in(path)[before:] if each.reference < 0} == tops,
        )
        one.communicate("stop\n", timeout=TIMEOUT)
        assert one.returncode == 0
    stripes = given_in(path)
    assert psnr(shown_by(stripes).pixels, screen) >= 35
    for stripe in stripes:
        assert 0 < stripe.captured <= stripe.begun <= stripe.ended <= time.monotonic_ns()
    places = {(one.data_type, one.top, one.height) for one in stripes}
    sof = [one.data.partition(b"\xff\xc0")[2] for one in stripes if one.data_type == 0]
    sampling = {one[9:17:3] for one in sof}
    return Seen(places, [one.top for one in stripes[: len(places)]], sampling)


def is_like(path: Path, screen: Any) -> bool:
    stripes = given_in(path)
    return bool(stripes) and psnr(shown_by(stripes).pixels, screen) >= 35


@needs_real
@pytest.mark.parametrize("codec", ["jpeg", "h264"])
def test_both_show_the_same_by_the_same_calls(
    codec: str, brush: Painter, screen: tuple[XServer, Painter], tmp_path: Path
) -> None:
    ours, real = (see(module, codec, tmp_path, screen[0]) for module in (OURS, "pixelflux"))
    assert ours == real


def line_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.mark.parametrize(("mode", "kind"), [(0, "JPEG"), (1, "H264")])
def test_basic_program_of_1_2_2(mode: int, kind: str, brush: Painter, tmp_path: Path) -> None:
    """Before a JPEG: frame id and first row; before H.264 these, what it is, and its size."""
    settings = ("capture_width=320", "capture_height=1000", "target_fps=30.0")
    more = (f"output_mode={mode}", "h264_crf=25", "jpeg_quality=90")
    with running("stripebasic.py", tmp_path, OURS, *settings, *more) as process:
        lines = [line_of(process)]
        while len(lines) < 2 or lines[-1].split()[2] == "0+180":
            lines.append(line_of(process))
        output, _ = process.communicate("\n", timeout=TIMEOUT)
        lines += output.split("\n")
    stripes = [line.split() for line in lines if line.startswith(kind)]
    assert stripes
    for _, number, place, size, length, head, sampling, user_data in stripes:
        top, height = map(int, place.split("+"))
        assert mode or sampling == "221111"
        assert (size, user_data) == (length, "given")
        head_of_jpeg = struct.pack(">HH", int(number), top) + b"\xff\xd8"
        # The first of a stripe is a key frame.
        head_of_h264 = struct.pack(">BBHHHH", 4, 1, int(number), top, 320, height)
        assert head.startswith((head_of_h264 if mode else head_of_jpeg).hex())
        assert top + height <= HEIGHT
    assert process.returncode == 0
    assert "stopped" in lines


def test_program_that_does_not_stop_ends(brush: Painter, tmp_path: Path) -> None:
    with running("stripebasic.py", tmp_path, OURS) as process:
        wait_until("it has started", lambda: line_of(process) == "started")
        process.communicate("leave\n", timeout=TIMEOUT)
        assert process.returncode == 0


@pytest.fixture
def capture(brush: Painter) -> Iterator[Callable[..., Capture]]:
    made: list[Capture] = []

    def make(**settings: object) -> Capture:
        made.append(Capture(**settings))
        return made[-1]

    yield make
    for one in made:
        one.screen.stop_capture()
    assert not [one for one in threading.enumerate() if one.name.startswith(("encod", "stripes"))]


@pytest.mark.parametrize("codec", ["jpeg", "h264"])
def test_slow_callback_is_given_the_newest(
    codec: str, brush: Painter, capture: Callable[..., Capture]
) -> None:
    """Of H.264 nothing is lacking then, so that the picture is right, and no key frame needed."""
    one, goes_on = capture(codec=codec, video_crf=18), threading.Event()
    one.start()
    wait_until("the screen is there", lambda: one.shows(0))
    one.at_work = lambda: goes_on.wait(TIMEOUT)
    count = len(one.frames)
    brush.image(scene(WIDTH, HEIGHT, 1))
    wait_until("it is at work", lambda: len(one.frames) > count)
    for seed in range(2, 12):
        brush.image(scene(WIDTH, HEIGHT, seed))
    assert len(one.frames) == count + 1
    goes_on.set()
    wait_until("it shows what is there", lambda: one.shows(11))
    # What it was at, perhaps torn as it was drawn meanwhile; and what there is now.
    later = one.frames[count:]
    assert len({frame.frame_id for frame in later}) <= 3
    assert codec == "jpeg" or all(frame.reference_frame_id >= 0 for frame in later)


def test_callback_that_fails_is_called_again(
    brush: Painter, capture: Callable[..., Capture], capsys: pytest.CaptureFixture[str]
) -> None:
    one = capture()
    one.at_work = lambda: [][0]
    one.start()
    wait_until("all is there", lambda: one.shows(0))
    assert "IndexError" in capsys.readouterr().err


def test_capture_may_be_stopped_started_and_changed_by_its_callback(
    brush: Painter, capture: Callable[..., Capture]
) -> None:
    one = capture()
    one.at_work = one.screen.stop_capture
    one.start()
    wait_until("it has ended", lambda: not one.screen.is_capturing)
    assert len(one.frames) == 1
    assert (one.screen.capture_state(), one.screen.stream_info()) == (("idle", None), None)

    def change() -> None:
        one.at_work = lambda: None
        one.screen.update_capture_region(0, 0, 0, 100)

    one.at_work = change
    one.start()
    wait_until("it shows a part", lambda: one.frames[-1].stripe_height == 100)
    # Numbers go on, for who goes by them.
    assert one.frames[-1].frame_id > 0
    assert one.screen.capture_state() == ("running", None)
    one.canvas = Canvas(WIDTH, HEIGHT)
    with pytest.raises(RuntimeError, match="is not within the screen"):
        one.screen.update_capture_region(5000, 0, 10, 10)
    wait_until("it goes on as before", lambda: one.canvas.pixels[:100].any())
    assert one.frames[-1].stripe_height == 100


def test_capture_starts_anew_while_it_runs(brush: Painter, capture: Callable[..., Capture]) -> None:
    """As 2.x does, and 1.2.2; but not the versions of 1.x that take a plain function."""
    one = capture()
    for _ in range(2):
        one.start()
        wait_until("all is there", lambda: one.shows(0))
        one.canvas = Canvas(WIDTH, HEIGHT)
    seen: list[tuple[StripeEncodeResult, object]] = []

    def on_result(result: StripeEncodeResult, user_data: object) -> None:
        seen.append((result, user_data))

    one.screen.start_capture(one.settings, StripeCallback(on_result))
    wait_until("1.x gives something", lambda: seen)
    assert (seen[0][0].type, seen[0][1]) == (1, None)
    with pytest.raises(ValueError, match="started already"):
        one.screen.start_capture(one.settings, on_result)
    assert one.screen.is_capturing
    one.screen.stop_capture()
    one.screen.start_capture(one.settings, on_result, user_data=5)
    wait_until("it gives what was passed", lambda: seen[-1][1] == 5)


def test_qualities_change_on_the_fly(brush: Painter, capture: Callable[..., Capture]) -> None:
    one = capture(jpeg_quality=90)
    one.start()
    wait_until("all is there", lambda: one.shows(0))
    sharp = {frame.stripe_y_start: len(frame) for frame in one.frames}
    one.settings.jpeg_quality = 20
    one.screen.update_tunables(one.settings)
    one.screen.request_idr_frame()
    wait_until("it is less", lambda: 2 * len(one.frames[-1]) < sharp[one.frames[-1].stripe_y_start])
    brush.image(scene(WIDTH, HEIGHT, 3))
    wait_until("it goes on", lambda: psnr(one.canvas.pixels, scene(WIDTH, HEIGHT, 3)) > 25)


def test_rate_changes_on_the_fly(brush: Painter, capture: Callable[..., Capture]) -> None:
    """So that no key frame is needed: who lowers the rate has a slow line."""
    one = capture(codec="h264", target_fps=1)
    one.start()
    wait_until("all is there", lambda: one.shows(0))
    one.screen.update_framerate(60)
    count = len(one.frames)
    # More than there is credit for, in far less time than they would take.
    for seed in range(1, 8):
        brush.image(scene(WIDTH, HEIGHT, seed))
        wait_until("it is shown", lambda seed=seed: one.shows(seed))  # type: ignore[misc]
    assert all(frame.reference_frame_id >= 0 for frame in one.frames[count:])


def test_headers_are_left_out_if_wanted(brush: Painter, capture: Callable[..., Capture]) -> None:
    one = capture(omit_stripe_headers=True)
    one.screen.start_capture(one.frames.append, one.settings)
    wait_until("there is a stripe", lambda: one.frames)
    assert one.frames[0].startswith(b"\xff\xd8")


def test_h264_is_whole_frames_if_wanted(brush: Painter, capture: Callable[..., Capture]) -> None:
    one = capture(codec="h264", video_fullframe=True, video_fullcolor=True, capture_height=201)
    one.start()
    wait_until("there is a frame", lambda: one.frames)
    assert (one.frames[0].stripe_y_start, one.frames[0].stripe_height) == (0, 200)
    assert (one.screen.active_codec(), one.frames[0].data_type) == ("h264", 1)
    info = one.screen.stream_info() or {}
    assert (info["striped"], info["fullcolor"], info["encoder"]) == (False, True, "x264")


def test_h264_without_pyav_is_a_sentence() -> None:
    source = f"""
import sys
sys.modules["av"] = None
from {OURS} import *
settings = CaptureSettings()
settings.output_mode = 1
ScreenCapture().start_capture(settings, StripeCallback(print), None)
"""
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT
    )
    said = done.stderr.splitlines()[-1]
    assert said.startswith("RuntimeError: H.264 needs PyAV, which is not installed: pip install")


@pytest.mark.parametrize(
    ("settings", "error", "sentence"),
    [
        ({"codec": "mpeg2"}, ValueError, "unknown codec 'mpeg2': expected jpeg, h264"),
        ({"codec": "vp9"}, ValueError, "webcapd has no encoder for vp9"),
        ({"capture_x": 5000}, RuntimeError, "is not within the screen"),
    ],
)
def test_what_cannot_start_says_why(
    settings: dict[str, object],
    error: type[Exception],
    sentence: str,
    capture: Callable[..., Capture],
) -> None:
    one = capture(**settings)
    with pytest.raises(error, match=sentence):
        one.start()
    assert not one.screen.is_capturing


@pytest.mark.parametrize("display", ["", ":987"])
def test_no_display_is_said(
    display: str, capture: Callable[..., Capture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    with pytest.raises(RuntimeError, match=r"DISPLAY is not set|:987"):
        capture().start()


def test_arguments_in_another_order_are_refused() -> None:
    settings, one = CaptureSettings(), ScreenCapture()
    for arguments in [(), (settings,), (3, settings), (settings, 3), (print, settings, None, 1)]:
        with pytest.raises(TypeError, match=r"1\.x does, or"):
            one.start_capture(*arguments)
    with pytest.raises(TypeError, match="takes a function"):
        StripeCallback(3)  # type: ignore[arg-type]
    one.stop_capture()
    one.request_idr_frame()
    one.update_framerate(3)
    with pytest.raises(TypeError):
        one.update_tunables(3)  # type: ignore[arg-type]
