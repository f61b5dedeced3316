"""How one thread wakes another that waits on descriptors."""

import contextlib
import os
import select
import threading

# Sources come and go, and so do their descriptors.
_MOST_POLLS = 8


class Waker:
    """A descriptor that turns readable when somebody calls wake().

    wake() is for any thread and for signal handlers, at any time, also while
    another thread closes it.  The rest is for the thread that waits.
    """

    def __init__(self) -> None:
        """Take a descriptor; raises OSError."""
        # A counter in the kernel: it can be written any number of times
        # before it is read, and one read takes them all (eventfd(2)).
        self._descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        # A signal handler may run within wake() and call it: reentrant.
        self._lock = threading.RLock()
        """Held while it is written to: closed meanwhile, its number may be another file's."""
        self._polls: dict[int | None, select.poll] = {}
        """What waits for the waker and another descriptor; the waiting thread's."""

    def fileno(self) -> int:
        return self._descriptor

    def wake(self) -> None:
        """Wake the thread that waits, or keep it from falling asleep; nothing once closed."""
        # BlockingIOError: woken 2**64 times and not read.
        with self._lock, contextlib.suppress(BlockingIOError):
            if self._descriptor >= 0:
                os.eventfd_write(self._descriptor, 1)

    def wait(self, seconds: float | None, other: int | None = None) -> bool:
        """Sleep until woken, another descriptor turns readable, or time is up.

        Takes all calls of wake() so far; tells whether time was not up.
        """
        poll = self._polls.get(other) or self._poll_of(other)
        ready = poll.poll(None if seconds is None else 1000 * max(0.0, seconds))
        if any(descriptor == self._descriptor for descriptor, _ in ready):
            self.clear()
        return bool(ready)

    def _poll_of(self, other: int | None) -> select.poll:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        if other is not None:
            poll.register(other, select.POLLIN)
        if len(self._polls) >= _MOST_POLLS:
            self._polls.clear()
        self._polls[other] = poll
        return poll

    def clear(self) -> None:
        """Take all calls so far; later ones wake again."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._descriptor)

    def close(self) -> None:
        """Give the descriptor back; nobody may wait on it any more."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, -1
            self._polls = {}
            if descriptor >= 0:
                os.close(descriptor)
