"""Why and when the program ends: asked for by signals and threads, waited for by the main thread.

In the lowest folder because whoever waits in the main thread must stop waiting for it.
"""

import logging
import signal
import threading
from collections import deque

from webcapd.base.process.late import NotLoadable
from webcapd.base.waker import Waker

log = logging.getLogger(__name__)


class Shutdown:
    """Why and when the program ends.

    wait() and close() are for the main thread, the rest for any thread.  ask()
    is for signal handlers, too, so it takes no lock: one that the main thread
    holds just then would never be released.
    """

    def __init__(self) -> None:
        """Prepare; raises OSError without descriptors."""
        self._waker = Waker()
        self._statuses: deque[int] = deque()
        """The exit codes asked for, of which the first counts."""

    def ask(self, status: int = 0) -> None:
        """Ask the main thread to end; from any thread or signal handler."""
        self._statuses.append(status)
        self._waker.wake()

    def nudge(self) -> None:
        """Have wait() return for a look around; from any thread."""
        self._waker.wake()

    def fileno(self) -> int:
        """Descriptor that is readable when wait() has something to say."""
        return self._waker.fileno()

    def wait(self, seconds: float) -> int | None:
        """Wait some seconds at most; returns the exit code once asked to end."""
        if not self._statuses:
            self._waker.wait(seconds)
        return self._statuses[0] if self._statuses else None

    def close(self) -> None:
        """Give the descriptor back; the main thread has ended all."""
        self._waker.close()

    def on_failure(self, error: Exception) -> None:
        """End because a thread cannot go on without which nothing works; called in it."""
        if isinstance(error, NotLoadable):
            # Its sentence says it all.
            log.error("%s", error)
        elif not self._statuses:
            name = threading.current_thread().name
            log.error("the %s thread failed: %s", name, error, exc_info=error)
        self.ask(1)

    def on_server_end(self, status: int) -> None:
        log.error("the embedded X server ended with status %d", status)
        self.ask(1)

    def on_program_end(self, status: int) -> None:
        if not self._statuses:
            how = f"was killed by {signal.Signals(-status).name}" if status < 0 else ""
            log.info("the program in the display %s", how or f"ended with status {status}")
        self.ask(1 if status else 0)
