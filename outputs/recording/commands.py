"""What others ask of a recorder, and how they wait until it is done."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


class _Asked(NamedTuple):
    command: str
    done: threading.Event


class Commands:
    """Commands that wait; for any thread, but for taken() and close(), the recorder's."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """``wake`` tells the recorder, from any thread, that there is one."""
        self._wake = wake
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._asked: list[_Asked] = []
        self._closed = False

    def ask(self, command: str, timeout: float) -> None:
        """Ask for something, and wait until it is done, for some seconds at most."""
        asked = _Asked(command, threading.Event())
        with self._lock:
            if self._closed:
                return
            self._asked.append(asked)
        self._wake()
        asked.done.wait(timeout)

    @contextmanager
    def taken(self) -> Iterator[Iterator[str]]:
        """Give what was asked for, one after the other; it is done with the context.

        Where that ends by an error, what it has not come to is asked for still.
        """
        with self._lock:
            taken, self._asked = deque(self._asked), []
        done: list[_Asked] = []

        def each() -> Iterator[str]:
            while taken:
                done.append(taken.popleft())
                yield done[-1].command

        try:
            yield each()
        finally:
            with self._lock:
                self._asked[:0] = taken
            for one in done:
                one.done.set()

    def close(self) -> None:
        """Let nobody wait any more."""
        with self._lock:
            self._closed = True
        with self.taken() as commands:
            for _ in commands:
                pass
