"""Writing to a client's socket: whole messages, bounded buffers, bounded patience."""

import select
import socket
from collections.abc import Sequence

# What the kernel holds for a client is old by the time it arrives.  Linux
# doubles the value: 128 KiB in effect.
_SEND_BUFFER_BYTES = 64 * 1024

# A socket counts as writable when less than this waits to be sent.
_UNSENT_BYTES = 16 * 1024

# A client that takes nothing at all for this long is gone.
STALL_SECONDS = 10.0


def bound_buffer(connection: socket.socket) -> None:
    """Keep the kernel from queueing more than a moment of stream."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)


def send_all(connection: socket.socket, buffers: Sequence[bytes]) -> None:
    """Send buffers as one message, gathered by the kernel without a copy here.

    Raises TimeoutError when the client takes nothing for the socket's timeout,
    and OSError when it is gone.
    """
    views = [memoryview(buffer) for buffer in buffers if buffer]
    while views:
        sent = connection.sendmsg(views)
        while views and sent >= len(views[0]):
            sent -= len(views.pop(0))
        if views:
            views[0] = views[0][sent:]


def await_departure(connection: socket.socket) -> None:
    """Wait until what was sent has left, but for a moment's worth.

    Raises TimeoutError when the client takes nothing for STALL_SECONDS.
    """
    poller = select.poll()
    poller.register(connection, select.POLLOUT)
    if not poller.poll(STALL_SECONDS * 1000):
        raise TimeoutError("the client takes nothing")
