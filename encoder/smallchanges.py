"""When a small change may go ahead of what moves, and to whom.

No clock of its own: the caller brings the time.
"""

import math
from collections.abc import Sequence

from webcapd.base.pace import Pace
from webcapd.encoder.consumer import Consumer
from webcapd.encoder.schedule import Limit, Wish

# What is drawn in so short a time is looked at together.  Where so much is drawn that one
# look in vain follows the other, a tenth longer each time: so about a tenth of the time since
# the last small change, as who types goes on typing.
_LOOK_SECONDS, _LONGEST_LOOK_SECONDS = 0.003, 0.033
_VAIN_FACTOR = 1.1
_IN_A_ROW_SECONDS = 0.02


class SmallChanges:
    """The turns of small changes, apart from those of all that moves.

    They have a credit of their own, at the same rate: however much is drawn here and
    there, what small things cost is bounded as motion is.
    """

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._pace = Pace()
        self._looked = -math.inf
        self._gap = _LOOK_SECONDS
        """From that look to the next."""

    def takers(self, wishes: Sequence[Wish], now: float) -> list[Consumer]:
        """Give the consumers that are to be fed with a small change ahead of their turn."""
        return [wish.consumer for wish in wishes if self._is_taker(wish, now)]

    def _is_taker(self, wish: Wish, now: float) -> bool:
        consumer, is_average = wish.consumer, self._limit.credit > 1
        # One that lacks more than the change would get all that, which has its turn.
        has_the_rest = not consumer.behind and wish.demand.due <= now
        return consumer.takes_small and wish.followed and is_average and has_the_rest

    def wait(self, wishes: Sequence[Wish], now: float, turn: float) -> float:
        """Seconds until it may be looked for one; infinite if nobody is to have it.

        ``turn`` is how long it takes until the turn of all that is new.
        """
        takers = [wish for wish in wishes if self._is_taker(wish, now)]
        # What draws the same again and again would have us look again and again.
        is_slowed = any(wish.is_slowed for wish in takers)
        if not takers or is_slowed or (turn == 0 and not _is_last_credit(takers, now)):
            return math.inf
        paced = self._pace.wait(now, self._limit.rate)
        return max(0.0, paced, self._looked + self._gap - now)

    def looked(self, now: float, found: bool) -> None:
        """Note that it was looked for one, and whether there was."""
        is_in_a_row = now - self._looked < self._gap + _IN_A_ROW_SECONDS
        if found or not is_in_a_row:
            self._gap = _LOOK_SECONDS
        else:
            self._gap = min(_VAIN_FACTOR * self._gap, _LONGEST_LOOK_SECONDS)
        self._looked = now
        if found:
            self._pace.took_place(now, *self._limit)


def _is_last_credit(takers: Sequence[Wish], now: float) -> bool:
    """Tell whether what moves would have to wait if a small change used its credit."""
    return any(wish.consumer.pace.wait(now, wish.limit.rate, 2) > 0 for wish in takers)
