"""How often something happened in the last few seconds."""

import threading
import time
from collections import deque
from collections.abc import Callable

# The window of the ancestor's rates.
WINDOW_SECONDS = 5.0


class Rate:
    """Events a second over the last WINDOW_SECONDS; for any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock()
        self._moments: deque[float] = deque()  # Guarded by _lock.
        self.total = 0
        """Events since the start.  Guarded by _lock; others may read it."""

    def tick(self) -> None:
        """Note one event now."""
        now = self._clock()
        with self._lock:
            self._moments.append(now)
            self.total += 1
            self._forget(now)

    def per_second(self) -> float:
        """Events a second; over the time since the start while that is shorter."""
        now = self._clock()
        with self._lock:
            self._forget(now)
            # At least one second: a single event right after the start is no
            # rate of thousands.
            return len(self._moments) / min(WINDOW_SECONDS, max(1.0, now - self._began))

    def _forget(self, now: float) -> None:
        """Drop what has left the window.  _lock is held."""
        while self._moments and self._moments[0] <= now - WINDOW_SECONDS:
            self._moments.popleft()
