"""A program whose processes stand still now and then, as on a machine that has too much to do."""

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Sequence

# One of the processes is stopped so often, on average ...
_EVERY_SECONDS = 0.04

# ... for so long.
_STOPPED_SECONDS = 0.08, 0.6


class _Faltering:
    """Stops processes and lets them go on.  Its own thread only, but for end()."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids
        self._ended = threading.Event()
        self._random = random.Random(1)
        self._stopped: dict[int, float] = {}
        """Until when each of those stands still that do."""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        """Let all go on."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._random.uniform(0, 2 * _EVERY_SECONDS)):
            now = time.monotonic()
            self._go_on(now)
            pid = self._random.choice(self._pids)
            if pid not in self._stopped:
                self._stopped[pid] = now + self._random.uniform(*_STOPPED_SECONDS)
                _signal(pid, signal.SIGSTOP)
        self._go_on(float("inf"))

    def _go_on(self, now: float) -> None:
        for pid in [pid for pid, until in self._stopped.items() if until <= now]:
            _signal(pid, signal.SIGCONT)
            del self._stopped[pid]


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


@contextlib.contextmanager
def faltering(*pids: int) -> Iterator[None]:
    """Have processes stand still now and then until the context ends."""
    process = _Faltering(pids)
    try:
        yield
    finally:
        process.end()
