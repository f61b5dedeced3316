"""Messages on their way out: parts of streams, whole responses, and last words.

All go by OutgoingMessage.  A stream's thread never waits; a response holds a
thread until its client has taken it, for a time that is bounded, and when there
is no thread left for who comes next, the slowest makes room.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Sequence

from webcapd.http.wire.connection import hang_up

# A client that takes nothing at all for this long is gone.
STALL_SECONDS = 10.0

# One that takes longer for a single message takes too little to be worth it.
MESSAGE_SECONDS = 60.0

# A response holds a thread, so its reader has this long, and as long as a line of
# a megabit takes, up to the above.
_RESPONSE_SECONDS = 5.0
_RESPONSE_BYTES_PER_SECOND = 128 * 1024

# Time enough for whoever reads at all: most pictures fit into what the kernel holds.
_MIN_SECONDS = 1.0


class OutgoingMessage:
    """One message on its way out of a socket."""

    def __init__(self, connection: socket.socket, *buffers: bytes) -> None:
        self._connection = connection
        self.put(*buffers)

    def put(self, *buffers: bytes, must_leave: bool = False) -> None:
        """Make these the message; the one before has left."""
        self._buffers: list[bytes | memoryview] = list(buffers)
        self.size = sum(map(len, buffers))
        """Bytes of the whole message."""
        self.pushes = 0
        """How often the kernel took some of it."""
        self._begun = must_leave
        """Whether some of it has left, or has to."""

    def __bool__(self) -> bool:
        """Whether some of it has not left."""
        return bool(self._buffers)

    def push(self, most: int | None = None) -> bool:
        """Hand the kernel what it takes, without a copy; tells whether it took anything.

        No more than ``most`` bytes are handed over, if given.  Waits as long as the socket does.
        Raises OSError.
        """
        try:
            some = self._buffers if most is None else _first(self._buffers, most)
            sent = self._connection.sendmsg(some)
        except BlockingIOError:
            return False
        self.pushes += 1
        if sent == self.size:
            # Nearly always: nothing to be cut.
            self._buffers = []
            return True
        self._begun = True
        views = [memoryview(buffer) for buffer in self._buffers if buffer]
        while views and sent >= len(views[0]):
            sent -= len(views.pop(0))
        if views:
            views[0] = views[0][sent:]
        self._buffers = list(views)
        return True

    def push_on(self) -> bool:
        """Push until all has left or the kernel takes no more; tells whether it took anything.

        Raises OSError.
        """
        moved = False
        while self._buffers and self.push():
            moved = True
        return moved

    def push_all(self) -> None:
        """Hand the kernel all of it; waits.

        Raises TimeoutError when the client takes nothing for long or too little
        for very long, and OSError when it is gone.
        """
        deadline = time.monotonic() + response_seconds(self.size)
        while True:
            self.push()
            if not self:
                return
            rest = deadline - time.monotonic()
            if rest <= 0:
                raise TimeoutError("the client takes too little")
            self._connection.settimeout(min(STALL_SECONDS, rest))

    def take_back(self) -> None:
        """Forget the message, if nothing of it has left."""
        if not self._begun:
            self._buffers = []


def _first(buffers: Sequence[bytes | memoryview], most: int) -> list[bytes | memoryview]:
    """Give the first bytes of some buffers, without a copy."""
    found: list[bytes | memoryview] = []
    for buffer in buffers:
        if most > 0:
            found.append(memoryview(buffer)[:most])
            most -= len(buffer)
    return found


def response_seconds(size: int) -> float:
    """Tell how long a client may take for a response of so many bytes.  Pure."""
    return min(MESSAGE_SECONDS, _RESPONSE_SECONDS + size / _RESPONSE_BYTES_PER_SECOND)


def send_last_word(connection: socket.socket, response: bytes) -> None:
    """Send as much of a response as the kernel takes; never fails, nor waits on its own."""
    with contextlib.suppress(OSError):
        OutgoingMessage(connection, response).push()


class ResponseSender:
    """Sends responses; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: dict[socket.socket, float] = {}
        """When each began, the first in front.  Guarded by _lock."""

    def send(self, connection: socket.socket, *buffers: bytes) -> None:
        """Send buffers as one message; it may be cut off to make room.

        Raises TimeoutError when the client takes too little, OSError when it is gone.
        """
        with self._lock:
            self._since[connection] = time.monotonic()
        try:
            OutgoingMessage(connection, *buffers).push_all()
        finally:
            with self._lock:
                self._since.pop(connection, None)

    def cut_off_slowest(self) -> socket.socket | None:
        """Hang up on who has been taking a response for the longest; None if that is not long."""
        with self._lock:
            for connection, since in self._since.items():
                if time.monotonic() - since < _MIN_SECONDS:
                    break
                del self._since[connection]
                # Under the lock: it is still the one that a response is sent to.
                hang_up(connection)
                return connection
        return None
