"""When to look at the screen again.  No clock of its own: the caller brings the time."""


class Pace:
    """First change at once, then one look a period at most, on the long run.

    Moments stay on the grid of the period while looks follow each other, so
    that small delays do not add up; a look that came late is followed by the
    next after half a period at least.  A missed moment is dropped, never made
    up for by a sprint.
    """

    def __init__(self, fps: float) -> None:
        self._period = 1 / fps
        self._due = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until the next look is due; 0 if it is."""
        return max(0.0, self._due - now)

    def looked(self, now: float) -> None:
        """Note that a look began at ``now``."""
        on_time = now - self._due < self._period
        grid = (self._due if on_time else now) + self._period
        self._due = max(grid, now + self._period / 2)
