"""How many H.264 encoders there may be at a time: whole frames and moving rectangles alike."""

import threading


class VideoSlots:
    """Counts encoders, up to a bound (``--max-videos``); for any thread."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._taken = 0  # Guarded by _lock.

    @property
    def taken(self) -> int:
        return self._taken

    def take(self) -> bool:
        """Take a slot for one more encoder, if there is one; who does gives it back."""
        with self._lock:
            if self._taken >= self.most:
                return False
            self._taken += 1
            return True

    def give_back(self) -> None:
        """Let somebody else have the slot."""
        with self._lock:
            self._taken -= 1
