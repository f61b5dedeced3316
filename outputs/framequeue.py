"""Frames on their way from the encoder thread to an output that wants them all.

A cell holds the newest frame only.  Who wants each one listens to the cell, and takes them from
here, at any later time; what is not taken in time is dropped, and counted.
"""

import threading
import time
from collections import deque
from typing import NamedTuple

from webcapd.encoder.cell import Closed
from webcapd.encoder.frame import Frame, LatestFrame


class Seen(NamedTuple):
    """A frame, and when it was first seen."""

    frame: Frame
    at: float
    """Seconds of CLOCK_MONOTONIC."""


class FrameQueue:
    """Frames that wait; note() is for the encoder thread, the rest for any."""

    def __init__(self, latest: LatestFrame, max_bytes: int) -> None:
        """``max_bytes`` bounds what waits; there is always room for one frame."""
        self._latest = latest
        self._max_bytes = max_bytes
        self._news = threading.Condition()
        # All guarded by _news:
        self._waiting: deque[Seen] = deque()
        self._bytes = 0
        self._history: float | None = 0.0
        """Seconds of frames that are kept while nobody takes them; None while somebody does."""
        self._since: float | None = None
        """From when on frames are taken; None while none are."""
        self._newest = -1
        """Number of the frame that was noted last."""
        self._closed = False
        self._rung = False
        self.dropped = 0

    def listen(self) -> None:
        """Take frames from now on, first the one that shows what there is now."""
        with self._news:
            self._since, self._newest = time.monotonic(), -1
        self._latest.listen(self.note)
        self._latest.request_fresh()
        # A placeholder is there already.
        self.note()

    def unlisten(self) -> None:
        """Take no more frames, and forget those that wait."""
        self._latest.unlisten(self.note)
        with self._news:
            self._since = None
            self._waiting.clear()
            self._bytes = 0

    def note(self) -> None:
        """Take the newest frame from the cell, unless that was taken; never waits."""
        now = time.monotonic()
        try:
            known = self._latest.poll()
        except Closed:
            with self._news:
                self._closed = True
                self._news.notify_all()
            return
        with self._news:
            if known.frame is None or self._since is None or known.as_of < self._since:
                return
            # Not an older one: listen() and the encoder thread may both be here.
            if known.frame.sequence > self._newest:
                self._newest = known.frame.sequence
                self._add(Seen(known.frame, min(now, known.as_of)))
                self._news.notify_all()

    def _add(self, seen: Seen) -> None:
        """Let a frame wait.  _news is held."""
        self._waiting.append(seen)
        self._bytes += len(seen.frame.data)
        while self._bytes > self._max_bytes and len(self._waiting) > 1:
            if self._history is None:
                # Not the newest: on a screen that rests no other comes for long.
                dropped = self._waiting[-2]
                del self._waiting[-2]
                self.dropped += 1
            else:
                dropped = self._waiting.popleft()
            self._bytes -= len(dropped.frame.data)
        self._forget(seen.at)

    def _forget(self, now: float) -> None:
        """Forget frames that were followed by another long enough ago.  _news is held."""
        if self._history is None:
            return
        while len(self._waiting) > 1 and self._waiting[1].at <= now - self._history:
            self._bytes -= len(self._waiting.popleft().frame.data)

    def keep_history(self, seconds: float) -> None:
        """Keep the frames of so many seconds, and what was seen before them, and no others."""
        with self._news:
            self._history = seconds

    def take_from(self, moment: float, now: float) -> float:
        """From now on keep all frames; those that wait are seen from ``moment`` on.

        Gives when the first one was seen, ``now`` if none waits.
        """
        with self._news:
            self._forget(now)
            self._history = None
            self._waiting = deque(Seen(one.frame, max(one.at, moment)) for one in self._waiting)
            return self._waiting[0].at if self._waiting else now

    def take(self) -> list[Seen]:
        """Take all that wait; raises Closed if there will be none any more."""
        with self._news:
            found = list(self._waiting)
            self._waiting.clear()
            self._bytes = 0
            if self._closed and not found:
                raise Closed
            return found

    @property
    def is_empty(self) -> bool:
        return not self._waiting

    def ring(self) -> None:
        """Have wait() return."""
        with self._news:
            self._rung = True
            self._news.notify_all()

    def wait(self, seconds: float, for_frames: bool = True) -> bool:
        """Wait until there is a frame, it is rung, or it is closed; some seconds at most.

        Tells whether it was rung or closed.
        """
        with self._news:
            self._news.wait_for(
                lambda: self._rung or self._closed or (for_frames and self._waiting), seconds
            )
            rung, self._rung = self._rung, False
            return rung or self._closed
