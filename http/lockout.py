"""Who has guessed too often.  Pure, but for the state it keeps."""

from collections import OrderedDict
from collections.abc import Hashable

# So many wrong credentials within the window shut a party out for as long.
MOST_FAILURES = 10
WINDOW_SECONDS = 60.0

# Parties remembered; the one whose last failure is longest ago goes first.
_MOST_PARTIES = 4096


class Lockout:
    """Failures per party.  Not for several threads at once."""

    def __init__(self) -> None:
        self._failures: OrderedDict[Hashable, list[float]] = OrderedDict()

    def seconds_left(self, party: Hashable, now: float) -> float:
        """Tell how long a party is shut out yet; 0 if it is not."""
        failures = self._failures.get(party, [])
        if len(failures) < MOST_FAILURES:
            return 0.0
        return max(0.0, failures[-1] + WINDOW_SECONDS - now)

    def failed(self, party: Hashable, now: float) -> None:
        """Note wrong credentials."""
        recent = [at for at in self._failures.pop(party, ()) if at > now - WINDOW_SECONDS]
        self._failures[party] = [*recent, now][-MOST_FAILURES:]
        while len(self._failures) > _MOST_PARTIES:
            self._failures.popitem(last=False)
