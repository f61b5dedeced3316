"""How many descriptors there are for connections, and which."""

import fcntl
import resource
import socket

# Connections are moved to descriptors from here on: python-xlib waits by
# select(), which knows none above 1023, and a reconnect takes the lowest free.
_FIRST_DESCRIPTOR = 128


def allow_descriptors(connections: int) -> None:
    """Have the system let us have descriptors for so many connections, if it will."""
    wanted = _FIRST_DESCRIPTOR + connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def duplicate(connection: socket.socket) -> socket.socket:
    """Give the same connection by a descriptor that leaves the low ones free; raises OSError."""
    number = fcntl.fcntl(connection.fileno(), fcntl.F_DUPFD_CLOEXEC, _FIRST_DESCRIPTOR)
    return socket.socket(fileno=number)
