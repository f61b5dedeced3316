"""pixelflux's API: ``from webcapd.compat.pixelflux import ...`` in place of ``from pixelflux``.

See docs/pixelflux.md.
"""

from webcapd.compat.pixelflux.capture import ScreenCapture
from webcapd.compat.pixelflux.results import StripeCallback, StripeEncodeResult, StripeFrame
from webcapd.compat.pixelflux.settings import CaptureSettings

# Of the ctypes versions of 1.x: values of watermark_location_enum.
WATERMARK_LOCATION_NONE = 0
WATERMARK_LOCATION_TL = 1
WATERMARK_LOCATION_TR = 2
WATERMARK_LOCATION_BL = 3
WATERMARK_LOCATION_BR = 4
WATERMARK_LOCATION_MI = 5
WATERMARK_LOCATION_AN = 6

__all__ = [
    "WATERMARK_LOCATION_AN",
    "WATERMARK_LOCATION_BL",
    "WATERMARK_LOCATION_BR",
    "WATERMARK_LOCATION_MI",
    "WATERMARK_LOCATION_NONE",
    "WATERMARK_LOCATION_TL",
    "WATERMARK_LOCATION_TR",
    "CaptureSettings",
    "ScreenCapture",
    "StripeCallback",
    "StripeEncodeResult",
    "StripeFrame",
]
