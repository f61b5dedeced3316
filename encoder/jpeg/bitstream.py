"""A JPEG whose parts are kept: split and splice.  Pure functions over bytes.

Rule: every restart interval of a baseline JPEG starts anew (DC prediction 0,
byte boundary), so its entropy-coded bytes depend on its own pixels and the
tables alone (ITU-T T.81, E.1.4).  Therefore a band of whole MCU rows that is
encoded as a picture of its own yields the very bytes that the same rows have
as one interval of the full frame, as long as all bands share their tables:
one quality, one subsampling, standard Huffman tables.

    band    SOI  tables  SOF(band height)           SOS  entropy        EOI
    frame   SOI  tables  SOF(full height)  DRI(Ri)  SOS  entropy RST0
                                                         entropy RST1 … EOI

Marker codes: T.81 table B.1.
"""

import functools
import re
import struct
from collections.abc import Sequence

from webcapd.base.jpegmarkers import SOF0, SOS, JpegError, segments

EOI = b"\xff\xd9"
_RST = re.compile(rb"\xff[\xd0-\xd7]")

_RST_MARKERS = tuple(bytes((0xFF, 0xD0 | number)) for number in range(8))

Buffer = bytes | memoryview

_MCU_SIZES = {"444": (8, 8), "422": (16, 8), "420": (16, 16), "gray": (8, 8)}


def mcu_size(subsampling: str) -> tuple[int, int]:
    """Width and height in pixels of one MCU."""
    return _MCU_SIZES[subsampling]


def restart_interval(width: int, rows: int, subsampling: str, columns: int = 1) -> int:
    """MCUs in one of ``columns`` equal parts of a band; raises JpegError beyond 65535.

    The number of MCUs across must be a multiple of ``columns``; more than one
    makes sense only where a band is one row of MCUs.
    """
    mcu_width, mcu_height = mcu_size(subsampling)
    interval = -(-width // mcu_width) // columns * -(-rows // mcu_height)
    if interval > 0xFFFF:
        raise JpegError(f"a band of {interval} MCUs does not fit a restart interval")
    return interval


def restart_marker(interval: int) -> bytes:
    """Give the marker that ends interval number ``interval`` (from 0)."""
    return _RST_MARKERS[interval & 7]


def header_of(jpeg: Buffer) -> bytes:
    """Give what stands before the entropy-coded bytes, SOS included; raises JpegError."""
    return bytes(memoryview(jpeg)[: _scan_start(jpeg)])


def entropy_coded(jpeg: Buffer) -> memoryview:
    """Give what stands between SOS and EOI, restart markers included; raises JpegError."""
    view = memoryview(jpeg)
    start = _scan_start(jpeg)
    if view[-len(EOI) :] != EOI or start > len(view) - len(EOI):
        raise JpegError("no complete scan")
    return view[start : -len(EOI)]


def intervals(scan: Buffer) -> list[bytes]:
    """Cut entropy-coded bytes at the restart markers.

    A byte FF of the code itself is always followed by 00 (T.81, B.1.1.5).
    """
    return _RST.split(scan)


def tiles_of(jpeg: Buffer, columns: int) -> list[list[bytes]]:
    """Cut a JPEG into the entropy-coded bytes of its tiles, band by band; raises JpegError.

    A band is ``columns`` intervals.
    """
    tiles = intervals(entropy_coded(jpeg))
    return [tiles[first : first + columns] for first in range(0, len(tiles), columns)]


def frame_header(band_header: bytes, height: int) -> bytes:
    """Turn a band's header into that of a frame of ``height`` rows; raises JpegError."""
    header = bytearray(band_header)
    for marker, start, length in segments(band_header):
        if marker == SOF0 and length >= 8:
            # length (2), precision (1), then the number of lines (2).
            struct.pack_into(">H", header, start + 3, height)
            return bytes(header)
    raise JpegError("no baseline frame header")


def splice(header: bytes, segments: Sequence[bytes], columns: int = 1) -> bytes:
    """Join a frame header and the entropy-coded bytes of all bands to a JPEG.

    A band of several ``columns`` is so many intervals, joined by join_tiles().
    """
    parts = [header] * (2 * len(segments) + 1)
    parts[1::2] = segments
    parts[2::2] = _band_ends(len(segments), columns)
    return b"".join(parts)


@functools.lru_cache(maxsize=64)
def _band_ends(bands: int, columns: int) -> tuple[bytes, ...]:
    """Give what follows each of some bands: a marker, and EOI."""
    markers = (restart_marker(band * columns - 1) for band in range(1, bands))
    return (*markers, EOI)


def join_tiles(band: int, tiles: Sequence[bytes]) -> bytes:
    """Join the intervals of band number ``band``, with the markers they have there."""
    parts = [b""] * (2 * len(tiles) - 1)
    parts[::2] = tiles
    parts[1::2] = _markers(band * len(tiles) & 7, len(tiles) - 1)
    return b"".join(parts)


def join_scans(jpegs: Sequence[Buffer], height: int) -> bytes:
    """Join JPEGs that lie below each other to one of ``height`` rows; raises JpegError.

    All but the last are of a multiple of 8 intervals, so that their restart markers go on.
    """
    parts: list[Buffer] = [frame_header(header_of(jpegs[0]), height)]
    for jpeg in jpegs:
        parts += entropy_coded(jpeg), _RST_MARKERS[-1]
    parts[-1] = EOI
    return b"".join(parts)


@functools.cache
def _markers(first: int, count: int) -> tuple[bytes, ...]:
    """Give the markers that end ``count`` intervals from number ``first`` on."""
    return tuple(restart_marker(number) for number in range(first, first + count))


def _scan_start(jpeg: Buffer) -> int:
    """Give where the entropy-coded bytes begin; raises JpegError."""
    for marker, start, length in segments(jpeg):
        if marker == SOS:
            return start + length
    raise JpegError("no SOS")
