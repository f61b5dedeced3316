"""RFB 3.8 with Tight, as noVNC asks for it: what a VNC server sends, part by part.  Pure.

JPEG quality level 6, compression level 2, continuous updates and fences where
the server has them; every fence is answered, every other update asked for.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple

from wires import Part, fragment

RAW, COPY, TIGHT, CURSOR, _LAST = 0, 1, 7, -239, -224
_QUALITY_6, _COMPRESSION_2, _FENCE, _CONTINUOUS = -26, -254, -312, -313
_ENCODINGS = (COPY, TIGHT, RAW, _QUALITY_6, _COMPRESSION_2, _LAST, CURSOR, _FENCE, _CONTINUOUS)

# 32 bits a pixel, 24 of depth, little-endian, true colour; red in the lowest byte.
_PIXEL_FORMAT = struct.pack(">4B3H3B3x", 32, 24, 0, 1, 255, 255, 255, 0, 8, 16)

_NO_SECURITY = 1
_FENCE_REQUEST, _FENCE_KNOWN = 1 << 31, 7
_NEVER_DEFLATED = 12
"""Bytes; Tight sends less than these as they are."""


class Rectangle(NamedTuple):
    """The head of a rectangle."""

    x: int
    y: int
    width: int
    height: int
    encoding: int


class Tight(NamedTuple):
    """What stands before the data of a rectangle in Tight."""

    kind: str
    """``fill``, ``jpeg`` or ``basic``."""
    control: int
    colours: bytes
    """The palette, three bytes a colour; empty without one."""
    start: int
    length: int
    size: int
    """Bytes when inflated."""

    @property
    def deflated(self) -> bool:
        return self.kind == "basic" and self.size >= _NEVER_DEFLATED


def tight(data: bytes, width: int, height: int) -> Tight | None:
    """Measure a rectangle in Tight; None until its head is there."""
    try:
        found = _tight(data, width, height)
    except IndexError:
        return None
    return found if found.start <= len(data) else None


def _tight(data: bytes, width: int, height: int) -> Tight:
    control, kind = data[0], data[0] >> 4
    if kind == 8:
        return Tight("fill", control, b"", 1, 3, 3)
    if kind == 9:
        length, start = _compact(data, 1)
        return Tight("jpeg", control, b"", start, length, length)
    explicit = kind >> 2 & 1
    used = data[1] if explicit else 0
    if kind > 9 or used > 1:
        raise ValueError(f"Tight, control {control}, filter {used}: nobody asked for that")
    at, colours, row = 1 + explicit, b"", 3 * width
    if used:
        count = data[at] + 1
        colours, at = data[at + 1 :][: 3 * count], at + 1 + 3 * count
        row = (width + 7) // 8 if count == 2 else width
    size = row * height
    length, at = (size, at) if size < _NEVER_DEFLATED else _compact(data, at)
    return Tight("basic", control, colours, at, length, size)


def _compact(data: bytes, at: int) -> tuple[int, int]:
    """Read a length of seven bits a byte, and eight in the third; gives where it ends, too."""
    length = data[at] & 127
    if data[at] < 128:
        return length, at + 1
    length |= (data[at + 1] & 127) << 7
    if data[at + 1] < 128:
        return length, at + 2
    return length | data[at + 2] << 14, at + 3


class Rfb:
    """One connection to a VNC server without a password."""

    request = b""
    is_http = False

    def __init__(self) -> None:
        self.size = (0, 0)
        """Width and height of the screen; of none before the server has said."""
        self.rectangle: Rectangle | None = None
        """What the part that began last is; None if it is no rectangle."""
        self._rectangles_left = 0
        self._continuous = False
        self._next: Callable[[bytes], Part | None] = self._version

    def part(self, data: bytes) -> Part | None:
        self.rectangle = None
        try:
            return self._next(data)
        except (IndexError, struct.error):
            return None  # The head is not all there; nothing has been changed for it.

    def _version(self, data: bytes) -> Part | None:
        if len(data) < 12:
            return None
        if data[:4] != b"RFB ":
            raise ValueError(f"no VNC server: {data[:12]!r}")
        self._next = self._security
        return fragment(12, False, b"RFB 003.008\n")

    def _security(self, data: bytes) -> Part | None:
        count = data[0]
        if len(data) < 1 + count:
            return None
        if _NO_SECURITY not in data[1 : 1 + count]:
            raise ValueError("the VNC server refuses, or wants a password")
        self._next = self._result
        return fragment(1 + count, False, bytes([_NO_SECURITY]))

    def _result(self, data: bytes) -> Part | None:
        if struct.unpack_from(">I", data)[0]:
            raise ValueError("the VNC server refuses")
        self._next = self._init
        shared = b"\x01"
        return fragment(4, False, shared)

    def _init(self, data: bytes) -> Part | None:
        width, height, name = struct.unpack_from(">HH16xI", data)
        self.size, self._next = (width, height), self._message
        encodings = struct.pack(f">BxH{len(_ENCODINGS)}i", 2, len(_ENCODINGS), *_ENCODINGS)
        setup = b"\x00\x00\x00\x00" + _PIXEL_FORMAT + encodings
        return fragment(24 + name, False, setup + self._ask(incremental=False))

    def _ask(self, incremental: bool) -> bytes:
        return struct.pack(">BB4H", 3, incremental, 0, 0, *self.size)

    def _message(self, data: bytes) -> Part | None:
        kind = data[0]
        if kind == 0:
            self._rectangles_left = struct.unpack_from(">2xH", data)[0]
            if self._rectangles_left:
                self._next = self._rectangle
            return fragment(4, False)
        if kind == 2:
            return fragment(1, False)  # A bell.
        if kind == 3:
            return fragment(8 + struct.unpack_from(">4xI", data)[0], False)  # A clipboard.
        if kind == 150:
            # They can be had: the server says so once they have been named.
            self._continuous = True
            return fragment(1, False, struct.pack(">BB4H", 150, 1, 0, 0, *self.size))
        if kind == 248:
            return self._fence(data)
        raise ValueError(f"a message of type {kind} that nobody asked for")

    def _fence(self, data: bytes) -> Part | None:
        flags, length = struct.unpack_from(">4xIB", data)
        if len(data) < 9 + length:
            return None
        reply = struct.pack(">B3xIB", 248, flags & _FENCE_KNOWN, length) + data[9 : 9 + length]
        return fragment(9 + length, False, reply if flags & _FENCE_REQUEST else b"")

    def _rectangle(self, data: bytes) -> Part | None:
        found = Rectangle(*struct.unpack_from(">4Hi", data))
        length = self._length(found, data[12:])
        if length is None:
            return None
        self.rectangle = found
        self._rectangles_left -= 1
        if self._rectangles_left and found.encoding != _LAST:
            return fragment(12 + length, False)
        self._next = self._message
        return fragment(12 + length, True, b"" if self._continuous else self._ask(incremental=True))

    def _length(self, found: Rectangle, data: bytes) -> int | None:
        """Give how many bytes follow a rectangle's head."""
        _, _, width, height, encoding = found
        if encoding == TIGHT:
            head = tight(data, width, height)
            return None if head is None else head.start + head.length
        pixels = 4 * width * height
        mask = (width + 7) // 8 * height
        lengths = {RAW: pixels, COPY: 4, CURSOR: pixels + mask, _LAST: 0}
        if encoding not in lengths:
            raise ValueError(f"encoding {encoding}, which nobody asked for")
        return lengths[encoding]
