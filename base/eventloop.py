"""A thread that waits for descriptors, for deadlines and for what other threads post."""

import math
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable

from webcapd.base.progress import Progress
from webcapd.base.timers import Timers
from webcapd.base.waker import Waker


class EventLoop:
    """Runs callbacks, one at a time, in a thread of its own.

    start(), stop(), join() and close() are for the owner, post() and ``progress``
    for any thread, the rest for the loop's thread, or for before start().  A
    callback must not wait.  One that raises ends the loop: whatever can fail
    for one connection is caught by its callback.
    """

    def __init__(
        self,
        name: str,
        on_failure: Callable[[Exception], None],
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare.

        ``on_failure`` is called in the thread when a callback raised, and ``on_end`` as
        its last act, whatever ended it.  Raises OSError without descriptors.
        """
        self._on_failure, self._on_end = on_failure, on_end
        self._stopping = threading.Event()
        self._posted: deque[Callable[[], None]] = deque()
        """Each is followed by a wake()."""
        self._waker = Waker()
        self._poll = select.epoll()
        self._poll.register(self._waker, select.EPOLLIN)
        # Loop thread only:
        self._callbacks: dict[int, Callable[[int], None]] = {}
        """By descriptor."""
        self._timers = Timers()
        self._timer_callbacks: dict[Hashable, Callable[[], None]] = {}
        self.progress = Progress()
        self._thread = threading.Thread(target=self._run, name=name[:15], daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; returns at once."""
        self._stopping.set()
        self._waker.wake()

    def join(self, timeout: float) -> bool:
        """Wait for the end; tells whether it came in time."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Give the descriptors back; the thread has ended, or was never started."""
        self._poll.close()
        self._waker.close()

    def post(self, callback: Callable[[], None]) -> None:
        """Have a callback run in the thread, in the order posted; from any thread.

        What is posted after stop() may never run.
        """
        self._posted.append(callback)
        self._waker.wake()

    def watch(self, descriptor: int, events: int, callback: Callable[[int], None]) -> None:
        """Call ``callback`` with what epoll tells of a descriptor; raises OSError."""
        self._poll.register(descriptor, events)
        self._callbacks[descriptor] = callback

    def unwatch(self, descriptor: int) -> None:
        """Forget a descriptor, which is still open.

        Should its number be used again at once, the new owner may be called
        for nothing: callbacks bear that.
        """
        del self._callbacks[descriptor]
        self._poll.unregister(descriptor)

    def call_at(self, key: Hashable, when: float, callback: Callable[[], None]) -> None:
        """Call ``callback`` once at ``when`` (CLOCK_MONOTONIC), or never if that is infinite.

        It replaces what was to be called under the same key.
        """
        if when == math.inf:
            self.cancel(key)
            return
        self._timer_callbacks[key] = callback
        self._timers.set(key, when)

    def cancel(self, key: Hashable) -> None:
        """Call nothing under a key."""
        self._timer_callbacks.pop(key, None)
        self._timers.cancel(key)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._turn()
        except Exception as error:
            self._on_failure(error)
        finally:
            self.progress.rest()
            self._on_end()

    def _turn(self) -> None:
        """Wait once, and run what there is to run."""
        wait = self._timers.next() - time.monotonic()
        self.progress.rest()
        ready = self._poll.poll(None if wait == math.inf else max(0.0, wait))
        self.progress.step()
        for descriptor, events in ready:
            if descriptor == self._waker.fileno():
                self._waker.clear()
            elif (callback := self._callbacks.get(descriptor)) is not None:
                callback(events)
                self.progress.step()
        # Those there now: one that posts itself again keeps nobody else out.
        for _ in range(len(self._posted)):
            self._posted.popleft()()
            self.progress.step()
        for key in self._timers.due(time.monotonic()):
            self._timer_callbacks.pop(key)()
            self.progress.step()
