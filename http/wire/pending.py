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

from webcapd.http.wire.response import short_response

# From the first byte of a request to the last of its head.
HEAD_SECONDS = 10.0
# Without a byte of the next request.
IDLE_SECONDS = 30.0
# For a client that still talks when its answer has been sent.
_DRAIN_SECONDS = 2.0

# All lines of a request's head together.
MAX_HEAD_BYTES = 32 * 1024

# One more, and the one that has waited longest is hung up on.
MAX_PENDING = 512

# What ends a head for h11, too, which parses it.
_END = re.compile(rb"\n\r?\n")


class Received(NamedTuple):
    """A request's head, whole, and what came behind it."""

    head: bytes
    rest: bytes


class PendingConnection:
    """One connection that waits."""

    def __init__(
        self,
        connection: socket.socket,
        name: object,
        data: bytes = b"",
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        """Have it wait; ``data`` has come already, and without any it has ``idle_seconds``."""
        connection.setblocking(False)
        self.connection = connection
        self.name = name
        """The address of the other side, as the socket module gives it."""
        self.data = bytearray()
        """What has come of the request."""
        self._searched = 0
        """Up to where there is no end of a head in it: each byte is looked at once."""
        self._empty = 0
        """Bytes of empty lines before it."""
        self.draining = False
        seconds = HEAD_SECONDS if data else idle_seconds
        self.deadline = time.monotonic() + seconds
        self._take(data)

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
            data = self.connection.recv(MAX_HEAD_BYTES)
        except BlockingIOError:
            return True
        if data and not self.draining:
            if not (self.data or self._empty):
                self.deadline = time.monotonic() + HEAD_SECONDS
            self._take(data)
        return bool(data)

    def _take(self, data: bytes) -> None:
        if not self.data:
            # Empty lines before a request are to be overlooked (RFC 9112, 2.2).
            begun = data.lstrip(b"\r\n")
            self._empty += len(data) - len(begun)
            data = begun
        self.data += data

    def received(self) -> Received | None:
        """Give the request that has come, None while its head is not whole."""
        end = _END.search(self.data, self._searched)
        if end is None:
            self._searched = max(0, len(self.data) - 2)
            return None
        if end.end() > MAX_HEAD_BYTES or self._no_request():
            return None
        return Received(bytes(self.data[: end.end()]), bytes(self.data[end.end() :]))

    def error_response(self) -> bytes:
        """Give the answer to what can be no request any more; empty while it can."""
        if self._no_request():
            return short_response(400, "this is no HTTP request")
        if self._empty >= MAX_HEAD_BYTES:
            return short_response(400, "empty lines are no HTTP request")
        if len(self.data) < MAX_HEAD_BYTES:
            return b""
        limit = f"of more than {MAX_HEAD_BYTES} bytes"
        if b"\n" in self.data[:MAX_HEAD_BYTES]:
            return short_response(431, f"the request has headers {limit}")
        return short_response(414, f"the request has an address {limit}")

    def _no_request(self) -> bool:
        """Whether it begins as no request does: TLS, for one, by a control character."""
        return bool(self.data) and self.data[0] <= 0x20
