"""Who asks for key frames, and when there may be one."""

import math
import time

from webcapd.encoder.consumer import Demand
from webcapd.encoder.h264.latest import KEY_SECONDS


class KeyframeRequests:
    """Key frames that were asked for: one a second at most.

    ask() is for any thread, the rest for the encoder thread.
    """

    def __init__(self) -> None:
        self._is_wanted = False  # Set by any thread.
        self._due = -math.inf
        """When the next may be made."""

    def ask(self) -> None:
        self._is_wanted = True

    def take(self, begins: bool) -> bool:
        """Tell whether to make one now, as what ``begins`` does anyway; it is made then."""
        now = time.monotonic()
        if begins or (self._is_wanted and now >= self._due):
            self._is_wanted, self._due = False, now + KEY_SECONDS
            return True
        return False

    def within(self, demand: Demand) -> Demand:
        """Give a demand, and what these add to it."""
        if not self._is_wanted:
            return demand
        is_due = time.monotonic() >= self._due
        return demand._replace(awaited=demand.awaited or is_due, again=min(demand.again, self._due))
