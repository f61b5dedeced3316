"""Who has guessed too often.  Pure, but for the state it keeps."""

from collections import OrderedDict
from collections.abc import Hashable

# So many wrong credentials within the window shut a party out for as long.
MAX_FAILURES = 10
WINDOW_SECONDS = 60.0

# Parties remembered; the one whose last failure is longest ago goes first.
_MAX_PARTIES = 4096


class Lockout:
    """Failures per party.  Not for several threads at once."""

    def __init__(self) -> None:
        self._failures: OrderedDict[Hashable, list[float]] = OrderedDict()

    def seconds_left(self, client_key: Hashable, now: float) -> float:
        """Tell how long a party is shut out yet; 0 if it is not."""
        failures = self._failures.get(client_key, [])
        if len(failures) < MAX_FAILURES:
            return 0.0
        return max(0.0, failures[-1] + WINDOW_SECONDS - now)

    def failed(self, client_key: Hashable, now: float) -> None:
        """Note wrong credentials."""
        recent = [at for at in self._failures.pop(client_key, ()) if at > now - WINDOW_SECONDS]
        self._failures[client_key] = [*recent, now][-MAX_FAILURES:]
        while len(self._failures) > _MAX_PARTIES:
            self._failures.popitem(last=False)
