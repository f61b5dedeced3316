"""Whether a thread that sleeps until it is woken still gets round to what it is asked."""

import time
from collections.abc import Callable

# A round of the threads asked takes milliseconds, also with hundreds of clients.
_BEARABLE_SECONDS = 5.0


class Pulse:
    """A question to a thread, and how long the answer takes.

    beats() is for the main thread, answer() for the one that is asked.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        """``wake`` wakes the thread that is asked, from any thread."""
        self._wake = wake
        self._asked: float | None = None
        """When the question was put that is still open.  Set by the main thread,
        cleared by the other."""

    def beats(self) -> bool:
        """Tell whether the thread answers; to be called every second or so."""
        asked = self._asked
        if asked is None:
            self._asked = time.monotonic()
            self._wake()
            return True
        return time.monotonic() - asked <= _BEARABLE_SECONDS

    def answer(self) -> None:
        """Answer, if there is a question; once each round."""
        self._asked = None
