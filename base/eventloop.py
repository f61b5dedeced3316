"""A thread that waits for descriptors, for deadlines and for what other threads post."""

import contextlib
import math
import select
import threading
import time
from collections import deque
from collections.abc import Callable

from webcapd.base.timers import Timer, Timers
from webcapd.base.waker import Waker

# A round takes milliseconds, also with hundreds of clients.
_MAX_ROUND_SECONDS = 5.0


class EventLoop:
    """Runs callbacks, one at a time, in a thread of its own.

    start(), stop(), join(), close() and makes_progress() are for the owner,
    post() and run_here() for any thread, the rest for callbacks, or for before start().  A
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
        self._asked: float | None = None
        """When the question was put that is still open, whether the thread gets round.

        Set by the owner, cleared by the thread.
        """
        self._waker = Waker()
        self._poll = select.epoll()
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._posted: deque[Callable[[], object]] = deque()
        """Each is followed by a wake()."""
        self._ended = False
        self._turn_lock = threading.Lock()
        """Held while callbacks run, in this thread or another."""
        # Guarded by _turn_lock, but for the moment of the next deadline:
        self._callbacks: dict[int, Callable[[int], None]] = {}
        """By descriptor."""
        self._timers = Timers()
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

    def makes_progress(self) -> bool:
        """Tell whether the thread gets round to what it is woken for, asleep or not.

        To be called every second or so: each call sees to the answer to the one before.
        """
        asked = self._asked
        if asked is None:
            self._asked = time.monotonic()
            self._waker.wake()
            return True
        return time.monotonic() - asked <= _MAX_ROUND_SECONDS

    def post(self, callback: Callable[[], object]) -> bool:
        """Have a callback run in the thread, in the order posted; from any thread.

        Tells whether it will run: the thread has not ended yet.
        """
        with self._lock:
            if self._ended:
                return False
            self._posted.append(callback)
        self._waker.wake()
        return True

    def run_here(self, callback: Callable[[], object]) -> bool:
        """Run a callback in the calling thread, if no other is at work and the loop has not ended.

        Tells whether it did.  It spares what it takes to wake a thread; what was posted before
        may come after it.
        """
        if not self._turn_lock.acquire(blocking=False):
            return False
        try:
            if self._ended:
                return False
            before = self._timers.next()
            callback()
            is_sooner = self._timers.next() < before
        except Exception as error:
            self._on_failure(error)
            return True
        finally:
            self._turn_lock.release()
        if is_sooner:
            self._waker.wake()
        return True

    def watch(self, descriptor: int, events: int, callback: Callable[[int], None]) -> None:
        """Call ``callback`` with what epoll tells of a descriptor; raises OSError."""
        self._poll.register(descriptor, events)
        self._callbacks[descriptor] = callback

    def unwatch(self, descriptor: int) -> None:
        """Forget a descriptor, which is still open; nothing if it is not watched.

        Should its number be used again at once, the new owner may be called
        for nothing: callbacks bear that.
        """
        self._callbacks.pop(descriptor, None)
        with contextlib.suppress(OSError):
            self._poll.unregister(descriptor)

    def timer(self, callback: Callable[[], None]) -> Timer:
        """Make a timer (of CLOCK_MONOTONIC), which calls ``callback`` each time that it is due."""
        return self._timers.timer(callback)

    def _run(self) -> None:
        try:
            self._poll.register(self._waker, select.EPOLLIN)
            while not self._stopping.is_set():
                self._turn()
        except Exception as error:
            self._on_failure(error)
        with self._turn_lock, self._lock:
            self._ended = True
        # Each of them is due, whatever comes of the others.
        self._posted.append(self._on_end)
        while self._posted:
            try:
                self._posted.popleft()()
            except Exception as error:
                self._on_failure(error)

    def _turn(self) -> None:
        """Wait once, and run what there is to run."""
        self._asked = None
        wait = self._timers.next() - time.monotonic()
        told = self._poll.poll(None if wait == math.inf else max(0.0, wait))
        with self._turn_lock:
            for descriptor, events in told:
                if descriptor == self._waker.fileno():
                    self._waker.clear()
                elif (callback := self._callbacks.get(descriptor)) is not None:
                    callback(events)
            self._run_posted()
            for timer in self._timers.due(time.monotonic()):
                timer.callback()

    def _run_posted(self) -> None:
        # Those there now: one that posts itself again keeps nobody else out.
        for _ in range(len(self._posted)):
            self._posted.popleft()()
