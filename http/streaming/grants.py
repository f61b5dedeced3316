"""Whether those who watch still may: credentials are withdrawn, or expire, while a stream runs."""

import math
import time
from collections.abc import Callable

from webcapd.base.eventloop import EventLoop
from webcapd.http.access.access import Grant

# How often grants are looked at that may be withdrawn; one that expires ends by a timer.
# The file is looked at as often: together that is to be well below a second.
_CHECK_SECONDS = 0.3


class GrantChecks:
    """What is called when a grant has ended; for the loop's thread.

    Where nobody watches by a grant that can end, nothing is checked.
    """

    def __init__(self, loop: EventLoop) -> None:
        self._timer = loop.timer(self._check)
        self._watched: dict[Callable[[], None], Grant] = {}

    def add(self, grant: Grant, on_end: Callable[[], None]) -> None:
        """Have ``on_end`` called when a grant has ended, and not yet in this call."""
        if grant.can_end:
            self._watched[on_end] = grant
            self._timer.set(0.0)

    def remove(self, on_end: Callable[[], None]) -> None:
        """Forget a grant; nothing if it is not known."""
        self._watched.pop(on_end, None)

    def _check(self) -> None:
        least = math.inf
        for on_end, grant in list(self._watched.items()):
            left = grant.seconds_left()
            if left > 0:
                least = min(least, left)
            else:
                self.remove(on_end)
                on_end()
        if self._watched:
            self._timer.set(time.monotonic() + min(least, _CHECK_SECONDS))
