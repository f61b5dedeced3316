"""Writing to a client's socket: whole messages, bounded buffers, bounded patience."""

import contextlib
import socket
import time
from collections.abc import Sequence

# What the kernel holds for a client is old by the time it arrives.  Linux
# doubles the value: 128 KiB in effect.
_SEND_BUFFER_BYTES = 64 * 1024

# A socket counts as writable when less than this waits to be sent.
_UNSENT_BYTES = 16 * 1024

# A client that takes nothing at all for this long is gone.
STALL_SECONDS = 10.0

# One that takes longer for a single message takes too little to be worth it.
MESSAGE_SECONDS = 60.0

# The same on the other side of a dead line: what was sent is not even acknowledged.
_UNACKNOWLEDGED_MILLISECONDS = 20_000


def expect_life(connection: socket.socket) -> None:
    """Have the kernel find out when the other side is dead; raises OSError."""
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MILLISECONDS
        )


def bound_buffer(connection: socket.socket) -> None:
    """Keep the kernel from queueing more than a moment of stream."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)


def send_all(connection: socket.socket, buffers: Sequence[bytes]) -> None:
    """Send buffers as one message, gathered by the kernel without a copy here.

    Raises TimeoutError when the client takes nothing for the socket's timeout
    or too little for long, and OSError when it is gone.
    """
    deadline = time.monotonic() + MESSAGE_SECONDS
    views = [memoryview(buffer) for buffer in buffers if buffer]
    while views:
        sent = connection.sendmsg(views)
        while views and sent >= len(views[0]):
            sent -= len(views.pop(0))
        if views:
            views[0] = views[0][sent:]
            if time.monotonic() > deadline:
                raise TimeoutError("the client takes too little")


def hang_up(connection: socket.socket) -> None:
    """Wake whoever waits on a socket, for good."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class Unsent:
    """One message on its way out of a socket that does not wait."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffers: list[bytes | memoryview] = []
        self.size = 0
        """Bytes of the whole message."""
        self._begun = False
        """Whether some of it has left, or has to."""

    def __bool__(self) -> bool:
        return bool(self._buffers)

    def put(self, *buffers: bytes, must_leave: bool = False) -> None:
        """Make these the message; the one before has left."""
        self._buffers = list(buffers)
        self.size = sum(map(len, buffers))
        self._begun = must_leave

    def push(self) -> bool:
        """Hand the kernel what it takes; tells whether it took anything.  Raises OSError."""
        try:
            sent = self._connection.sendmsg(self._buffers)
        except BlockingIOError:
            return False
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

    def take_back(self) -> None:
        """Forget the message, if nothing of it has left."""
        if not self._begun:
            self._buffers = []
