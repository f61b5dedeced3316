"""The one-slot cell between the encoder thread and whoever takes its frames.

Drop policy: a new frame replaces the old one, seen or not.  A taker that is
slow misses frames and never holds up another, and there is no queue in which
frames could grow old.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from webcapd.encoder.consumer import Demand
from webcapd.encoder.frame import Frame


class Closed(Exception):
    """No more frames will come: the server is stopping."""


class Known(NamedTuple):
    """The newest frame, and what is known of it."""

    frame: Frame | None
    as_of: float
    """The screen looked like it at this moment (CLOCK_MONOTONIC) or later."""


class Subscription:
    """One subscriber's wish for frames."""

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self._period = 1 / fps
        self.due = -math.inf
        """The moment from which it wants another frame.

        Written by the subscriber when a frame has left, and by the encoder
        thread when one is published: whoever is the last knows best.
        """

    def served(self, now: float) -> None:
        """Note that there is a frame for it now: the next one has time."""
        if self.due <= now:
            self.due = now + self._period


class LatestFrame:
    """The newest frame, and who wants it.

    publish(), confirm(), expire(), close() and demand() are the encoder
    thread's; the rest is for any thread.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        """``wake`` tells the encoder thread, from any thread, of new demand."""
        self._wake = wake
        self._news = threading.Condition()
        # All guarded by _news:
        self._frame: Frame | None = None
        self._as_of = -math.inf
        """The screen looked like _frame at this moment (CLOCK_MONOTONIC) or later."""
        self._asked = -math.inf
        """The latest moment that somebody waits to see the screen of."""
        self._subscribed: list[Subscription] = []
        self._listeners: list[Callable[[], None]] = []
        self._closed = False

    def publish(self, frame: Frame, as_of: float) -> None:
        """Replace the frame by one that is true as of a moment."""
        now = time.monotonic()
        with self._news:
            self._frame = frame
            self._as_of = as_of
            for subscription in self._subscribed:
                subscription.served(now)
            listeners = self._wake_all()
        _tell(listeners)

    def confirm(self, as_of: float) -> None:
        """Say that the screen still looks like the frame."""
        with self._news:
            waited_for = self._asked > self._as_of
            self._as_of = as_of
            # Those who wait for news need not be woken by its absence.
            listeners = self._wake_all() if waited_for else []
        _tell(listeners)

    def expire(self) -> None:
        """Say that the frame is no longer known to be true."""
        with self._news:
            self._as_of = -math.inf

    def close(self) -> None:
        """Wake everybody for good."""
        with self._news:
            self._closed = True
            listeners = self._wake_all()
        _tell(listeners)

    def _wake_all(self) -> list[Callable[[], None]]:
        """Wake all who wait; gives those to be told when _news is no longer held."""
        self._news.notify_all()
        return list(self._listeners)

    def demand(self) -> Demand:
        """Tell who wants frames."""
        with self._news:
            return Demand(
                max((one.fps for one in self._subscribed), default=0.0),
                self._asked > self._as_of,
                min((one.due for one in self._subscribed), default=math.inf),
            )

    @contextmanager
    def subscribed(self, fps: float = math.inf) -> Iterator[Subscription]:
        """Keep the encoder at work, up to ``fps`` frames a second, while the context lasts."""
        subscription = Subscription(fps)
        with self._news:
            self._subscribed.append(subscription)
        try:
            self._wake()
            yield subscription
        finally:
            with self._news:
                self._subscribed.remove(subscription)

    def newer(self, sequence: int, timeout: float) -> Frame | None:
        """Wait for a frame other than number ``sequence``; None when time is up.

        Raises Closed.
        """
        with self._news:
            self._news.wait_for(lambda: self._closed or self._sequence() != sequence, timeout)
            if self._closed:
                raise Closed
            return self._frame if self._sequence() != sequence else None

    def listen(self, on_news: Callable[[], None]) -> None:
        """Have ``on_news`` called, in the encoder thread, when known() may say more.

        It must not wait.  A call may still be under way when unlisten() has returned.
        """
        with self._news:
            self._listeners.append(on_news)

    def unlisten(self, on_news: Callable[[], None]) -> None:
        with self._news:
            self._listeners.remove(on_news)

    def ask(self) -> float:
        """Ask for the screen as of now; returns the moment, which known() comes to reach."""
        with self._news:
            self._asked = max(self._asked, time.monotonic())
            moment = self._asked
        self._wake()
        return moment

    def known(self) -> Known:
        """Give the newest frame, and as of when it is true; never waits.  Raises Closed."""
        with self._news:
            if self._closed:
                raise Closed
            return Known(self._frame, self._as_of)

    def fresh(self, timeout: float, max_age: float = 0.0) -> Frame | None:
        """Wait for the screen as it is now or later; None when time is up.

        ``max_age`` is how many seconds ago will do.  Raises Closed.
        """
        with self._news:
            moment = time.monotonic() - max_age
            if self._as_of < moment:
                self._asked = max(self._asked, moment + max_age)
                self._wake()
            self._news.wait_for(lambda: self._closed or self._as_of >= moment, timeout)
            if self._closed:
                raise Closed
            return self._frame if self._as_of >= moment else None

    def _sequence(self) -> int:
        """Give the number of the frame, 0 before the first.  _news is held."""
        return self._frame.sequence if self._frame else 0


def _tell(listeners: list[Callable[[], None]]) -> None:
    for listener in listeners:
        listener()
