"""Captures by pixelflux's API of 2.x, and writes what it is given into a file.

usage: stripecapture.py FILE NAME=VALUE...     settings, values as Python writes them

Ends when a line comes on standard input.  A test runs it with another import in place of the one
of pixelflux, and nothing else changed.
"""

import ast
import sys

from pixelflux import CaptureSettings, ScreenCapture, StripeFrame
from striperecord import written


def main() -> None:
    path, *given = sys.argv[1:]
    settings = CaptureSettings()
    for one in given:
        name, value = one.split("=")
        setattr(settings, name, ast.literal_eval(value))
    output = open(path, "wb", buffering=0)  # noqa: SIM115

    def on_stripe(frame: StripeFrame) -> None:
        view = memoryview(frame)
        assert len(view) == len(frame) == len(bytes(frame))
        output.write(written(frame, view))

    capture = ScreenCapture()
    assert not capture.is_capturing
    assert capture.stream_stats() is None
    try:
        capture.start_capture(on_stripe, settings)
        assert capture.is_capturing
        sys.stdin.readline()
        capture.request_idr_frame()
        sys.stdin.readline()
        assert capture.active_codec() == settings.codec
        assert (capture.stream_stats() or {})["frames"] > 0
        assert (capture.stream_info() or {})["codec"] == settings.codec
    finally:
        capture.stop_capture()
    assert not capture.is_capturing
    assert capture.active_codec() is None


if __name__ == "__main__":
    main()
