"""When to look at the screen next: from what is wanted of the variants.  Pure."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from webcapd.encoder.variant import Variant


class Wish(NamedTuple):
    """What is wanted of a variant just now."""

    variant: Variant
    fps: float
    """The most frames a second that followers want; 0 when nobody follows."""
    awaited: bool
    """Whether somebody waits for a fresh frame."""
    rate: float
    """The most frames a second that it may be served."""

    def wait(self, now: float) -> float:
        """Seconds until it may be served."""
        return self.variant.pace.wait(now, self.rate)

    def is_due(self, now: float) -> bool:
        """Whether a look at ``now`` is for this variant too.

        It is also if its own time would come soon: or else variants whose
        moments lie beside each other would each have looks of their own.
        """
        return (self.awaited or self.fps > 0) and self.wait(now) < 0.5 / self.rate


def look_in(wishes: Iterable[Wish], now: float, news: bool, calm: float) -> float | None:
    """Give the seconds until the next look; None for no look at all.

    ``news``: a look is likely to find new pixels.  ``calm``: the moment when
    followers are to be served though there is no news.
    """
    waits = [_look_for(wish, now, news, calm) for wish in wishes if wish.awaited or wish.fps]
    wait = min(waits, default=math.inf)
    return None if wait == math.inf else wait


def _look_for(wish: Wish, now: float, news: bool, calm: float) -> float:
    paced = wish.wait(now)
    if wish.awaited or news or wish.variant.behind:
        return paced
    return max(paced, calm - now, 0.0)
