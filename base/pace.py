"""When something is due again.  No clock of its own: the caller brings the time."""

import math


class Pace:
    """First time at once, then once a period at most, on the long run.

    Moments stay on the grid of the period while they follow each other, so
    that small delays do not add up; one that came late is followed by the next
    after half a period at least.  A missed moment is dropped, never made up for
    by a sprint.  The rate is that of whoever asks: one in a hurry does not wait
    for one who has time.
    """

    def __init__(self) -> None:
        self._last = -math.inf
        """The moment on the grid when it last happened."""

    def wait(self, now: float, fps: float) -> float:
        """Seconds until the next time is due at a rate; 0 if it is."""
        return max(0.0, self._last + 1 / fps - now)

    def took_place(self, now: float, fps: float) -> None:
        """Note that it happened at ``now``, at a rate."""
        period = 1 / fps
        due = self._last + period
        self._last = max(due if now - due < period else now, now - period / 2)
