"""When something is due again.  No clock of its own: the caller brings the time."""

import math


class Pace:
    """First time at once, then once a period at most, on the long run.

    Moments stay on the grid of the period while they follow each other, so
    that small delays do not add up; one that came late is followed by the next
    after half a period at least.  A missed moment is dropped, never made up for
    by a sprint.
    """

    def __init__(self) -> None:
        self._due = -math.inf

    def wait(self, now: float) -> float:
        """Seconds until the next time is due; 0 if it is."""
        return max(0.0, self._due - now)

    def took_place(self, now: float, fps: float) -> None:
        """Note that it happened at ``now``, and is to happen ``fps`` times a second."""
        period = 1 / fps
        on_time = now - self._due < period
        grid = (self._due if on_time else now) + period
        self._due = max(grid, now + period / 2)
