"""The frames of a video since its last key frame, and who wants more.

Each frame builds on the one before.  Who has one gets those after it, while they are kept; who has
fallen too far behind, or comes new, waits for the next key frame, which it asks for.  The encoder
makes at most one a second, for all who wait for one.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from webcapd.encoder.cell import Cell, Closed, call_all
from webcapd.encoder.consumer import Demand
from webcapd.encoder.h264.track import VideoFrame

KEY_SECONDS = 1.0
"""From one key frame to the next, at least."""

# What is kept for those who lag: who is further behind than this begins anew.
_KEPT_FRAMES, _KEPT_BYTES = 30, 8 * 1024 * 1024

# How often who begins looks whether it has to ask for a key frame.
_LOOK_SECONDS = 0.25


class Wants(NamedTuple):
    """What subscribers wait for beside news of the screen."""

    key: bool = False
    """A key frame, of whatever is on the screen."""
    frame: bool = False
    """A frame, though the screen may look the same."""


class LatestVideo(Cell):
    """The newest frames.

    publish(), confirm(), take_wants(), demand(), fail() and close() are the encoder's; the rest is
    for any thread.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        """``wake`` tells the encoder thread, from any thread, of new demand."""
        super().__init__(wake)
        # Guarded by _news:
        self._frames: deque[VideoFrame] = deque()
        """Without a gap, the newest last."""
        self._bytes = 0
        self._as_of = -math.inf
        """The screen looked like the newest at this moment (CLOCK_MONOTONIC) or later."""
        self._wants = Wants()
        self._key_due = -math.inf
        """When the next key frame may be made."""
        self._is_key_coming = False
        """Whether one is being made: who asks for one now gets that."""
        self._failure = ""

    def publish(self, frame: VideoFrame, as_of: float) -> None:
        """Add a frame to those that are kept; a key frame takes the place of all."""
        with self._news:
            if frame.is_key:
                self._frames.clear()
                self._bytes = 0
                self._is_key_coming = False
            self._frames.append(frame)
            self._bytes += len(frame.data)
            while len(self._frames) > _KEPT_FRAMES or self._bytes > _KEPT_BYTES:
                if len(self._frames) == 1:
                    break
                self._bytes -= len(self._frames.popleft().data)
            self._as_of = as_of
            self._served()
            listeners = self._wake_all()
        call_all(listeners)

    def fail(self, sentence: str) -> None:
        """Say that nothing more will come, and why."""
        with self._news:
            if not self._closed:
                self._failure = sentence
        self.close()

    def confirm(self, as_of: float) -> None:
        """Say that the screen still looks like the newest frame."""
        with self._news:
            self._as_of = as_of
            self._news.notify_all()

    def expire(self) -> None:
        """Say that the newest frame is no longer known to be true."""
        with self._news:
            self._as_of = -math.inf

    def after(self, have: int) -> list[VideoFrame] | None:
        """Give what follows the frame number ``have``: those after it, or from a key frame on.

        None if there has to be a key frame first.  Never waits.  Raises Closed.
        """
        with self._news:
            if self._closed:
                raise Closed(self._failure)
            return self._after(have)

    def _after(self, have: int) -> list[VideoFrame] | None:
        frames = self._frames
        if frames and (frames[0].is_key or frames[0].sequence <= have + 1):
            return [frame for frame in frames if frame.sequence > have]
        return None

    def start(self, timeout: float) -> list[VideoFrame]:
        """Wait for a key frame and all after it, up to the screen as it is now.

        Empty when time is up.  Raises Closed.
        """
        fresh = time.monotonic()
        deadline = fresh + timeout
        with self._news:
            self._requested = max(self._requested, fresh)
            has_key = self._after(0) is not None
        self._wake()
        while (rest := deadline - time.monotonic()) > 0:
            if not has_key:
                self.request(Wants(key=True))
            with self._news:

                def is_there() -> bool:
                    return self._as_of >= fresh and self._after(0) is not None

                self._news.wait_for(lambda: self._closed or is_there(), min(rest, _LOOK_SECONDS))
                if self._closed:
                    raise Closed(self._failure)
                if is_there():
                    return list(self._frames)
                # The one there was may be too far back by now.
                has_key = self._after(0) is not None
        return []

    def wake(self) -> None:
        """Say that a subscription has another due moment."""
        self._wake()

    def request(self, wants: Wants) -> None:
        """Ask for a frame, and whether it has to be a key frame."""
        with self._news:
            key = wants.key and not self._is_key_coming
            self._wants = Wants(self._wants.key or key, self._wants.frame or wants.frame)
        self._wake()

    def take_wants(self, now: float) -> Wants:
        """Give what is to be made now; it is not wanted any more."""
        with self._news:
            is_key = self._wants.key and now >= self._key_due
            wants, self._wants = self._wants._replace(key=is_key), Wants(self._wants.key)
            if is_key:
                self._key_due, self._wants = now + KEY_SECONDS, Wants()
                self._is_key_coming = True
            return wants

    def demand(self, now: float) -> Demand:
        """Tell who wants frames."""
        with self._news:
            wants = self._wants
            is_due = wants.frame or (wants.key and now >= self._key_due)
            demand = self._demand(is_due or self._requested > self._as_of)
            return demand._replace(again=self._key_due) if wants.key else demand
