"""The streams being sent, and how fast."""

import logging
import threading
import time
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from webcapd.base.rate import Rate

log = logging.getLogger(__name__)


class Spec(Protocol):
    """What is sent, of whatever kind."""

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of it."""


class Session:
    """One stream to one client.  The fanout thread writes; others read single numbers."""

    def __init__(self, client: str, spec: Spec) -> None:
        self.client = client
        self.spec = spec
        """Of the variant that it is sent at the moment."""
        self.started = time.monotonic()
        self.rate = Rate()
        self.frames = 0
        self.skipped = 0
        self.bytes_sent = 0
        self.age = 0.0
        """Smoothed age of frames when they have been sent, in seconds."""
        self.level = 0
        """How many steps of quality it is below the one requested."""

    def __str__(self) -> str:
        """Summarise it for the log."""
        seconds = time.monotonic() - self.started
        return (
            f"{self.client} watched for {seconds:.1f} s, {self.frames} frames, "
            f"{self.skipped} skipped, {self.bytes_sent / 1e6:.1f} MB, until"
        )

    def sent(self, size: int, skipped: int) -> None:
        """Count a frame sent, and how many were skipped before it."""
        self.rate.tick()
        self.frames += 1
        self.skipped += skipped
        self.bytes_sent += size


class Totals(NamedTuple):
    """What has been sent since the start."""

    frames: int
    skipped: int
    bytes_sent: int


class Sessions:
    """All open streams; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[Session, None] = {}  # Guarded by _lock; a set in order.
        # What closed streams have sent.  Guarded by _lock.
        self._frames = self._skipped = self._bytes_sent = 0

    def open(self, session: Session) -> None:
        """List a session from now on, until close()."""
        with self._lock:
            self._open[session] = None
        log.info("%s begins to watch", session.client)

    def close(self, session: Session, why: str) -> None:
        """List a session no longer."""
        with self._lock:
            del self._open[session]
            self._frames += session.frames
            self._skipped += session.skipped
            self._bytes_sent += session.bytes_sent
        log.info("%s %s", session, why)

    def totals(self) -> Totals:
        """Sum up all streams, open and closed."""
        with self._lock:
            streams = self._open
            return Totals(
                self._frames + sum(one.frames for one in streams),
                self._skipped + sum(one.skipped for one in streams),
                self._bytes_sent + sum(one.bytes_sent for one in streams),
            )

    def listed(self) -> list[Session]:
        """Give the sessions open now, oldest first."""
        with self._lock:
            return list(self._open)
