"""A cell for the newest picture, between a thread that gets pictures and who takes them."""

import threading
from typing import Generic, TypeVar

from webcapd.base.waker import Waker

_Item = TypeVar("_Item")


class NewestCell(Generic[_Item]):
    """Keeps the newest item only, and wakes who waits on its descriptor.

    put() and clear() are for any thread; the rest is for the one that takes.
    """

    def __init__(self) -> None:
        """Take a descriptor; raises OSError."""
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._item: _Item | None = None
        self._number = 0
        """How many were put; an item taken has been put by then."""
        self._waker = Waker()
        self._taken = 0

    def fileno(self) -> int:
        """Give what turns readable when the cell has changed."""
        return self._waker.fileno()

    def put(self, item: _Item | None) -> None:
        """Replace what is there, whether it was seen or not; None for nothing any more."""
        with self._lock:
            self._item = item
            self._number += 1
        self._waker.wake()

    def changed(self) -> bool:
        """Whether there is something else than what was taken last."""
        self._waker.clear()
        return self._number != self._taken

    def take(self) -> _Item | None:
        """Give what is there, None if nothing is; it stays there."""
        self._waker.clear()
        with self._lock:
            self._taken = self._number
            return self._item

    def close(self) -> None:
        """Give the descriptor back; put() does no harm any more."""
        self._waker.close()
