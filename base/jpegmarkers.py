"""The marker segments of a JPEG: the one walk over them, and what they tell.  Pure.

    SOI  (marker  length  contents)…  SOS  length  contents  entropy-coded bytes  EOI

A length counts itself, two bytes, and its contents; within entropy-coded bytes FF is followed by
00 or by a restart marker (ITU-T T.81, B.1.1).  Marker codes: T.81, table B.1.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

SOI, EOI, SOS, SOF0, DHT, DQT, DRI = 0xD8, 0xD9, 0xDA, 0xC0, 0xC4, 0xDB, 0xDD
# SOF0 to SOF15, of which C4, C8 and CC are other things.
FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

# What tells of the picture and is no part of it: APP0 to APP15, COM.
_METADATA = frozenset((*range(0xE0, 0xF0), 0xFE))
_APP14 = 0xEE

# Pictures have some ten segments, and one for each 64 KiB of metadata.
_MAX_SEGMENTS = 1000
# FF may be repeated before a marker (T.81, B.1.1.2); who does it does so to align something.
_MAX_FILL = 64

# The first FF behind the start of a scan that is neither stuffed nor a restart.  As it
# begins with a plain byte, all others are passed over at the speed of memory.
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7]")
_EOI = re.compile(rb"\xff+\xd9")

Buffer = bytes | bytearray | memoryview


class JpegError(ValueError):
    """The bytes are no JPEG, or not one of the kind that is wanted; one sentence."""


class Segment(NamedTuple):
    """A marker segment."""

    marker: int
    """The marker's second byte."""
    start: int
    """Where its length stands, behind the marker."""
    length: int
    """Bytes from ``start`` to the segment's end."""

    @property
    def end(self) -> int:
        return self.start + self.length


def segments(jpeg: Buffer) -> Iterator[Segment]:
    """Walk the marker segments, SOS being the last; raises JpegError, also if there is none."""
    if bytes(jpeg[:2]) != bytes((0xFF, SOI)):
        raise JpegError("this is no JPEG: it does not begin with FF D8")
    position, size = 2, len(jpeg)
    for _ in range(_MAX_SEGMENTS):
        if jpeg[position : position + 2] == b"\xff\xff":
            position = _behind_fill(jpeg, position)
        if position + 4 > size:
            raise JpegError("the JPEG ends before its picture begins")
        code, marker, length = struct.unpack_from(">BBH", jpeg, position)
        if code != 0xFF or marker == 0 or length < 2:
            raise JpegError(f"no JPEG marker at byte {position}")
        if position + 2 + length > size:
            raise JpegError("the JPEG ends before its picture begins")
        yield Segment(marker, position + 2, length)
        if marker == SOS:
            return
        position += 2 + length
    raise JpegError("the JPEG has too many segments before its picture")


def _behind_fill(jpeg: Buffer, first: int) -> int:
    """Give where the last FF of a row stands; raises JpegError if it is too long."""
    for position in range(first + 1, min(first + _MAX_FILL, len(jpeg) - 1)):
        if jpeg[position + 1] != 0xFF:
            return position
    raise JpegError(f"no JPEG marker at byte {first}")


@dataclass(frozen=True)
class JpegShape:
    """What a JPEG tells of itself before its first scan."""

    width: int
    height: int
    frame_header: int
    """The marker of its frame header: SOF0 for baseline."""
    precision: int
    """Bits a sample."""
    components: bytes
    """The identifier of each."""
    adobe_transform: int | None
    """What Adobe's APP14 says of the colours: 0 for none, 1 for YCbCr; None without one."""
    has_tables: bool
    """Whether it has both kinds of tables; Motion JPEG may leave those of Huffman out."""
    scan_at: int
    """Where the entropy-coded bytes of the first scan begin."""

    @property
    def is_plain(self) -> bool:
        """Whether every decoder takes it, and shows the same without its metadata.

        Baseline, 8 bits, gray or YCbCr.  Without JFIF's APP0 and Adobe's APP14, decoders go by
        the components' names.
        """
        colours = self.components != b"RGB" and self.adobe_transform in (None, 1)
        return (
            self.frame_header == SOF0
            and self.precision == 8
            and self.has_tables
            and (len(self.components) == 1 or (len(self.components) == 3 and colours))
        )


def read_shape(jpeg: Buffer) -> JpegShape:
    """Read what stands before the first scan; raises JpegError."""
    frame: Segment | None = None
    adobe, tables, scan_at = None, set(), 0
    for segment in segments(jpeg):
        if segment.marker in FRAME_HEADERS:
            if frame is not None:
                raise JpegError("the JPEG has two sizes")
            frame = segment
        elif segment.marker in (DHT, DQT):
            tables.add(segment.marker)
        elif segment.marker == _APP14 and segment.length >= 14:
            named = bytes(jpeg[segment.start + 2 : segment.start + 7])
            adobe = jpeg[segment.start + 13] if named == b"Adobe" else adobe
        scan_at = segment.end
    if frame is None or frame.length < 8 or frame.length < 8 + 3 * jpeg[frame.start + 7]:
        raise JpegError("the JPEG does not tell its size")
    precision, height, width, count = struct.unpack_from(">BHHB", jpeg, frame.start + 2)
    if not (width and height):
        raise JpegError(f"the JPEG tells a size of {width}x{height}")
    first = frame.start + 8
    names = bytes(jpeg[first : first + 3 * count : 3])
    return JpegShape(
        width, height, frame.marker, precision, names, adobe, len(tables) == 2, scan_at
    )


def plain_jpeg(jpeg: bytes, shape: JpegShape) -> bytes | None:
    """Give a picture as it can be passed on, without its metadata; None if it cannot.

    It is plain, has one scan, and one SOI and EOI, which some look for without reading the rest.
    """
    if not shape.is_plain:
        return None
    end = _SCAN_END.search(jpeg, shape.scan_at)
    # FF may be repeated before it.
    if end is None or not _EOI.match(jpeg, end.start()):
        return None
    kept = [
        b"\xff%c%b" % (segment.marker, jpeg[segment.start : segment.end])
        for segment in segments(jpeg)
        if segment.marker not in _METADATA
    ]
    head = b"\xff\xd8" + b"".join(kept)
    seam = head + jpeg[shape.scan_at : shape.scan_at + 1]
    if seam.count(b"\xff\xd8") > 1 or b"\xff\xd9" in seam:
        return None
    return b"".join((head, jpeg[shape.scan_at : end.start()], b"\xff\xd9"))
