"""Writing to a client's socket: whole messages, bounded buffers, bounded patience."""

import contextlib
import select
import socket
import time
from collections.abc import Sequence

# What the kernel holds for a client is old by the time it arrives.  Linux
# doubles the value: 128 KiB in effect.
_SEND_BUFFER_BYTES = 64 * 1024

# What a client is given that takes this much in less than _QUICK_SECONDS, until
# it takes longer than _SLOW_SECONDS.
_MAX_BUFFER_BYTES = 1024 * 1024
_QUICK_SECONDS, _SLOW_SECONDS = 0.01, 0.05

# A socket counts as writable when less than this waits to be sent.
_UNSENT_BYTES = 16 * 1024

# A client that takes nothing at all for this long is gone.
STALL_SECONDS = 10.0

# One that takes longer for a single message takes too little to be worth it.
MESSAGE_SECONDS = 60.0

# An answer holds a thread, so its reader has this long, and as long as a line of
# a megabit takes, up to the above.
_ANSWER_SECONDS = 5.0
_ANSWER_BYTES_PER_SECOND = 128 * 1024

# The same on the other side of a dead line: what was sent is not even acknowledged.
_UNACKNOWLEDGED_MILLISECONDS = 20_000


def expect_life(connection: socket.socket) -> None:
    """Have the kernel find out when the other side is dead; raises OSError."""
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MILLISECONDS
        )


def bound_buffer(connection: socket.socket, size: int = _SEND_BUFFER_BYTES) -> None:
    """Keep the kernel from queueing more than a moment of stream."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)


def hang_up(connection: socket.socket) -> None:
    """Wake whoever waits on a socket, for good."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def sends_no_more(connection: socket.socket) -> bool:
    """Whether the other side has left, or said that it will send nothing more; never waits."""
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    return bool(poll.poll(0))


class SendBuffer:
    """How much the kernel may hold for one connection: little, but for the quick.

    A client that took a frame in a few milliseconds takes the next one in one
    piece, for one system call; that is not old when it arrives either.
    """

    def __init__(self, connection: socket.socket) -> None:
        bound_buffer(connection)
        self._connection = connection
        self._size = _SEND_BUFFER_BYTES

    def adapt(self, message: int, pushes: int, seconds: float) -> None:
        """Heed that a message of so many bytes left in so many pieces and seconds."""
        if pushes > 1 and seconds < _QUICK_SECONDS and self._size < _MAX_BUFFER_BYTES:
            # Linux doubles it: a half would just do.
            self._resize(min(message, _MAX_BUFFER_BYTES))
        elif seconds > _SLOW_SECONDS and self._size > _SEND_BUFFER_BYTES:
            self._resize(_SEND_BUFFER_BYTES)

    def _resize(self, size: int) -> None:
        if size != self._size:
            self._size = size
            bound_buffer(self._connection, size)


class Unsent:
    """One message on its way out of a socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffers: list[bytes | memoryview] = []
        self.size = 0
        """Bytes of the whole message."""
        self.pushes = 0
        """How often the kernel took some of it."""
        self._begun = False
        """Whether some of it has left, or has to."""

    def __bool__(self) -> bool:
        return bool(self._buffers)

    def put(self, *buffers: bytes, must_leave: bool = False) -> None:
        """Make these the message; the one before has left."""
        self._buffers = list(buffers)
        self.size = sum(map(len, buffers))
        self.pushes = 0
        self._begun = must_leave

    def push(self) -> bool:
        """Hand the kernel what it takes; tells whether it took anything.  Raises OSError."""
        try:
            sent = self._connection.sendmsg(self._buffers)
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

    def take_back(self) -> None:
        """Forget the message, if nothing of it has left."""
        if not self._begun:
            self._buffers = []


def answer_seconds(size: int) -> float:
    """Tell how long a client may take for an answer of so many bytes.  Pure."""
    return min(MESSAGE_SECONDS, _ANSWER_SECONDS + size / _ANSWER_BYTES_PER_SECOND)


def send_all(connection: socket.socket, buffers: Sequence[bytes]) -> None:
    """Send buffers as one message, gathered by the kernel without a copy here.

    Waits.  Raises TimeoutError when the client takes nothing for the socket's
    timeout or too little for long, and OSError when it is gone.
    """
    unsent = Unsent(connection)
    unsent.put(*buffers)
    deadline = time.monotonic() + answer_seconds(unsent.size)
    while True:
        unsent.push()
        if not unsent:
            return
        rest = deadline - time.monotonic()
        if rest <= 0:
            raise TimeoutError("the client takes too little")
        connection.settimeout(min(STALL_SECONDS, rest))
