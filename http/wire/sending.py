"""Answers on their way out.

Each holds a thread until its client has taken it.  When there is none left for
who comes next, the one who takes longest makes room.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from webcapd.http.wire.connection import hang_up

# Time enough for whoever reads at all: most pictures fit into what the kernel holds.
_MIN_SECONDS = 1.0


class Sending:
    """Counts to whom an answer is being sent; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: dict[socket.socket, float] = {}
        """When each began, the first in front.  Guarded by _lock."""

    @contextmanager
    def to(self, connection: socket.socket) -> Iterator[None]:
        """Count an answer while the context lasts: it may be cut off to make room."""
        with self._lock:
            self._since[connection] = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._since.pop(connection, None)

    def cut_off_slowest(self) -> socket.socket | None:
        """Hang up on who has been taking an answer for the longest; None if that is not long."""
        with self._lock:
            for connection, since in self._since.items():
                if time.monotonic() - since < _MIN_SECONDS:
                    break
                del self._since[connection]
                # Under the lock: it is still the one that an answer is sent to.
                hang_up(connection)
                return connection
        return None
