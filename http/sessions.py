"""Who is streaming, and how fast."""

import itertools
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from webcapd.encoder.latest import Closed
from webcapd.encoder.rate import Rate
from webcapd.encoder.variant import PLAIN
from webcapd.http.access import Withdrawn

log = logging.getLogger(__name__)


class Session:
    """One stream to one client.  Its own thread writes; others read single numbers."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.form = PLAIN
        """What it is sent at the moment."""
        self.began = time.monotonic()
        self.rate = Rate()
        self.frames = 0
        self.skipped = 0
        self.bytes_sent = 0
        self.age = 0.0
        """How old frames are when they have left, in seconds, smoothed."""
        self.level = 0
        """How many steps of quality the client was lowered."""

    def __str__(self) -> str:
        """Sum it up for the log."""
        seconds = time.monotonic() - self.began
        return (
            f"{self.client} watched for {seconds:.1f} s, {self.frames} frames, "
            f"{self.skipped} skipped, {self.bytes_sent / 1e6:.1f} MB, until"
        )

    def sent(self, size: int, skipped: int) -> None:
        """Note one frame sent, and how many newer ones went by unseen before it."""
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
    """All streams that are open; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[int, Session] = {}  # Guarded by _lock.
        self._numbers = itertools.count()
        # What streams now closed have sent.  Guarded by _lock.
        self._frames = self._skipped = self._bytes_sent = 0

    @contextmanager
    def opened(self, client: str) -> Iterator[Session]:
        """List a session for as long as the context lasts."""
        session = Session(client)
        number = next(self._numbers)
        with self._lock:
            self._open[number] = session
        log.info("%s begins to watch", client)
        why = "it was refused"
        try:
            yield session
        except Closed:
            why = "the server stops"
            raise
        except Withdrawn:
            why = "its leave to look had ended"
            raise
        except TimeoutError as error:
            why = f"{error}"
            raise
        except OSError:
            why = "it left"
            raise
        finally:
            with self._lock:
                del self._open[number]
                self._frames += session.frames
                self._skipped += session.skipped
                self._bytes_sent += session.bytes_sent
            log.info("%s %s", session, why)

    def totals(self) -> Totals:
        """Sum up all streams, open and closed."""
        with self._lock:
            streams = self._open.values()
            return Totals(
                self._frames + sum(one.frames for one in streams),
                self._skipped + sum(one.skipped for one in streams),
                self._bytes_sent + sum(one.bytes_sent for one in streams),
            )

    def listed(self) -> list[Session]:
        """Give the sessions open now, oldest first."""
        with self._lock:
            return list(self._open.values())
