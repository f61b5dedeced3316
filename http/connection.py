"""Writing to a client's socket: whole messages, bounded buffers, bounded patience."""

import select
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
_MESSAGE_SECONDS = 60.0

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
    deadline = time.monotonic() + _MESSAGE_SECONDS
    views = [memoryview(buffer) for buffer in buffers if buffer]
    while views:
        sent = connection.sendmsg(views)
        while views and sent >= len(views[0]):
            sent -= len(views.pop(0))
        if views:
            views[0] = views[0][sent:]
            if time.monotonic() > deadline:
                raise TimeoutError("the client takes too little")


def await_departure(connection: socket.socket) -> None:
    """Wait until what was sent has left, but for a moment's worth.

    Raises TimeoutError when the client takes nothing for STALL_SECONDS.
    """
    poller = select.poll()
    poller.register(connection, select.POLLOUT)
    if not poller.poll(STALL_SECONDS * 1000):
        raise TimeoutError("the client takes nothing")
