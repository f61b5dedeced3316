"""Groups of tiles by name: kept while they are listed, and for a while after.

A cache that has a list may ask for what is on it when the list is not the newest any
more; what is asked for later was in the cache, or its reader needs a newer list.
"""

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Set

# A list is in caches for up to two seconds, and its readers are to get what is on it then.
KEPT_SECONDS = 10.0

# Even where a picture takes nearly all of the memory, some of it is for what moves.
_LEAST_SHARE = 4


class Groups:
    """The groups that may be asked for; for any thread.

    put(), list_only() and gap() are the encoder thread's.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``most`` is how many bytes they may have together."""
        self.run = secrets.token_hex(8)
        """The number of this start, in lists."""
        self._key = secrets.token_bytes(32)
        self._most, self._clock = most, clock
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._kept: dict[bytes, bytes] = {}
        self._left: OrderedDict[bytes, float] = OrderedDict()
        """Since when each was listed no more, the oldest first."""
        self._listed: set[bytes] = set()
        """What is listed, and what is new and will be."""
        self._size = self._listed_size = 0

    def get(self, name: bytes) -> bytes | None:
        """Give a group, None where it is not kept."""
        with self._lock:
            return self._kept.get(name)

    @property
    def size(self) -> int:
        """Bytes of all that is kept."""
        with self._lock:
            return self._size

    def put(self, data: bytes) -> tuple[bytes, int]:
        """Keep a group, which is about to be listed; gives its name and how many bytes are new."""
        name = hashlib.blake2b(data, digest_size=16, key=self._key).digest()
        with self._lock:
            if name in self._listed:
                return name, 0
            self._listed.add(name)
            self._listed_size += len(data)
            if name in self._left:
                del self._left[name]
                return name, 0
            self._kept[name] = data
            self._size += len(data)
            self._make_room()
        return name, len(data)

    def list_only(self, names: Set[bytes]) -> None:
        """Note what is listed from now on; all of it has been put."""
        now = self._clock()
        with self._lock:
            for name in self._listed - names:
                self._left[name] = now
                self._listed_size -= len(self._kept[name])
            self._listed &= names
            self._make_room()

    def _make_room(self) -> None:
        """Drop what was listed too long ago, and where there is too much, the oldest of the rest.

        What is listed stays, however much it is.  _lock is held.
        """
        until = self._clock() - KEPT_SECONDS
        while self._left:
            name, since = next(iter(self._left.items()))
            if since > until and self._size <= self._most:
                break
            del self._left[name]
            self._size -= len(self._kept.pop(name))

    def gap(self, new: int) -> float:
        """Tell how many seconds are to follow so many new bytes, so that all is kept long enough.

        In any KEPT_SECONDS there come no more than there is memory for, beside what is listed;
        after so long there is room in any case.
        """
        share = max(self._most // _LEAST_SHARE, self._most - 2 * self._listed_size)
        return min(1.0, new / share) * KEPT_SECONDS
