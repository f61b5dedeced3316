"""Where pictures come in that somebody else sends: the newest one, and whether it still counts.

One thread or many put pictures in, the encoder thread takes them out.  A picture counts
while its sender is there, and a moment longer: then it is gone, and the reason is told.
"""

import math
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, TypeVar

from webcapd.base.waker import Waker
from webcapd.capture.source import SourceNotReady

_Picture = TypeVar("_Picture")

# A sender that lost its connection mostly is back by then.
STALE_SECONDS = 2.0


class Occupied(Exception):
    """Another sender is there."""


class Inlet(Generic[_Picture]):
    """The newest picture that was sent.

    open(), take(), changed(), seconds_left() and close() are for the encoder thread, the
    rest for any.
    """

    def __init__(self, reason: str) -> None:
        """``reason`` says in a sentence why there is no picture, until one comes."""
        self._lock = threading.Lock()
        # All guarded by _lock:
        self._reason = reason
        self._picture: _Picture | None = None
        self._coded = b""
        """The bytes that it came as."""
        self._number = self._taken = 0
        """Of the newest picture, and of the one taken last."""
        self._until = math.inf
        """The moment (CLOCK_MONOTONIC) from which on it does not count any more."""
        self._sender = ""
        self._pictures = self._bytes = self._refused = 0
        self._waker: Waker | None = None

    # What senders do.

    @contextmanager
    def occupied(self, sender: str) -> Iterator[None]:
        """Keep other senders out while the context lasts; raises Occupied."""
        with self._lock:
            if self._sender:
                raise Occupied
            self._sender = sender
        try:
            yield
        finally:
            with self._lock:
                self._sender = ""

    def put(self, picture: _Picture, coded: bytes = b"") -> None:
        """Replace the picture, seen or not; ``coded`` are the bytes that it came as, if any."""
        with self._lock:
            self._pictures += 1
            self._bytes += len(coded)
            was_there, self._until = self._is_there(), math.inf
            if was_there and coded and coded == self._coded:
                # What sends a still picture again and again costs nobody anything.
                return
            self._picture, self._coded = picture, coded
            self._number += 1
        self._wake()

    def refuse(self) -> None:
        """Count a picture that was no good."""
        with self._lock:
            self._refused += 1

    def end(self, reason: str, after: float = STALE_SECONDS) -> None:
        """Have the picture count for so many seconds more; then the reason is told."""
        with self._lock:
            self._reason = reason
            self._until = min(self._until, time.monotonic() + after)
        self._wake()

    def _wake(self) -> None:
        waker = self._waker
        if waker is not None:
            waker.wake()

    def _is_there(self) -> bool:
        """Whether there is a picture that counts; _lock is held."""
        return self._picture is not None and time.monotonic() < self._until

    # What the encoder thread does.

    def open(self) -> _Picture:
        """Get ready, and give the picture that is there; raises SourceNotReady."""
        if self._waker is None:
            self._waker = Waker()
        with self._lock:
            self._taken = -1
            return self._checked()

    def take(self) -> _Picture | None:
        """Give the newest, None if it is what was given last; raises SourceNotReady."""
        if self._waker is not None:
            self._waker.clear()
        with self._lock:
            picture = self._checked()
            if self._taken == self._number:
                return None
            self._taken = self._number
            return picture

    def _checked(self) -> _Picture:
        if not self._is_there():
            self._picture, self._coded = None, b""
            raise SourceNotReady(self._reason)
        assert self._picture is not None
        return self._picture

    def changed(self) -> bool:
        """Whether take() will give another picture, or raise, as one it gave counts no more."""
        if self._waker is not None:
            self._waker.clear()
        with self._lock:
            if not self._is_there():
                return self._picture is not None
            return self._taken != self._number

    def is_there(self) -> bool:
        """Whether open() will give a picture."""
        if self._waker is not None:
            self._waker.clear()
        with self._lock:
            return self._is_there()

    def seconds_left(self) -> float:
        """Seconds until the picture counts no more; infinite if nothing says so."""
        with self._lock:
            if self._picture is None:
                return math.inf
            return max(0.0, self._until - time.monotonic())

    def fileno(self) -> int | None:
        """Give what turns readable when there is something new; None before open()."""
        return None if self._waker is None else self._waker.fileno()

    def close(self) -> None:
        """Give the descriptor back, for good."""
        if self._waker is not None:
            self._waker.close()

    def status(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of it; from any thread."""
        with self._lock:
            return {
                "sender": self._sender or None,
                "pictures": self._pictures,
                "refused": self._refused,
                "bytes": self._bytes,
            }
