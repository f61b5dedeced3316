"""Why and when the program ends: asked by signals and threads, heard by the main thread.

In the lowest folder because whoever waits in the main thread must heed it.
"""

import contextlib
import logging
import os
import select
import signal
import threading

log = logging.getLogger(__name__)


class Shutdown:
    """Why and when the program ends.

    A pipe, because signal handlers may ask: a lock that the main thread holds
    just then would never be released.
    """

    _NUDGE = 0xFF

    def __init__(self) -> None:
        self._ear, self._bell = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._asked = False

    def ask(self, status: int = 0) -> None:
        """Ask the main thread to end; from any thread or signal handler."""
        self._asked = True
        self._write(status)

    def nudge(self) -> None:
        """Have wait() return for a look around; from any thread."""
        self._write(self._NUDGE)

    def _write(self, value: int) -> None:
        # A full pipe has been asked often enough.
        with contextlib.suppress(BlockingIOError):
            os.write(self._bell, bytes([value]))

    def fileno(self) -> int:
        """Descriptor that is readable when wait() has something to say."""
        return self._ear

    def wait(self, seconds: float) -> int | None:
        """Wait some seconds at most; returns the exit code once asked to end."""
        ready, _, _ = select.select([self._ear], [], [], seconds)
        status = os.read(self._ear, 1)[0] if ready else self._NUDGE
        return None if status == self._NUDGE else status

    def on_failure(self, error: Exception) -> None:
        """End because a thread cannot go on without which nothing works; called in it."""
        if not self._asked:
            name = threading.current_thread().name
            log.error("the %s thread failed: %s", name, error, exc_info=error)
        self.ask(1)

    def on_server_end(self, status: int) -> None:
        log.error("the embedded X server ended with status %d", status)
        self.ask(1)

    def on_program_end(self, status: int) -> None:
        if not self._asked:
            how = f"was killed by {signal.Signals(-status).name}" if status < 0 else ""
            log.info("the program in the display %s", how or f"ended with status {status}")
        self.ask(1 if status else 0)
