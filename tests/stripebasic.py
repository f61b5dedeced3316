"""Captures by pixelflux's API of 1.2.2, in the order of calls of its README's basic program.

usage: stripebasic.py NAME=VALUE...     settings, values as Python writes them

Tells of each stripe in a line, and ends when a line comes on standard input, without another
word to the capture if that line is "leave".
"""

import ast
import sys

from pixelflux import CaptureSettings, ScreenCapture, StripeCallback, StripeEncodeResult


def on_stripe(result: StripeEncodeResult, user_data: object) -> None:
    if result.data:
        kind = {1: "JPEG", 2: "H264"}[result.type]
        place = f"{result.stripe_y_start}+{result.stripe_height}"
        head = result.data[:10].hex()
        # Of a JPEG: how the components are sampled.
        sampling = result.data.partition(b"\xff\xc0")[2][9:17:3].hex() or "-"
        print(
            kind, result.frame_id, place, result.size, len(result.data), head, sampling, user_data
        )
        # As programs for its ctypes versions have it.
        assert bytes(result.contents.data[: result.contents.size]) == result.data


settings = CaptureSettings()
for one in sys.argv[1:]:
    name, value = one.split("=")
    setattr(settings, name, ast.literal_eval(value))
module = ScreenCapture()
callback = StripeCallback(on_stripe)
try:
    module.start_capture(settings, callback, "given")
    print("started", flush=True)
    if input() == "leave":
        sys.stdout.flush()
        raise SystemExit(0)
finally:
    if sys.exc_info()[0] is not SystemExit:
        module.stop_capture()
print("stopped")
