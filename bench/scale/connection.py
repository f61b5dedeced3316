"""Connections of many HTTP/1.1 clients in one thread: an epoll loop, and no more than is needed."""

import heapq
import itertools
import re
import select
import socket
import time
from collections import deque
from collections.abc import Callable

Address = tuple[str, int]

Answered = Callable[[int, bytes, bytes], None]
"""Gets status, head and body; status 0 if the connection ended before."""

_CHUNK = 1 << 16
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")


class Loop:
    """Calls whoever has something to read, and whoever's time has come."""

    def __init__(self, headers: bytes = b"") -> None:
        """``headers`` are lines that each request has besides, CRLF and all."""
        self.headers = b" HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n"
        self._poll = select.epoll()
        self._readers: dict[int, Callable[[], None]] = {}
        self._closers: dict[int, Callable[[], None]] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def register(
        self, descriptor: int, read: Callable[[], None], close: Callable[[], None]
    ) -> None:
        self._readers[descriptor], self._closers[descriptor] = read, close
        self._poll.register(descriptor, select.EPOLLIN)

    def unregister(self, descriptor: int) -> None:
        del self._readers[descriptor], self._closers[descriptor]
        self._poll.unregister(descriptor)

    def close(self) -> None:
        """Close everything that it has been told of."""
        for close in list(self._closers.values()):
            close()
        self._poll.close()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        moment = time.monotonic() + seconds
        heapq.heappush(self._timers, (moment, next(self._order), call))

    def turn(self, at_most: float = 1.0) -> None:
        """Wait until something is to be done, and do it."""
        now = time.monotonic()
        wait = min(at_most, self._timers[0][0] - now) if self._timers else at_most
        for descriptor, _ in self._poll.poll(max(0.0, wait)):
            # One that was read before may have closed another.
            if read := self._readers.get(descriptor):
                read()
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()


class Connection:
    """A connection that is kept: one request after the other, answers in the same order."""

    __slots__ = ("_address", "_asked", "_buffer", "_loop", "_open", "_socket", "received")

    def __init__(self, loop: Loop, address: Address) -> None:
        self._loop, self._address = loop, address
        self._asked: deque[Answered] = deque()
        self._buffer = b""
        self._open = False
        self.received = 0
        """All that came."""

    @property
    def is_idle(self) -> bool:
        return not self._asked

    def ask(self, path: bytes, answered: Answered) -> None:
        """Send a request; connects where that is needed."""
        self._asked.append(answered)
        try:
            if not self._open:
                self._connect()
            self._socket.send(b"GET " + path + self._loop.headers)
        except OSError:
            self._loop.later(0.0, self._fail)

    def _connect(self) -> None:
        self._socket = socket.create_connection(self._address, timeout=10)
        self._socket.setblocking(False)
        self._open, self._buffer = True, b""
        self._loop.register(self._socket.fileno(), self._read, self.close)

    def _read(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._fail()
            return
        self.received += len(data)
        self._buffer = self._buffer + data if self._buffer else data
        while self._buffer and self._take():
            pass

    def _take(self) -> bool:
        """Take one answer out of what came, if it is whole."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        length = _LENGTH.search(self._buffer, 0, end + 2)
        if length is None:
            raise SystemExit(f"an answer has no length: {self._buffer[:300]!r}")
        body = end + 4
        after = body + int(length[1])
        if len(self._buffer) < after:
            return False
        answer = self._buffer[:after]
        self._buffer = self._buffer[after:]
        self._asked.popleft()(int(answer[9:12]), answer[:body], answer[body:])
        return True

    def _fail(self) -> None:
        self.close()
        asked, self._asked = self._asked, deque()
        for answered in asked:
            answered(0, b"", b"")

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.unregister(self._socket.fileno())
            self._socket.close()


class Stream:
    """An answer without an end, by HTTP/1.0, so that it comes as it is."""

    def __init__(
        self, loop: Loop, address: Address, path: bytes, take: Callable[[bytes], None]
    ) -> None:
        """``take`` gets what came of the body, and nothing when it has ended."""
        self._loop, self._take = loop, take
        self._head: bytes | None = b""
        self.received = 0
        self._socket = socket.create_connection(address, timeout=10)
        self._socket.setblocking(False)
        self._socket.send(b"GET " + path + loop.headers.replace(b"/1.1", b"/1.0", 1))
        loop.register(self._socket.fileno(), self._read, self.close)

    def _read(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.received += len(data)
        if data and self._head is not None:
            self._head += data
            head, found, data = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            self._head = None
            if b" 200 " not in head[:20]:
                data = b""
            elif not data:
                return
        if not data:
            self.close()
        self._take(data)

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.unregister(self._socket.fileno())
            self._socket.close()
