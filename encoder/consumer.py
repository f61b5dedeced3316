"""Whoever the encoder thread feeds with pictures: the contract, and the list of them.

    demand()   what it wants: any thread changes that, and wakes the encoder thread
    feed()     a picture, in the encoder thread; by comparing keys it finds what is new

What a consumer makes of pictures it keeps for its subscribers, who take the
newest in threads of their own.
"""

import math
import threading
from typing import NamedTuple, Protocol

from webcapd.base.pace import Pace
from webcapd.capture.picture import Picture


class Demand(NamedTuple):
    """Who wants what a consumer makes, and when.  Moments are of CLOCK_MONOTONIC."""

    fps: float
    """The most pictures a second that somebody follows by; 0 if nobody follows."""
    awaited: bool
    """Whether somebody waits for the screen as of now, whatever is new on it."""
    due: float
    """The moment from which a follower wants another picture, if there is anything new."""
    again: float = math.inf
    """The moment from which it is to be fed though nothing is new.

    For what is its own: a subscriber that lacks something, pixels that are to become sharp.
    """


NO_DEMAND = Demand(0.0, False, math.inf)


class Moment(NamedTuple):
    """When a picture was taken, and what holds just now."""

    captured: float
    """When the pixels were grabbed: seconds of CLOCK_REALTIME."""
    as_of: float
    """The screen looked like it at this moment (CLOCK_MONOTONIC) or later.

    Of a placeholder it is infinite: that is true until further notice.
    """
    quality: int
    """The quality that motion has led to."""
    outage: str = ""
    """Of a placeholder: why there is no picture, in one sentence."""
    is_small: bool = False
    """Whether only little was looked at, and all else is as it was ``as_of`` that moment."""


class Consumer(Protocol):
    """Takes pictures.  Encoder thread only, but for demand() and close(); nothing may wait."""

    takes_pointer: bool
    """Whether it is fed pictures with the pointer laid over; never changed."""
    takes_small: bool
    """Whether it is fed small changes ahead of its turn, while much moves; never changed."""
    pace: Pace
    """When it may be fed again; the encoder loop notes there when it was."""
    behind: bool
    """Whether there may be something new that it was not fed; kept by the encoder loop.

    True at first.
    """

    def demand(self) -> Demand:
        """Tell what is wanted; asked each time that the encoder thread is awake."""

    def feed(self, picture: Picture, moment: Moment) -> None:
        """Take a picture, which is valid only during the call.

        What raises is dropped, unless the server cannot be without it.
        """

    def expire(self) -> None:
        """Note that what was fed last is no longer known to be on the screen."""

    def close(self) -> None:
        """Wake all who wait, for good; any thread, more than once, and feed() may come after it."""


class Consumers:
    """All consumers there are; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._listed: tuple[Consumer, ...] = ()
        """Replaced whole, never changed: who only reads needs no lock."""
        self._needed: set[int] = set()
        """The id of each that the server cannot be without."""
        self._closed = False

    def add(self, consumer: Consumer, needed: bool = False) -> None:
        """Have a consumer fed from now on, whenever it demands that.

        Where one that is ``needed`` fails, the server ends.
        """
        with self._lock:
            self._listed += (consumer,)
            if needed:
                self._needed.add(id(consumer))
            closed = self._closed
        if closed:
            consumer.close()

    def remove(self, consumer: Consumer) -> None:
        """Have a consumer fed no more, and close it; one that is not listed does no harm."""
        with self._lock:
            self._listed = tuple(one for one in self._listed if one is not consumer)
            self._needed.discard(id(consumer))
        consumer.close()

    def listed(self) -> tuple[Consumer, ...]:
        """Give all consumers, in the order they came."""
        return self._listed

    def __contains__(self, consumer: object) -> bool:
        return any(one is consumer for one in self._listed)

    def is_needed(self, consumer: Consumer) -> bool:
        """Tell whether the server cannot be without it."""
        return id(consumer) in self._needed

    def close(self) -> None:
        """Close all, and each that comes later."""
        with self._lock:
            self._closed = True
        for consumer in self._listed:
            consumer.close()
