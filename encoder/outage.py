"""A time without a picture: what is wrong, since when, what is shown, when to try again.

Encoder thread only, but that others may read single values.
"""

import time

from webcapd.capture.framebuffer import FrameBuffer
from webcapd.encoder.placeholder import draw_placeholder

# The picture is to be back within 2 s of the display.
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 1.0


class Outage:
    """A source that is lost, or not there yet."""

    def __init__(self) -> None:
        self.reason = ""
        """One sentence."""
        self.since = time.time()
        """Seconds of CLOCK_REALTIME."""
        self.attempts = 0
        """How often it was tried in vain to open the source again."""
        self.placeholder: FrameBuffer
        """What is shown; there is one as soon as something is blamed."""

    def next_wait(self) -> float:
        """Count an attempt that failed; returns the seconds to wait before the next."""
        wait = min(_FIRST_WAIT * 2.0**self.attempts, _LONGEST_WAIT)
        self.attempts += 1
        return wait

    def blame(self, reason: str, size: tuple[int, int]) -> None:
        """Say what is wrong now; draws the placeholder if that is news."""
        if reason != self.reason:
            self.reason = reason
            pixels = draw_placeholder(*size, reason, self.since)
            self.placeholder = FrameBuffer.of_pixels(pixels)
