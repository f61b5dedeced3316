"""When something is due again.  No clock of its own: the caller brings the time."""

import math

CREDIT = 3
"""How many times may follow each other at once after a rest, where a rate is an average."""


class Pace:
    """First time at once, then so often at most, on the long run.

    A rate is an average, or a least gap.  As an average it is a token bucket: each
    period brings one time, what is not used is kept, up to the ``credit``; so no
    stretch holds more than what its periods bring and the credit.  With a credit
    of one it is a least gap: moments stay on the grid of the period while they
    follow each other, so that small delays do not add up; one that came late is
    followed by the next after half a period at least; a missed moment is dropped,
    never made up for by a sprint.

    The rate is that of whoever asks: one in a hurry does not wait for one who has time.
    """

    def __init__(self) -> None:
        self._last = -math.inf
        """The moment on the grid when it last happened, or of the last one used of a credit."""

    def wait(self, now: float, fps: float, times: int = 1) -> float:
        """Seconds until the next time is due at a rate, or so many at once; 0 if it is."""
        return max(0.0, self._last + times / fps - now)

    def took_place(self, now: float, fps: float, credit: int = 1) -> None:
        """Note that it happened at ``now``, at a rate; ``credit`` goes with the rate."""
        period = 1 / fps
        due = self._last + period
        if credit > 1:
            self._last = max(due, now - (credit - 1) * period)
        else:
            self._last = max(due if now - due < period else now, now - period / 2)
