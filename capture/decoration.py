"""What the user has laid over the screen: watermark and caption.

Encoder thread only.
"""

import math
import time

from webcapd.capture.caption import Caption
from webcapd.capture.options import CaptureOptions
from webcapd.capture.overlay import Sprite
from webcapd.capture.watermark import Watermark, load_watermark, location_name


class Decoration:
    """The overlays that the options ask for, and when they look different next."""

    def __init__(self, options: CaptureOptions) -> None:
        """Load what is needed; raises ValueError with a sentence."""
        self._watermark: Watermark | None = None
        if options.watermark_path:
            image = load_watermark(options.watermark_path)
            location = location_name(options.watermark_location)
            self._watermark = Watermark(image, location, options.watermark_speed)
        self._caption = Caption(options.caption) if options.caption else None

    def overlays(self, width: int, height: int) -> list[Sprite]:
        """Give what to lay over a screen of a size just now."""
        found: list[Sprite] = []
        if self._watermark is not None:
            found += self._watermark.overlays(width, height, time.monotonic())
        if self._caption is not None:
            found += self._caption.overlays(width, height, time.time())
        return found

    def seconds_until_due(self) -> float:
        """Seconds until something may look different."""
        if self._watermark is not None and self._watermark.moves:
            return 0.0
        return math.inf if self._caption is None else self._caption.seconds_until_due(time.time())
