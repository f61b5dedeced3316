"""A frame, and the one-slot cell between the encoder thread and whoever takes its frames.

Drop policy: a new frame replaces the old one, seen or not.  A taker that is
slow misses frames and never holds up another, and there is no queue in which
frames could grow old.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from webcapd.encoder.consumer import Demand


class Closed(Exception):
    """No more frames will come: the server is stopping."""


@dataclass(frozen=True)
class Frame:
    """One complete picture, encoded.  Never changed: any thread may hold it."""

    sequence: int
    """Counts a variant's frames, from where its run begins; differs whenever the picture does."""
    data: bytes
    content_type: str
    width: int
    height: int
    quality: int
    captured: float
    """When the pixels were grabbed: seconds of CLOCK_REALTIME."""
    encoded: float
    """When it was complete: seconds of CLOCK_REALTIME."""
    outage: str = ""
    """For a placeholder: why there is no picture, in one sentence."""


class Known(NamedTuple):
    """The newest frame, and as of when it is known to be true."""

    frame: Frame | None
    as_of: float
    """The screen looked like it at this moment (CLOCK_MONOTONIC) or later."""


class Subscription:
    """How many frames a subscriber wants, and when."""

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
        self._changed = threading.Condition()
        # All guarded by _changed:
        self._frame: Frame | None = None
        self._as_of = -math.inf
        """The screen looked like _frame at this moment (CLOCK_MONOTONIC) or later."""
        self._requested = -math.inf
        """The latest moment that somebody waits to see the screen of."""
        self._subscribed: list[Subscription] = []
        self._listeners: list[Callable[[], None]] = []
        self._closed = False

    def publish(self, frame: Frame, as_of: float) -> None:
        """Replace the frame by one that is true as of a moment."""
        now = time.monotonic()
        with self._changed:
            self._frame = frame
            self._as_of = as_of
            for subscription in self._subscribed:
                subscription.served(now)
            listeners = self._wake_all()
        _call_all(listeners)

    def confirm(self, as_of: float) -> None:
        """Say that the screen still looks like the frame."""
        with self._changed:
            is_awaited = self._requested > self._as_of
            self._as_of = as_of
            # Those who wait for news need not be woken by its absence.
            listeners = self._wake_all() if is_awaited else []
        _call_all(listeners)

    def expire(self) -> None:
        """Say that the frame is no longer known to be true."""
        with self._changed:
            self._as_of = -math.inf

    def close(self) -> None:
        """Wake everybody for good."""
        with self._changed:
            self._closed = True
            listeners = self._wake_all()
        _call_all(listeners)

    def _wake_all(self) -> list[Callable[[], None]]:
        """Wake all who wait; gives the listeners, to be called when _changed is no longer held."""
        self._changed.notify_all()
        return list(self._listeners)

    def demand(self) -> Demand:
        """Tell who wants frames."""
        with self._changed:
            return Demand(
                max((one.fps for one in self._subscribed), default=0.0),
                self._requested > self._as_of,
                min((one.due for one in self._subscribed), default=math.inf),
            )

    @contextmanager
    def subscribed(self, fps: float = math.inf) -> Iterator[Subscription]:
        """Keep the encoder at work, up to ``fps`` frames a second, while the context lasts."""
        subscription = Subscription(fps)
        with self._changed:
            self._subscribed.append(subscription)
        try:
            self._wake()
            yield subscription
        finally:
            with self._changed:
                self._subscribed.remove(subscription)

    def listen(self, on_news: Callable[[], None]) -> None:
        """Have ``on_news`` called, in the encoder thread, when poll() may give more.

        It must not wait.  A call may still be under way when unlisten() has returned.
        """
        with self._changed:
            self._listeners.append(on_news)

    def unlisten(self, on_news: Callable[[], None]) -> None:
        with self._changed:
            self._listeners.remove(on_news)

    def request_fresh(self, max_age: float = 0.0) -> float:
        """Ask for the screen as it is now, or was ``max_age`` seconds ago at most.

        Returns the moment as of which it will do: what wait() and poll() come to reach.
        """
        now = time.monotonic()
        with self._changed:
            is_fresh = self._as_of >= now - max_age
            if not is_fresh:
                self._requested = max(self._requested, now)
        if not is_fresh:
            self._wake()
        return now - max_age

    def poll(self) -> Known:
        """Give the newest frame, and as of when it is true; never waits.  Raises Closed."""
        with self._changed:
            if self._closed:
                raise Closed
            return Known(self._frame, self._as_of)

    def wait(
        self, timeout: float, after: int | None = None, as_of: float = -math.inf
    ) -> Frame | None:
        """Wait for a frame that is true as of a moment, and not number ``after``.

        None when time is up.  Raises Closed.
        """

        def is_there() -> bool:
            frame = self._frame
            return frame is not None and frame.sequence != after and self._as_of >= as_of

        with self._changed:
            self._changed.wait_for(lambda: self._closed or is_there(), timeout)
            if self._closed:
                raise Closed
            return self._frame if is_there() else None


def _call_all(listeners: list[Callable[[], None]]) -> None:
    for listener in listeners:
        listener()
