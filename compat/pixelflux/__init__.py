"""pixelflux's API: ``from webcapd.compat.pixelflux import ...`` in place of ``from pixelflux``.

See docs/pixelflux.md.
"""

from webcapd.compat.pixelflux.capture import ScreenCapture
from webcapd.compat.pixelflux.results import StripeCallback, StripeEncodeResult, StripeFrame
from webcapd.compat.pixelflux.settings import CaptureSettings

__all__ = [
    "CaptureSettings",
    "ScreenCapture",
    "StripeCallback",
    "StripeEncodeResult",
    "StripeFrame",
]
