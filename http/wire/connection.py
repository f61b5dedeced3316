"""What a connection to a client is set to: small buffers, and no wait for the dead."""

import contextlib
import select
import socket

# What the kernel holds for a client is old by the time it arrives.  Linux
# doubles the value: 128 KiB in effect.
_SEND_BUFFER_BYTES = 64 * 1024

# A unix socket cannot be told to refuse what would have to wait (see _UNSENT_BYTES), and before a
# proxy it is not the last buffer on the way: it holds as little as that.
_UNIX_BUFFER_BYTES = 16 * 1024

# What a client is given that takes this much in less than _QUICK_SECONDS, until
# it takes longer than _SLOW_SECONDS.
_MAX_BUFFER_BYTES = 1024 * 1024
_QUICK_SECONDS, _SLOW_SECONDS = 0.01, 0.05

# A socket counts as writable when less than this waits to be sent.
_UNSENT_BYTES = 16 * 1024

# The same on the other side of a dead line: what was sent is not even acknowledged.
_UNACKNOWLEDGED_MILLISECONDS = 20_000


def configure(connection: socket.socket) -> None:
    """Have the kernel send at once, and find out when the other side is dead; raises OSError."""
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MILLISECONDS
        )


def hang_up(connection: socket.socket) -> None:
    """Wake whoever waits on a socket, for good."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def sends_no_more(connection: socket.socket) -> bool:
    """Whether the other side has left, or said that it will send nothing more; never waits."""
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    return bool(poll.poll(0))


def takes_more(connection: socket.socket) -> bool:
    """Whether a connection has room, or will never have again; never waits."""
    poll = select.poll()
    poll.register(connection, select.POLLOUT)
    return bool(poll.poll(0))


class SendBuffer:
    """How much the kernel may hold for one connection: little, but for the quick.

    A client that took a frame in a few milliseconds takes the next one in one
    piece, for one system call; that is not old when it arrives either.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        is_unix = connection.family == socket.AF_UNIX
        self._least = _UNIX_BUFFER_BYTES if is_unix else _SEND_BUFFER_BYTES
        self._size = 0
        self._resize(self._least)

    def adapt(self, message: int, pushes: int, seconds: float) -> None:
        """Choose a size, now that a message of so many bytes left in so many pieces and seconds."""
        if pushes > 1 and seconds < _QUICK_SECONDS and self._size < _MAX_BUFFER_BYTES:
            # Linux doubles it: a half would just do.
            self._resize(min(message, _MAX_BUFFER_BYTES))
        elif seconds > _SLOW_SECONDS and self._size > self._least:
            self._resize(self._least)

    def _resize(self, size: int) -> None:
        if size == self._size:
            return
        self._size = size
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
        if self._connection.family != socket.AF_UNIX:
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
