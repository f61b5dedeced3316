"""How many may be served at a time, in all and from one place."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from webcapd.http.wire.address import IPAddress, Network, neighbourhood
from webcapd.http.wire.response import HttpError

# Requests that may be answered at a time beyond --max-clients.  Streams hold no
# thread, but snapshots that wait for a change do, up to --max-clients of them: so
# many snapshots are to be had however many wait.
RESERVE = 32

_RETRY_SECONDS = 10


class ConnectionLimits:
    """Counts who is served; for any thread."""

    def __init__(self, most: int, most_from_one: int) -> None:
        self._most = most
        self._most_from_one = most_from_one
        self._lock = threading.Lock()
        self._long = 0  # Guarded by _lock.
        self._from: Counter[Network] = Counter()  # Guarded by _lock.

    @contextmanager
    def from_one(self, client: IPAddress | None) -> Iterator[None]:
        """Count a request while the context lasts; raises HttpError (429).

        This machine itself has no limit but the one for all.
        """
        if client is None or client.is_loopback:
            yield
            return
        place = neighbourhood(client)
        with self._lock:
            if self._from[place] >= self._most_from_one:
                raise HttpError(
                    429, "as many requests from your address as are allowed", _RETRY_SECONDS
                )
            self._from[place] += 1
        try:
            yield
        finally:
            with self._lock:
                self._from[place] -= 1
                if not self._from[place]:
                    del self._from[place]

    @contextmanager
    def for_long(self) -> Iterator[None]:
        """Count a stream, or who waits for a change; raises HttpError (503)."""
        with self._lock:
            if self._long >= self._most:
                raise HttpError(
                    503,
                    f"there are as many clients as are allowed ({self._most}; see --max-clients)",
                    _RETRY_SECONDS,
                )
            self._long += 1
        try:
            yield
        finally:
            with self._lock:
                self._long -= 1

    def taken(self) -> int:
        """Tell how many streams and waits there are."""
        with self._lock:
            return self._long
