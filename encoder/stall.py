"""Whether the encoder thread gets on, and what is done when its source does not answer."""

import math
import time
from collections.abc import Callable

from webcapd.base.waker import Waker

# A source that takes longer than this for one answer is given up.
_ANSWER_SECONDS = 2.5

# Opening takes some thirty round trips, and a display may be far away.
_OPEN_SECONDS = 20.0

# For one picture of the largest screen, on a busy machine.
_ENCODE_SECONDS = 60.0


class StallGuard:
    """Gives up a source that does not answer.

    abort_if_stuck() and makes_progress() are for the main thread, to be called
    now and then; progress(), sleep(), opening() and encoding() for the encoder
    thread, which says by them what it is at.
    """

    def __init__(self, interrupt: Callable[[], None]) -> None:
        """``interrupt`` has the source fail under the encoder thread."""
        self._waker = Waker()
        self._interrupt = interrupt
        # Written by the encoder thread only:
        self._busy_since: float | None = None
        """When it last got on; None while it sleeps."""
        self._encodes = False
        self._opening = False
        # Written by the main thread only:
        self._suspected = False
        """Whether the source had not answered for too long when last asked."""

    def wake(self) -> None:
        """Wake the encoder thread, or keep it from falling asleep; any thread."""
        self._waker.wake()

    def close(self) -> None:
        """Give back what wakes it; the thread has ended."""
        self._waker.close()

    def progress(self) -> None:
        """Note that the thread is awake and gets on with its work."""
        self._busy_since = time.monotonic()

    def sleep(self, seconds: float, source: int | None = None) -> bool:
        """Sleep as Waker.wait() does, without end too, which is no sign of being stuck."""
        self._busy_since = None
        try:
            return self._waker.wait(None if seconds == math.inf else seconds, source)
        finally:
            self.progress()

    def opening(self, opening: bool) -> None:
        """Note whether the source is being opened."""
        self._opening = opening

    def encoding(self) -> "StallGuard":
        """Note that the thread has work of its own, however long that takes: a context."""
        return self

    def __enter__(self) -> None:
        self._encodes = True
        self.progress()

    def __exit__(self, *_: object) -> None:
        self.progress()
        self._encodes = False

    def abort_if_stuck(self) -> None:
        """Give up a source that has not answered for too long."""
        suspect = self._unanswered_seconds() > self._max_seconds
        # Seen once, it may be that we were stopped ourselves, and the answer is there.
        if suspect and self._suspected:
            self._interrupt()
        self._suspected = suspect

    def makes_progress(self) -> bool:
        """Whether the thread does not hang in a way that abort_if_stuck() cannot help."""
        if self._unanswered_seconds() > 2 * self._max_seconds:
            return False
        return self._busy_seconds() <= _ENCODE_SECONDS

    def _busy_seconds(self) -> float:
        """Tell for how long the thread has not got on; 0 while it sleeps."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def _unanswered_seconds(self) -> float:
        """Tell for how long the thread may have waited for the source; 0 while it encodes."""
        return 0.0 if self._encodes else self._busy_seconds()

    @property
    def _max_seconds(self) -> float:
        """How long the source may take for one answer."""
        return _OPEN_SECONDS if self._opening else _ANSWER_SECONDS
