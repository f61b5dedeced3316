"""Captures of the Python API that start and end in one process."""

import logging
import threading

from program import TIMEOUT
from soak import scenario
from test_server import assert_no_more_than, holdings
from xserver import xvfb

import webcapd


def _call_back(settings: webcapd.Settings) -> None:
    """Start a capture, and stop it in its callback or elsewhere."""
    called = threading.Event()

    def on_frame(frame: webcapd.Frame) -> None:
        assert frame.pixels.shape == (240, 320, 4)
        called.set()

    with webcapd.Capture(settings, on_frame):
        assert called.wait(TIMEOUT)


def _take_packets(settings: webcapd.Settings) -> None:
    with (
        webcapd.frames(settings, output="jpeg") as jpegs,
        webcapd.frames(settings, output="updates") as updates,
        webcapd.frames(settings, output="h264") as videos,
    ):
        assert all(next(packets).is_key for packets in (jpegs, updates, videos))


def _stop_in_callback(settings: webcapd.Settings) -> None:
    def on_frame(frame: webcapd.Frame) -> None:
        capture.stop()

    capture = webcapd.Capture(settings, on_frame)
    capture.start()
    assert capture.join(TIMEOUT)


def _iterate(settings: webcapd.Settings) -> None:
    with webcapd.frames(settings) as frames:
        assert next(frames).pixels.shape == (240, 320, 3)


def _forget(settings: webcapd.Settings) -> None:
    for frame in webcapd.frames(settings):
        assert frame.number == 1
        break


def _fail(settings: webcapd.Settings) -> None:
    capture = webcapd.Capture(settings, lambda frame: 1 / 0).start()
    try:
        capture.join(TIMEOUT)
    except ZeroDivisionError:
        return
    raise AssertionError("what a callback raised was lost")


@scenario("api", 1000)
def api(count: int) -> str:
    """Start captures in all ways, and end them in all ways."""
    ways = (_call_back, _iterate, _take_packets, _stop_in_callback, _forget, _fail)
    logging.getLogger("webcapd.app.api").setLevel(logging.CRITICAL)
    try:
        with xvfb(320, 240) as server:
            settings = [
                webcapd.Settings(display=server.name, shm=shm) for shm in ("fd", "sysv", "off")
            ]
            # What is loaded once, with the first of all, is no leak.
            for way in ways:
                way(settings[0])
            before = holdings()
            for number in range(count):
                ways[number % len(ways)](settings[number // len(ways) % len(settings)])
            assert_no_more_than(before)
    finally:
        logging.getLogger("webcapd.app.api").setLevel(logging.NOTSET)
    return "in six ways each, and no thread, descriptor, process or shared memory is left"
