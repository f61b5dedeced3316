"""Tiles as they stand in the whole frame become one JPEG of a rectangle of them.

A tile is a restart interval, coded alone, so any rectangle of neighbours makes
a picture: their intervals row by row, joined by restart markers that count from
0.  What such pictures have in common (tables, components) goes to a reader once;
it puts in the rectangle's size and the interval, which stand at known places.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from webcapd.base.jpegmarkers import DRI, FRAME_HEADERS, SOF0, SOS, JpegError, segments


class JpegHeader(NamedTuple):
    """What stands before a scan, SOI to SOS, with a restart interval."""

    data: bytes
    size_at: int
    """Where the frame's height and then its width stand, two bytes each."""
    interval_at: int
    """Where the restart interval stands, two bytes."""


class TileBlock(NamedTuple):
    """Tiles of rows ``top`` to ``bottom`` and columns ``left`` to ``right``, the last included."""

    top: int
    bottom: int
    left: int
    right: int


def shared_header(jpeg: bytes) -> JpegHeader:
    """Make from a baseline JPEG what goes before other scans; raises JpegError."""
    size_at, interval_at, scan_at = 0, 0, 0
    for marker, start, length in segments(jpeg):
        if marker in FRAME_HEADERS and marker != SOF0:
            raise JpegError("not a baseline JPEG")
        if marker == SOF0:
            # After the length (2) and the precision (1).
            size_at = start + 3
        if marker == DRI:
            interval_at = start + 2
        if marker == SOS:
            header, scan_at = jpeg[: start + length], start - 2
    if not size_at or not scan_at:
        raise JpegError("no frame or no scan in this JPEG")
    if not interval_at:
        header = header[:scan_at] + b"\xff\xdd\x00\x04\x00\x00" + header[scan_at:]
        interval_at = scan_at + 4
    return JpegHeader(header, size_at, interval_at)


def join_scan(rows: Iterable[Sequence[bytes]]) -> bytes:
    """Join the intervals of tiles, row by row, to a scan of their own."""
    tiles = [tile for row in rows for tile in row]
    parts = [b""] * (2 * len(tiles) - 1)
    parts[::2] = tiles
    parts[1::2] = [bytes((0xFF, 0xD0 | number & 7)) for number in range(len(tiles) - 1)]
    return b"".join(parts)


def tile_blocks(tiles: Iterable[tuple[int, int]]) -> list[TileBlock]:
    """Cover tiles, named by row and column, with rectangles of neighbours; each exactly once."""
    open_blocks: dict[tuple[int, int], TileBlock] = {}
    done: list[TileBlock] = []
    for row, runs in _runs(tiles):
        continued: dict[tuple[int, int], TileBlock] = {}
        for left, right in runs:
            above = open_blocks.pop((left, right), None)
            top = above.top if above and above.bottom == row - 1 else row
            if above and top == row:
                done.append(above)
            continued[left, right] = TileBlock(top, row, left, right)
        done += open_blocks.values()
        open_blocks = continued
    return sorted([*done, *open_blocks.values()])


def _runs(tiles: Iterable[tuple[int, int]]) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Give the runs of neighbours in each row that has tiles, from the top."""
    rows: dict[int, list[int]] = {}
    for row, column in sorted(set(tiles)):
        rows.setdefault(row, []).append(column)
    for row, columns in rows.items():
        begins = [c for c in columns if c - 1 not in columns]
        ends = [c for c in columns if c + 1 not in columns]
        yield row, list(zip(begins, ends, strict=True))
