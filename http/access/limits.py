"""How many requests are served at a time, in all and for one client, and whether any is use."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from webcapd.http.access.clients import client_network
from webcapd.http.wire.address import IPAddress, Network
from webcapd.http.wire.response import HttpError

_RETRY_SECONDS = 10

# Pages that tell of the server and show nothing of the screen: who watches over it asks for
# them, time after time, whether anybody watches or not.
UNCOUNTED = frozenset(("health", "metrics", "info", "displays"))


class ConnectionLimits:
    """Counts requests being served; for any thread."""

    def __init__(self, max_long: int, max_per_client: int) -> None:
        """``max_long`` bounds streams and waits for a change, together."""
        self._max_long = max_long
        self._max_per_client = max_per_client
        self._lock = threading.Lock()
        self._long = 0  # Guarded by _lock.
        self._of_client: Counter[Network] = Counter()  # Guarded by _lock.

    @contextmanager
    def request_from(self, address: IPAddress | None) -> Iterator[None]:
        """Count a request while the context lasts; raises HttpError (429).

        This machine itself has no limit but the one for all.
        """
        if address is None or address.is_loopback:
            yield
            return
        client = client_network(address)
        with self._lock:
            if self._of_client[client] >= self._max_per_client:
                raise HttpError(
                    429, "as many requests from your address as are allowed", _RETRY_SECONDS
                )
            self._of_client[client] += 1
        try:
            yield
        finally:
            with self._lock:
                self._of_client[client] -= 1
                if not self._of_client[client]:
                    del self._of_client[client]

    @contextmanager
    def long_request(self) -> Iterator[None]:
        """Count a stream, or a wait for a change; raises HttpError (503)."""
        with self._lock:
            if self._long >= self._max_long:
                raise HttpError(
                    503,
                    "there are as many clients as are allowed "
                    f"({self._max_long}; see --max-clients)",
                    _RETRY_SECONDS,
                )
            self._long += 1
        try:
            yield
        finally:
            with self._lock:
                self._long -= 1

    def long_requests(self) -> int:
        """Give the number of streams and waits for a change."""
        with self._lock:
            return self._long


class Usage:
    """Counts requests that are use; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._users = 0
        self._unused_since = time.monotonic()
        """When the last use ended, or this began; meaningless while there is any."""

    @contextmanager
    def using(self) -> Iterator[None]:
        """Count one use while the context lasts."""
        with self._lock:
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                self._unused_since = time.monotonic()

    def unused_seconds(self) -> float:
        """Tell for how long nobody has used anything; 0 while somebody does."""
        with self._lock:
            return 0.0 if self._users else time.monotonic() - self._unused_since
