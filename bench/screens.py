"""What a client of each wire would show: the number in the barcode, as it comes."""

import struct
import sys
import zlib
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

import barcode
from rfb import COPY, RAW, TIGHT, Rectangle, Rfb, Tight, tight
from running import ROOT
from wires import Part, Updates, Wire

sys.path.append(str(ROOT / "tests"))

from updatereader import UpdateReader
from updatevideo import VideoReader


class Screen(Protocol):
    """A screen with a barcode."""

    def take(self, data: bytes, part: Part) -> int | None:
        """Take a part, head and body; gives the number if one can be read from now on."""

    @property
    def picture(self) -> NDArray[np.uint8]:
        """What it shows: (height, width, 3) bytes R, G, B; valid until the next part."""


def rgb_of(jpeg: bytes) -> NDArray[np.uint8]:
    """Decode a JPEG."""
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None, "what was sent is a JPEG"
    return np.asarray(decoded[..., ::-1], np.uint8)


class JpegScreen:
    """JPEGs, each with all of the barcode or nothing of it."""

    def __init__(self, top: int) -> None:
        self._top = top
        self._parts: dict[int, bytes] = {}
        """The newest JPEGs, by the rows at which they begin."""

    def take(self, data: bytes, part: Part) -> int | None:
        if not part.body:
            return None
        self._parts[part.top] = data[part.head :]
        if part.top > self._top:
            return None
        return barcode.read(data[part.head :], self._top - part.top)

    @property
    def picture(self) -> NDArray[np.uint8]:
        stripes = [rgb_of(self._parts[top]) for top in sorted(self._parts)]
        return np.concatenate(stripes) if stripes else np.zeros((0, 0, 3), np.uint8)


class UpdateScreen:
    """The picture of a strict reader of update streams, at each mark."""

    def __init__(self, wire: Updates, top: int) -> None:
        self._top = top
        self.reader = VideoReader() if wire.has_video else UpdateReader()

    @property
    def picture(self) -> NDArray[np.uint8]:
        return self.reader.picture

    def take(self, data: bytes, part: Part) -> int | None:
        self.reader.feed(data)
        if not part.body:
            return None
        return barcode.read_pixels(self.reader.picture[..., 1], self._top)


class RfbScreen:
    """The picture of a VNC viewer, at the end of each update."""

    def __init__(self, wire: Rfb, top: int) -> None:
        self._wire, self._top = wire, top
        self._streams = [zlib.decompressobj() for _ in range(4)]
        self.picture: NDArray[np.uint8] = np.zeros((0, 0, 3), np.uint8)

    def take(self, data: bytes, part: Part) -> int | None:
        if self._wire.rectangle is not None:
            if not self.picture.size:
                self.picture = np.zeros((*self._wire.size[::-1], 3), np.uint8)
            self._draw(self._wire.rectangle, data[12:])
        return barcode.read_pixels(self.picture[..., 1], self._top) if part.body else None

    def _draw(self, rectangle: Rectangle, data: bytes) -> None:
        x, y, width, height, encoding = rectangle
        area = self.picture[y : y + height, x : x + width]
        if encoding == COPY:
            left, top = struct.unpack(">HH", data)
            area[:] = self.picture[top : top + height, left : left + width].copy()
        elif encoding == RAW:
            area[:] = np.frombuffer(data, np.uint8).reshape(height, width, 4)[..., :3]
        elif encoding == TIGHT:
            head = tight(data, width, height)
            assert head is not None, "the wire has measured it"
            area[:] = self._tight(head, data[head.start :], width, height)

    def _tight(self, head: Tight, data: bytes, width: int, height: int) -> NDArray[Any]:
        """Decode a rectangle in Tight."""
        for number in range(4):
            if head.control >> number & 1:
                self._streams[number] = zlib.decompressobj()
        if head.kind == "fill":
            return np.frombuffer(data, np.uint8)
        if head.kind == "jpeg":
            return rgb_of(data)
        if head.deflated:
            # A stream goes on from rectangle to rectangle: all data are flushed, none ends.
            data = self._streams[head.control >> 4 & 3].decompress(data)
        plain = np.frombuffer(data, np.uint8)
        if not head.colours:
            return plain.reshape(height, width, 3)
        colours = np.frombuffer(head.colours, np.uint8).reshape(-1, 3)
        rows = plain.reshape(height, -1)
        return colours[np.unpackbits(rows, axis=1)[:, :width] if len(colours) == 2 else rows]


def screen(wire: Wire, top: int) -> Screen:
    """Make the screen of a connection, with a barcode at a row."""
    if isinstance(wire, Rfb):
        return RfbScreen(wire, top)
    return UpdateScreen(wire, top) if isinstance(wire, Updates) else JpegScreen(top)
