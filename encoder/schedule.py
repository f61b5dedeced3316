"""When to refresh the picture next: from what consumers want.  Pure."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from webcapd.encoder.consumer import Consumer, Demand

# Who is to be fed so soon is fed with those whose moment has come: or else
# consumers whose moments lie beside each other would each have refreshes of their own.
# No longer: what is encoded too early is old when its moment comes.
_EARLY_SECONDS = 0.02

# Below this rate, those who wait for one picture do not wait for their turn.
_MIN_AWAITED_FPS = 2.0

# A program that draws the same again and again is followed half as often after
# so many refreshes for nothing.
_FRUITLESS_REFRESHES = 15


# That a source is lost is found out so much later at most.
_SOON_SECONDS = 0.1


class Limit(NamedTuple):
    """How often a consumer may be fed."""

    rate: float
    """Times a second."""
    credit: int
    """How many times may follow each other at once, as for Pace: 1 where it is a least gap."""


class Wish(NamedTuple):
    """What a consumer wants just now."""

    consumer: Consumer
    demand: Demand
    limit: Limit
    is_slowed: bool = False
    """Whether it is fed more seldom, as the last refreshes found nothing new."""

    @property
    def followed(self) -> bool:
        """Whether somebody wants every picture that its own rate allows."""
        return self.demand.fps > 0

    def wait(self, now: float) -> float:
        """Seconds until it may be fed."""
        paced = self.consumer.pace.wait(now, self.limit.rate)
        if self.demand.awaited:
            return paced
        return max(paced, min(self.demand.due, self.demand.again) - now)

    def is_due(self, now: float) -> bool:
        """Whether a refresh at ``now`` is for it too; also if its time comes soon."""
        early = min(0.5 / self.limit.rate, _EARLY_SECONDS)
        return self.wait(now) < early

    def fed(self, now: float) -> None:
        """Note that it is fed at ``now``."""
        self.consumer.pace.took_place(now, *self.limit)

    def refresh_in(self, now: float, pending: bool, calm: float) -> float:
        """Seconds until the next refresh is due because of it."""
        paced = self.wait(now)
        if self.demand.awaited or (self.followed and (pending or self.consumer.behind)):
            return paced
        return max(paced, min(calm if self.followed else math.inf, self.demand.again) - now)


def wish_of(consumer: Consumer, most: Limit, fruitless: int) -> Wish:
    """Give what a consumer wants, after so many refreshes in a row that found nothing new."""
    demand, rate = consumer.demand(), most.rate
    is_slowed = fruitless >= _FRUITLESS_REFRESHES and not demand.awaited
    if demand.awaited:
        # Who waits for one picture gets it soon, however slow the frames are.
        rate = max(rate, _MIN_AWAITED_FPS)
    elif is_slowed:
        rate /= 2
    limit = most if rate == most.rate else most._replace(rate=rate)
    return Wish(consumer, demand, limit, is_slowed)


def refresh_in(wishes: Iterable[Wish], now: float, pending: bool, calm: float) -> float:
    """Give the seconds until the next refresh; infinite for none at all.

    ``pending``: it is likely to find new pixels.  ``calm``: the moment when
    followers are to be fed though there is no news.
    """
    return min((wish.refresh_in(now, pending, calm) for wish in wishes), default=math.inf)


def turn_in(wishes: Iterable[Wish], now: float) -> float:
    """Give the seconds until a follower wants another picture, if there is any news."""
    return min((wish.wait(now) for wish in wishes if wish.followed), default=math.inf)


def is_turn_soon(wishes: Iterable[Wish], now: float) -> bool:
    """Whether all who follow wait for their turn, small changes or not, and not for long.

    Nothing that a source may tell until then has to be heard at once.
    """
    waits = [
        math.inf if wish.consumer.takes_small and not wish.is_slowed else wish.wait(now)
        for wish in wishes
        if wish.followed
    ]
    return bool(waits) and all(0 < wait <= _SOON_SECONDS for wait in waits)
