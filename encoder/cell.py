"""What all one-slot cells have: who wants what is put there, and who is told of news.

A cell stands between the encoder thread, which replaces what is in it, and whoever takes
that.  What it holds is the business of those that derive from it.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from webcapd.encoder.consumer import Demand


class Closed(Exception):
    """Nothing more will come: the server is stopping, but where the text says why else."""


class Subscription:
    """How many results a subscriber wants, and when."""

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self._period = 1 / fps
        self.due = -math.inf
        """The moment from which it wants another result.

        Written by the subscriber when one has left, and by the encoder thread
        when one is published: whoever is the last knows best.
        """

    def served(self, now: float) -> None:
        """Note that there is a result for it now: the next one has time."""
        if self.due <= now:
            self.due = now + self._period


class Cell:
    """The subscribers of one consumer's results.

    close() is the encoder thread's, as is what has a name with an underscore; the rest is for
    any thread.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        """``wake`` tells the encoder thread, from any thread, of new demand."""
        self._wake = wake
        self._news = threading.Condition()
        # All guarded by _news:
        self._requested = -math.inf
        """The latest moment that somebody waits to see the screen of."""
        self._subscribed: list[Subscription] = []
        self._listeners: list[Callable[[], None]] = []
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will come; true by the time that listeners are told."""
        return self._closed

    def close(self) -> None:
        """Wake everybody for good."""
        with self._news:
            self._closed = True
            listeners = self._wake_all()
        call_all(listeners)

    @contextmanager
    def subscribed(self, fps: float = math.inf) -> Iterator[Subscription]:
        """Keep the encoder at work, up to ``fps`` results a second, while the context lasts."""
        subscription = Subscription(fps)
        with self._news:
            self._subscribed.append(subscription)
        try:
            self._wake()
            yield subscription
        finally:
            with self._news:
                self._subscribed.remove(subscription)
                is_last = not self._subscribed
            if is_last:
                # What is held for subscribers can be given back.
                self._wake()

    def listen(self, on_news: Callable[[], None]) -> None:
        """Have ``on_news`` called, in the encoder thread, when poll() may give more.

        It must not wait.  A call may still be under way when unlisten() has returned.
        """
        with self._news:
            self._listeners.append(on_news)

    def unlisten(self, on_news: Callable[[], None]) -> None:
        with self._news:
            self._listeners.remove(on_news)

    def _served(self) -> None:
        """Note that there is a result for all.  _news is held."""
        now = time.monotonic()
        for subscription in self._subscribed:
            subscription.served(now)

    def _wake_all(self) -> list[Callable[[], None]]:
        """Wake all who wait; gives the listeners, to be called when _news is no longer held."""
        self._news.notify_all()
        return list(self._listeners)

    def _demand(self, awaited: bool) -> Demand:
        """Tell who wants results.  _news is held."""
        fps, due = 0.0, math.inf
        for one in self._subscribed:
            fps, due = max(fps, one.fps), min(due, one.due)
        return Demand(fps, awaited, due)


def call_all(listeners: list[Callable[[], None]]) -> None:
    for listener in listeners:
        listener()
