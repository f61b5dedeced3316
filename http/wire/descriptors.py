"""How many connections the limit of descriptors allows, and which descriptors they get."""

import fcntl
import resource
import socket
from typing import NamedTuple

from webcapd.http.wire.pending import MAX_PENDING
from webcapd.http.wire.sockets import CannotListen

# Requests that may be answered at a time beyond --max-clients.  Streams hold no
# thread, but snapshots that wait for a change do, up to --max-clients of them: so
# many are left for requests that wait for nothing.
_RESERVE = 32

# Connections are moved to descriptors from here on: python-xlib waits by
# select(), which knows none above 1023, and a reconnect takes the lowest free.
_FIRST_DESCRIPTOR = 128

# Where there are not that many: what we hold ourselves (17, two more listening
# sockets) and need for a moment.
_OWN_DESCRIPTORS = 24


class Capacity(NamedTuple):
    """How many connections there may be at a time; each is a descriptor."""

    streams: int
    """Streams, which hold no thread, and snapshots that wait for a change, which do."""
    requests: int
    """Requests that are being answered; each holds a thread."""
    waiting: int
    """Connections without a request."""
    first: int
    """The first descriptor for connections."""

    @property
    def connections(self) -> int:
        """All of them together.  A snapshot that waits counts as a request only."""
        return self.streams + self.requests + self.waiting


def share(descriptors: int, max_clients: int) -> Capacity:
    """Share out so many descriptors; raises ValueError if they are too few for any.  Pure."""
    whole = Capacity(max_clients, max_clients + _RESERVE, MAX_PENDING, _FIRST_DESCRIPTOR)
    if whole.first + whole.connections <= descriptors:
        return whole
    room = descriptors - _OWN_DESCRIPTORS
    # A client that has its response may send the next request before its thread has ended.
    waiting = min(whole.waiting, max(2, room // 8))
    requests = min(whole.requests, max(4, room // 4))
    if room <= waiting + requests:
        raise ValueError
    # Streams get most of what is scarce, and the others what they leave.
    streams = min(whole.streams, room - waiting - requests)
    requests = min(whole.requests, room - waiting - streams)
    waiting = min(whole.waiting, room - streams - requests)
    return Capacity(streams, requests, waiting, _OWN_DESCRIPTORS)


def claim(max_clients: int) -> Capacity:
    """Raise the limit of descriptors as far as needed and allowed; raises CannotListen."""
    whole = share(1 << 62, max_clients)
    wanted = whole.first + whole.connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return whole
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    try:
        return share(soft, max_clients)
    except ValueError:
        raise CannotListen(f"nobody can be served with {soft} descriptors (ulimit -n)") from None


def moved_up(connection: socket.socket, first: int) -> socket.socket:
    """Give the same connection by a descriptor of ``first`` or more; raises OSError."""
    number = fcntl.fcntl(connection.fileno(), fcntl.F_DUPFD_CLOEXEC, first)
    return socket.socket(fileno=number)
