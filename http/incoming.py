"""Connections whose next request has not come whole yet.

They cost no thread and are no clients: browsers connect ahead of need, and
attackers send a byte a second.  There is a bound to how many wait, how long,
and how much each may send.
"""

import contextlib
import re
import socket
import time
from typing import NamedTuple

from webcapd.http.response import short_response

# From the first byte of a request to the last of its head.
HEAD_SECONDS = 10.0
# Without a byte of the next request.
_IDLE_SECONDS = 30.0
# For a client that still talks when its answer has been sent.
_DRAIN_SECONDS = 2.0

# All lines of a request's head together.
MOST_HEAD_BYTES = 32 * 1024

# One more, and the one that has waited longest is hung up on.
MOST_WAITING = 512

# A method is a token (RFC 9110, 9.1); anything else will never be a request.
_NO_REQUEST = re.compile(rb"[^!#$%&'*+.^_`|~0-9A-Za-z-]")

_END = re.compile(rb"\n\r?\n")


class Request(NamedTuple):
    """A request's head, whole, and what came behind it."""

    head: bytes
    rest: bytes


class Waiting:
    """One connection that waits."""

    def __init__(self, connection: socket.socket, name: object, data: bytes = b"") -> None:
        connection.setblocking(False)
        self.connection = connection
        self.name = name
        """The address of the other side, as the socket module gives it."""
        self.data = bytearray(data)
        self.draining = False
        seconds = HEAD_SECONDS if data else _IDLE_SECONDS
        self.deadline = time.monotonic() + seconds

    def drain(self) -> None:
        """From now on throw away what comes, until the other side hangs up.

        Closing with something unread would reset the connection, and the
        other side would lose the answer.
        """
        self.draining = True
        self.deadline = time.monotonic() + _DRAIN_SECONDS
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)

    def read(self) -> bool:
        """Take what has come; tells whether there may be more.  Raises OSError."""
        try:
            data = self.connection.recv(MOST_HEAD_BYTES)
        except BlockingIOError:
            return True
        if data and not self.draining:
            if not self.data:
                self.deadline = time.monotonic() + HEAD_SECONDS
            self.data += data
        return bool(data)

    def request(self) -> Request | None:
        """Give the request that has come, None while it is not whole.  Pure but for its data."""
        # An empty line before a request is to be overlooked (RFC 9112, 2.2).
        data = self.data.lstrip(b"\r\n")
        if _NO_REQUEST.match(data):
            return None
        line = data.find(b"\n", 0, MOST_HEAD_BYTES)
        if line >= 0 and b"HTTP/" not in data[:line]:
            # No headers follow a line without a version.
            return Request(bytes(data[: line + 1]), bytes(data[line + 1 :]))
        end = _END.search(data)
        if end is None or end.end() > MOST_HEAD_BYTES:
            return None
        return Request(bytes(data[: end.end()]), bytes(data[end.end() :]))

    def fault(self) -> bytes:
        """Give the answer to what can be no request any more; empty while it can."""
        data = self.data.lstrip(b"\r\n")
        if data and _NO_REQUEST.match(data):
            return short_response(400, "this is no HTTP request")
        if len(self.data) < MOST_HEAD_BYTES:
            return b""
        if not data:
            return short_response(400, "empty lines are no HTTP request")
        limit = f"of more than {MOST_HEAD_BYTES} bytes"
        if b"\n" in data[:MOST_HEAD_BYTES]:
            return short_response(431, f"the request has headers {limit}")
        return short_response(414, f"the request has an address {limit}")
