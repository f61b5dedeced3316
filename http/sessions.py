"""Who is streaming, and how fast."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from webcapd.encoder.rate import Rate


class Session:
    """One stream to one client.  Its own thread writes; others read single numbers."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.rate = Rate()
        self.frames = 0
        self.skipped = 0
        self.bytes_sent = 0
        self.age = 0.0
        """How old frames are when they have left, in seconds, smoothed."""
        self.level = 0
        """How many steps of quality the client was lowered."""

    def sent(self, size: int, skipped: int) -> None:
        """Note one frame sent, and how many newer ones went by unseen before it."""
        self.rate.tick()
        self.frames += 1
        self.skipped += skipped
        self.bytes_sent += size


class Sessions:
    """All streams that are open; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[int, Session] = {}  # Guarded by _lock.
        self._numbers = itertools.count()

    @contextmanager
    def opened(self, client: str) -> Iterator[Session]:
        """List a session for as long as the context lasts."""
        session = Session(client)
        number = next(self._numbers)
        with self._lock:
            self._open[number] = session
        try:
            yield session
        finally:
            with self._lock:
                del self._open[number]

    def listed(self) -> list[Session]:
        """Give the sessions open now, oldest first."""
        with self._lock:
            return list(self._open.values())
