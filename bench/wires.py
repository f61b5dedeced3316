"""How peers put frames on a connection, and how to take them off again.  No sockets here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

HEAD_BYTES = 512
"""What lies before a part's body is never longer than half of it."""

_HEAD = re.compile(rb"(?i)\ncontent-length: *(\d+)\r\n(?:[^\r\n]+\r\n)*\r\n")
_SOI = b"\xff\xd8"


class Part(NamedTuple):
    """A piece of a stream: what comes before its body, the body, and what it shows."""

    head: int
    """Bytes before the JPEG."""
    body: int
    """Bytes of the JPEG; 0 if this is no picture."""
    frame: int | None
    """Number of the frame that it is a piece of; None if it is a whole one."""
    top: int
    """Row of the screen at which it begins."""


class Wire(Protocol):
    """A way of sending frames."""

    @property
    def request(self) -> bytes:
        """What a client sends to begin."""

    @property
    def is_http(self) -> bool:
        """Whether the answer begins with a response head."""

    def part(self, data: bytes) -> Part | None:
        """Measure the part that begins here; None until there is enough of it."""


@dataclass(frozen=True)
class Multipart:
    """multipart/x-mixed-replace, with Content-Length; over HTTP or plain TCP."""

    path: str | None
    """What to GET; None on plain TCP, where the server begins by itself."""

    @property
    def request(self) -> bytes:
        if self.path is None:
            return b""
        return f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n".encode()

    @property
    def is_http(self) -> bool:
        return self.path is not None

    def part(self, data: bytes) -> Part | None:
        if head := _HEAD.search(data):
            return Part(head.end(), int(head[1]), None, 0)
        # On plain TCP the first bytes may be from the middle of a picture.
        return Part(HEAD_BYTES // 2, 0, None, 0) if len(data) >= HEAD_BYTES else None


@dataclass(frozen=True)
class WebSocket:
    """A message a stripe: kind (2 bytes), number of the frame (2), upper row (2), a JPEG."""

    request: bytes = (
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: d2ViY2FwZCdzIGJlbmNobQ==\r\n\r\n"
    )
    is_http: bool = True

    _PREFIX = 6

    def part(self, data: bytes) -> Part | None:
        if len(data) < 2:
            return None
        binary, short = data[0] & 15 == 2, data[1] & 127
        extra = {126: 2, 127: 8}.get(short, 0)
        start = 2 + extra
        if len(data) < start:
            return None
        length = int.from_bytes(data[2:start], "big") if extra else short
        if not binary:
            return Part(start + length, 0, None, 0)  # A ping, of no interest here.
        body = start + self._PREFIX
        if len(data) < body + len(_SOI):
            return None
        if data[body : body + len(_SOI)] != _SOI:
            raise ValueError(f"no JPEG where one should be: {data[:32]!r}")
        frame, top = (int.from_bytes(data[body - n : body - n + 2], "big") for n in (4, 2))
        return Part(body, length - self._PREFIX, frame, top)


class Picture(NamedTuple):
    """A JPEG found in a stream."""

    start: int
    end: int
    part: Part


def pictures(data: bytes, wire: Wire) -> Iterator[Picture]:
    """Find the whole JPEGs in what a client has received since it connected."""
    at = data.index(b"\r\n\r\n") + 4 if wire.is_http else 0
    while (part := wire.part(data[at : at + HEAD_BYTES])) is not None:
        start = at + part.head
        at = start + part.body
        if at > len(data):
            return
        if part.body:
            yield Picture(start, at, part)
