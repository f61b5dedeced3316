"""A time without a picture: what is wrong, since when, what is shown, when to try again.

Encoder thread only, but that others may read single values.
"""

import logging
import textwrap
import time

from webcapd.base.process.late import Image, ImageDraw, np
from webcapd.capture.decoration import load_font
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.overlay import Pixels

log = logging.getLogger(__name__)

# The picture is to be back within 2 s of the display.
_FIRST_WAIT, _MAX_WAIT = 0.1, 1.0
# As no number holds the doublings of a night without a display.
_MAX_DOUBLINGS = 10

# Reasons that are logged of one outage, as some differ from attempt to attempt.
_MAX_TOLD = 4

_BACKGROUND, _TITLE, _TEXT = (20, 23, 28), (255, 157, 122), (232, 235, 240)


class Outage:
    """A source that is lost, or not there yet."""

    def __init__(self) -> None:
        self.reason = ""
        """One sentence."""
        self.since = time.time()
        """Seconds of CLOCK_REALTIME."""
        self.attempts = 0
        """How often it was tried in vain to open the source again."""
        self._told: set[str] = set()
        """Reasons that have been logged."""
        self.placeholder: FrameBuffer
        """What is shown; there is one as soon as it is said what is wrong."""

    def next_wait(self) -> float:
        """Count an attempt that failed; returns the seconds to wait before the next."""
        wait = min(_FIRST_WAIT * 2.0 ** min(self.attempts, _MAX_DOUBLINGS), _MAX_WAIT)
        self.attempts += 1
        return wait

    def update(self, reason: str, size: tuple[int, int]) -> None:
        """Say what is wrong now; draws the placeholder if that is news."""
        if reason != self.reason:
            # First, as it takes a while: what is logged is to be so for whoever asks then.
            pixels = draw_placeholder(*size, reason, self.since)
            self.placeholder = FrameBuffer.of_pixels(pixels)
            self.reason = reason
            self._tell(reason)

    def _tell(self, reason: str) -> None:
        """Log what is wrong, once: what is known at first may be only that nothing came yet."""
        if reason in self._told or len(self._told) >= _MAX_TOLD:
            return
        ending = "still no picture" if self._told else "waiting for a picture"
        log.warning("%s; %s", reason, ending)
        self._told.add(reason)


def report_of(outage: Outage | None) -> dict[str, object]:
    """Give what ``/?info`` says of an outage, or of there being none."""
    return {
        "state": "live" if outage is None else "lost",
        "reason": outage.reason if outage else None,
        "since": outage.since if outage else None,
        "attempts": outage.attempts if outage else 0,
    }


def draw_placeholder(width: int, height: int, reason: str, since: float) -> Pixels:
    """Draw the placeholder as (height, width, 4) bytes B, G, R, X.  Pure.

    ``since`` is in seconds of CLOCK_REALTIME.
    """
    image = Image.new("RGB", (width, height), _BACKGROUND)
    brush = ImageDraw.Draw(image)
    size = max(8, min(width // 32, height // 12))
    margin = 2 * size
    # Letters are a little more than half as wide as they are high.
    columns = max(8, int((width - 2 * margin) / (0.58 * size)))
    when = time.strftime("since %Y-%m-%d %H:%M:%S", time.localtime(since))
    lines = [("No picture", _TITLE, 1.6)]
    lines += [(line, _TEXT, 1.0) for line in textwrap.wrap(reason, columns)]
    lines += [(when, _TEXT, 1.0)]
    y = max(size, (height - int(1.5 * size * (len(lines) + 1))) // 2)
    for text, colour, scale in lines:
        brush.text((margin, y), text, colour, load_font(round(scale * size)))
        y += int(1.5 * scale * size)
    return np.ascontiguousarray(np.asarray(image.convert("RGBX"))[:, :, (2, 1, 0, 3)])
