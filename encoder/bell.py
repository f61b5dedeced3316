"""How the encoder thread sleeps and is woken, and how others see that it is stuck."""

import contextlib
import select
import socket
import time
from collections.abc import Iterator


class Bell:
    """A bell by the encoder thread's bed.

    sleep() and headway() are the encoder thread's; the rest is for any thread.
    """

    def __init__(self) -> None:
        self._ear, self._bell = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)
        # Written by the encoder thread only:
        self._busy_since: float | None = None
        self._encodes = False

    def ring(self) -> None:
        """Wake the thread from its sleep, or keep it from falling asleep."""
        # It fails when the pair is full: then the thread is waking already.
        with contextlib.suppress(OSError):
            self._bell.send(b"\0")

    def close(self) -> None:
        """Take the bell away; when the thread has ended."""
        self._ear.close()
        self._bell.close()

    def busy_seconds(self) -> float:
        """Tell for how long the thread has been without headway; 0 while it sleeps."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def unanswered_seconds(self) -> float:
        """Tell for how long the thread may have waited for the source; 0 while it encodes."""
        return 0.0 if self._encodes else self.busy_seconds()

    @contextlib.contextmanager
    def encoding(self) -> Iterator[None]:
        """Note that the thread has work of its own, however long that takes."""
        self._encodes = True
        self.progress()
        try:
            yield
        finally:
            self.progress()
            self._encodes = False

    def progress(self) -> None:
        """Note that the thread is awake and gets on with its work."""
        self._busy_since = time.monotonic()

    def sleep(self, seconds: float | None, source: int | None = None) -> bool:
        """Sleep for some seconds at most, until rung for or a descriptor turns readable.

        Tells whether it was.
        """
        poller = select.poll()
        poller.register(self._ear, select.POLLIN)
        if source is not None:
            poller.register(source, select.POLLIN)
        self._busy_since = None
        awoken = poller.poll(None if seconds is None else seconds * 1000)
        self.progress()
        if awoken:
            with contextlib.suppress(BlockingIOError):
                self._ear.recv(4096)
        return bool(awoken)
