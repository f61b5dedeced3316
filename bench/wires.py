"""How peers put frames on a connection, and how to take them off again.  No sockets here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

HEAD_BYTES = 2048
"""What lies before a part's body is never longer than half of it."""

_HEAD = re.compile(rb"(?i)\ncontent-length: *(\d+)\r\n(?:[^\r\n]+\r\n)*\r\n")
_SOI = b"\xff\xd8"


class Part(NamedTuple):
    """A piece of a stream: what comes before its body, the body, and what it shows."""

    head: int
    """Bytes before the JPEG."""
    body: int
    """Bytes of the JPEG, or the last one of an update; 0 if there is nothing new to show."""
    frame: int | None
    """Number of the frame that it is a piece of; None if it is a whole one."""
    top: int
    """Row of the screen at which it begins."""
    reply: bytes = b""
    """What the client must say to it."""


def fragment(length: int, is_last: bool, reply: bytes = b"") -> Part:
    """Make a part of so many bytes, of which several are one update."""
    return Part(length - is_last, int(is_last), None, 0, reply)


class Wire(Protocol):
    """A way of sending frames.  What begins where depends on what was before: one a connection."""

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


@dataclass(frozen=True)
class Updates:
    """Records of an update stream (docs/updates.md): a mark ends an update."""

    path: str = "/?updates"
    is_http: bool = True

    @property
    def request(self) -> bytes:
        return f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()

    @property
    def has_video(self) -> bool:
        return "video=1" in self.path

    def part(self, data: bytes) -> Part | None:
        if len(data) < 4:
            return None
        return fragment(4 + int.from_bytes(data[1:4], "big"), data[:1] == b"E")


@dataclass(frozen=True)
class Boxes:
    """Fragmented MP4, over HTTP or plain TCP: the media data of a fragment end a frame."""

    path: str | None
    """What to GET; None on plain TCP, where the server begins by itself."""

    @property
    def request(self) -> bytes:
        if self.path is None:
            return b""
        return f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()

    @property
    def is_http(self) -> bool:
        return self.path is not None

    def part(self, data: bytes) -> Part | None:
        if len(data) < 8:
            return None
        return fragment(int.from_bytes(data[:4], "big"), data[4:8] == b"mdat")


class Piece(NamedTuple):
    """A part found in what has been received, and where its body is."""

    start: int
    end: int
    part: Part


class Walk:
    """Goes from part to part through what a client has received since it connected."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._at: int | None = None if wire.is_http else 0
        self._begun: Piece | None = None
        """It is not all there yet."""
        self.reply = b""
        """What the client must say by now; to be emptied by who says it."""

    def on(self, data: bytes | bytearray) -> Iterator[Piece]:
        """Give the parts that are whole now and were not before; ``data`` is all so far."""
        if self._at is None:
            end = data.find(b"\r\n\r\n")
            self._at = end + 4 if end >= 0 else None
        while self._at is not None and self._begin(data) is not None:
            assert self._begun is not None
            if self._begun.end > len(data):
                return
            found, self._begun = self._begun, None
            self._at = found.end
            yield found

    def _begin(self, data: bytes | bytearray) -> Piece | None:
        """Measure the part that begins, once."""
        if self._begun is None and self._at is not None:
            part = self._wire.part(bytes(data[self._at : self._at + HEAD_BYTES]))
            if part is not None:
                self.reply += part.reply
                start = self._at + part.head
                self._begun = Piece(start, start + part.body, part)
        return self._begun


def pictures(data: bytes, wire: Wire) -> Iterator[Piece]:
    """Find the whole JPEGs in what a client has received since it connected."""
    return (found for found in Walk(wire).on(data) if found.part.body)
