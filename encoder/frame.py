"""A frame, and the one-slot cell between the encoder thread and whoever takes its frames.

Drop policy: a new frame replaces the old one, seen or not.  A taker that is
slow misses frames and never holds up another, and there is no queue in which
frames could grow old.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from webcapd.encoder.cell import Cell, Closed, call_all
from webcapd.encoder.consumer import Demand


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
    """The JPEG quality; 0 where it is passed on as it came, and nobody knows."""
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


class LatestFrame(Cell):
    """The newest frame, and who wants it.

    publish(), confirm(), expire(), close() and demand() are the encoder
    thread's; the rest is for any thread.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        """``wake`` tells the encoder thread, from any thread, of new demand."""
        super().__init__(wake)
        self._known = Known(None, -math.inf)
        """Replaced as a whole, with _news held; read without."""

    def publish(self, frame: Frame, as_of: float) -> None:
        """Replace the frame by one that is true as of a moment."""
        with self._news:
            self._known = Known(frame, as_of)
            self._served()
            listeners = self._wake_all()
        call_all(listeners)

    def confirm(self, as_of: float) -> None:
        """Say that the screen still looks like the frame."""
        with self._news:
            is_awaited = self._requested > self._known.as_of
            self._known = self._known._replace(as_of=as_of)
            # Those who wait for news need not be woken by its absence.
            listeners = self._wake_all() if is_awaited else []
        call_all(listeners)

    def expire(self) -> None:
        """Say that the frame is no longer known to be true."""
        with self._news:
            self._known = self._known._replace(as_of=-math.inf)

    def demand(self) -> Demand:
        """Tell who wants frames."""
        with self._news:
            return self._demand(self._requested > self._known.as_of)

    def request_fresh(self, max_age: float = 0.0) -> float:
        """Ask for the screen as it is now, or was ``max_age`` seconds ago at most.

        Returns the moment as of which it will do: what wait() and poll() come to reach.
        """
        now = time.monotonic()
        with self._news:
            is_fresh = self._known.as_of >= now - max_age
            if not is_fresh:
                self._requested = max(self._requested, now)
        if not is_fresh:
            self._wake()
        return now - max_age

    def poll(self) -> Known:
        """Give the newest frame, and as of when it is true; never waits.  Raises Closed."""
        # Without the lock: hundreds of streams ask for each frame.
        if self._closed:
            raise Closed
        return self._known

    def wait(
        self, timeout: float, after: int | None = None, as_of: float = -math.inf
    ) -> Frame | None:
        """Wait for a frame that is true as of a moment, and not number ``after``.

        None when time is up.  Raises Closed.
        """

        def is_there() -> bool:
            frame = self._known.frame
            return frame is not None and frame.sequence != after and self._known.as_of >= as_of

        with self._news:
            self._news.wait_for(lambda: self._closed or is_there(), timeout)
            if self._closed:
                raise Closed
            return self._known.frame if is_there() else None
