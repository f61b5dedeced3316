"""A time without a picture: what is wrong, since when, and when to try again.  Pure."""

from dataclasses import dataclass

# The picture is to be back within 2 s of the display.
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 1.0


@dataclass
class Outage:
    """A source that is lost, or not there yet.  Encoder thread only."""

    reason: str
    """One sentence."""
    since: float
    """Seconds of CLOCK_REALTIME."""
    attempts: int = 0
    """How often it was tried to open the source again."""

    def next_wait(self) -> float:
        """Count an attempt that failed; returns the seconds to wait before the next."""
        wait = min(_FIRST_WAIT * 2.0**self.attempts, _LONGEST_WAIT)
        self.attempts += 1
        return wait
