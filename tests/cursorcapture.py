"""Tells what images of the pointer pixelflux's API of 2.x gives, a line each; ends by a line.

A test runs it with another import in place of the one of pixelflux, and nothing else changed.
"""

import sys

from pixelflux import CaptureSettings, ScreenCapture


def on_cursor(kind: str, data: bytes, x: int, y: int) -> None:
    print(kind, bytes(data).hex() or "-", x, y, flush=True)


settings = CaptureSettings()
settings.codec = "jpeg"
capture = ScreenCapture()
capture.set_cursor_callback(on_cursor)
capture.start_capture(lambda frame: None, settings)
sys.stdin.readline()
capture.stop_capture()
