"""Captures by pixelflux's API that start and end in one process."""

import threading

from painter import painter
from pytest import MonkeyPatch
from soak import scenario
from stripepictures import scene
from test_server import assert_no_more_than, holdings
from waiting import wait_until
from xserver import xvfb

from webcapd.compat.pixelflux import CaptureSettings, ScreenCapture, StripeFrame


def _capture(codec: str) -> None:
    """Start a capture, wait for its first frame, and end it."""
    settings, came = CaptureSettings(), threading.Event()
    settings.codec = codec

    def on_stripe(frame: StripeFrame) -> None:
        came.set()

    capture = ScreenCapture()
    capture.start_capture(on_stripe, settings)
    wait_until("there is a stripe", came.is_set)
    capture.stop_capture()


@scenario("pixelflux", 200)
def pixelflux(count: int) -> str:
    """Start and end captures by pixelflux's API, in turn of JPEG and of H.264."""
    with MonkeyPatch.context() as patch, xvfb(320, 240) as server, painter(server) as brush:
        patch.setenv("DISPLAY", server.name)
        brush.image(scene(320, 240))
        # What is loaded once, with the first of all, is no leak.
        for codec in ("jpeg", "h264"):
            _capture(codec)
        before = holdings()
        for number in range(count):
            _capture(("jpeg", "h264")[number % 2])
        assert_no_more_than(before)
    return "no thread, descriptor, process or shared memory is left"
