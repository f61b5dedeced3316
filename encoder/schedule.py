"""When to look at the screen next: from what is wanted of the variants.  Pure."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from webcapd.encoder.variant import Variant

# Who is to be served so soon is served with those whose moment has come: or else
# variants whose moments lie beside each other would each have looks of their own.
# No longer: what is encoded too early is old when its moment comes.
_EARLY_SECONDS = 0.02

# Below this rate, those who wait for one picture do not wait for their turn.
_MIN_AWAITED_FPS = 2.0

# A program that draws the same again and again is looked at half as often after
# so many looks for nothing.
_FRUITLESS_LOOKS = 15


class Wish(NamedTuple):
    """What is wanted of a variant just now."""

    variant: Variant
    followed: bool
    """Whether somebody wants every frame that its own rate allows."""
    awaited: bool
    """Whether somebody waits for a fresh frame."""
    due: float
    """The moment from which a follower wants another frame."""
    rate: float
    """The most frames a second that it may be served."""

    def wait(self, now: float) -> float:
        """Seconds until it may be served."""
        paced = self.variant.pace.wait(now, self.rate)
        return paced if self.awaited else max(paced, self.due - now)

    def is_due(self, now: float) -> bool:
        """Whether a look at ``now`` is for this variant too; also if its time comes soon."""
        early = min(0.5 / self.rate, _EARLY_SECONDS)
        return (self.awaited or self.followed) and self.wait(now) < early


def wish_for(variant: Variant, most_fps: float, fruitless: int) -> Wish:
    """Give what is wanted of a variant, after so many looks in a row that found nothing new."""
    fps, awaited, due = variant.latest.demand()
    rate = most_fps
    if awaited:
        # Who waits for one picture gets it soon, however slow the frames are.
        rate = max(rate, _MIN_AWAITED_FPS)
    elif fruitless >= _FRUITLESS_LOOKS:
        rate /= 2
    return Wish(variant, fps > 0, awaited, due, rate)


def look_in(wishes: Iterable[Wish], now: float, news: bool, calm: float) -> float | None:
    """Give the seconds until the next look; None for no look at all.

    ``news``: a look is likely to find new pixels.  ``calm``: the moment when
    followers are to be served though there is no news.
    """
    waits = [_look_for(wish, now, news, calm) for wish in wishes if wish.awaited or wish.followed]
    wait = min(waits, default=math.inf)
    return None if wait == math.inf else wait


def turn_in(wishes: Iterable[Wish], now: float) -> float:
    """Give the seconds until a follower wants another frame, if there is any news."""
    return min((wish.wait(now) for wish in wishes if wish.followed), default=math.inf)


def _look_for(wish: Wish, now: float, news: bool, calm: float) -> float:
    paced = wish.wait(now)
    if wish.awaited or news or wish.variant.behind:
        return paced
    return max(paced, calm - now, 0.0)
