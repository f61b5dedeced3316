"""The body of a request, read in pieces as it comes."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

from webcapd.base.process.late import h11
from webcapd.http.wire.request import Request, reason_of
from webcapd.http.wire.response import HttpError
from webcapd.http.wire.sending import MESSAGE_SECONDS

# The most that is read at a time, and so the longest piece.
_PIECE_BYTES = 64 * 1024


class Body:
    """What follows a request's head on its connection; for the thread that answers it.

    It is read only by pages that use it: an unread body ends the connection.
    """

    def __init__(
        self, connection: socket.socket, parser: h11.Connection, request: Request, received: bytes
    ) -> None:
        """``parser`` has read the head; ``received`` is what came behind it."""
        self._connection = connection
        self._parser = parser
        self._request = request
        self._received = received
        self._ended = not request.has_body

    @property
    def is_read(self) -> bool:
        """Whether what comes next on the connection is another request."""
        return self._ended

    @property
    def rest(self) -> bytes:
        """What came behind a body that was read, or behind a head without one."""
        return self._received

    def pieces(self, max_bytes: float, seconds: float = MESSAGE_SECONDS) -> Iterator[bytes]:
        """Give the body piece by piece, each of 64 KiB at most, as they come.

        Raises HttpError if there are more bytes than ``max_bytes`` (413), if it takes
        longer than ``seconds`` or rests for the socket's timeout (408), and if
        it is malformed (400); OSError when the client is gone.
        """
        if self._ended:
            return
        self._check_size(int(self._request.headers.get("content-length", "0")), max_bytes)
        if self._parser.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[], reason="Continue")
            self._connection.sendall(self._parser.send(go_on))
        deadline, total = time.monotonic() + seconds, 0
        while (piece := self._piece(deadline)) is not None:
            total += len(piece)
            self._check_size(total, max_bytes)
            yield piece

    def _check_size(self, size: int, max_bytes: float) -> None:
        if size > max_bytes:
            raise HttpError(413, f"the body is larger than {max_bytes} bytes")

    def _piece(self, deadline: float) -> bytes | None:
        """Give the next piece, None when there is none; raises as pieces() does."""
        try:
            while True:
                event = self._parser.next_event()
                if isinstance(event, h11.Data):
                    return bytes(event.data)
                if isinstance(event, h11.EndOfMessage):
                    self._received = self._parser.trailing_data[0]
                    self._ended = True
                    return None
                # Either what came with the head, or what comes now; empty when the client closed.
                self._parser.receive_data(self._received or self._receive(deadline))
                self._received = b""
        except h11.RemoteProtocolError as error:
            raise HttpError(400, f"the body is malformed: {reason_of(error)}") from None

    def _receive(self, deadline: float) -> bytes:
        if time.monotonic() > deadline:
            raise HttpError(408, "the body did not come in time")
        try:
            return self._connection.recv(_PIECE_BYTES)
        except TimeoutError:
            raise HttpError(408, "the body did not come in time") from None
