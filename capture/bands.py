"""A screen cut into bands, and bands into tiles.  Pure arithmetic.

A band is a full-width strip of whole MCU rows: what is grabbed and hashed as
one.  Its 16 rows are one MCU row in 4:2:0 and two in 4:2:2 and 4:4:4, so the
same bands serve every subsampling.  Lower bands cost a screen that changes all
over up to a tenth more than bands of 64 do; one changed text line then costs a
quarter (bench/bands.py measures both).

A tile is one of a band's equal columns: what is encoded and kept as one in
4:2:0.  A video in a corner is then not encoded as wide as the screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from webcapd.base.process.late import NDArray, np
from webcapd.capture.geometry import Rectangle

BAND_ROWS = 16

# Whole MCUs of 4:2:0.
_MCU_WIDTH = 16
_MAX_COLUMNS = 6

# Up to here, calls into numpy cost more than a loop.
_FEW = 8


@dataclass(frozen=True)
class BandLayout:
    """The bands of a screen of ``height`` rows; all BAND_ROWS high but the last.

    Without a ``width``, bands are of one tile each.
    """

    height: int
    width: int = 0

    @cached_property
    def columns(self) -> int:
        """Tiles in a band: so many that all have the same number of MCUs (of 4:2:0)."""
        mcus = -(-self.width // _MCU_WIDTH)
        return max(n for n in range(1, _MAX_COLUMNS + 1) if mcus % n == 0) if mcus else 1

    @cached_property
    def every_column(self) -> int:
        """The bits of all columns."""
        return bits(0, self.columns - 1)

    @cached_property
    def tile_width(self) -> int:
        """Width of all tiles but the last of a band, which may be narrower."""
        return -(-self.width // _MCU_WIDTH) // self.columns * _MCU_WIDTH

    @property
    def count(self) -> int:
        return -(-self.height // BAND_ROWS)

    def rows(self, first: int, last: int | None = None) -> tuple[int, int]:
        """Give the half-open row range of bands ``first`` to ``last``, both included."""
        last = first if last is None else last
        return first * BAND_ROWS, min((last + 1) * BAND_ROWS, self.height)

    def spanned(self, top: int, bottom: int) -> range:
        """Give the bands of the half-open row range, which lies within the screen."""
        return range(top // BAND_ROWS, -(-bottom // BAND_ROWS))

    def covered(self, area: Rectangle) -> tuple[range, range]:
        """Give the bands and the columns that a part of the screen, not empty, reaches into."""
        if self.columns == 1:
            return self.spanned(area.y, area.bottom), range(1)
        columns = range(area.x // self.tile_width, -(-area.right // self.tile_width))
        return self.spanned(area.y, area.bottom), columns

    def touched(self, rectangles: NDArray[np.int32], width: int) -> list[int]:
        """List the bands that rectangles (rows of x, y, width, height) reach into.

        ``width`` is the screen's: what lies beside it touches nothing.
        """
        top = rectangles[:, 1].clip(0, self.height)
        bottom = (rectangles[:, 1] + rectangles[:, 3]).clip(0, self.height)
        left = rectangles[:, 0].clip(0, width)
        right = (rectangles[:, 0] + rectangles[:, 2]).clip(0, width)
        filled = (bottom > top) & (right > left)
        # One step up where a rectangle begins, one down after it ends: the
        # running sum then counts the rectangles over each band.
        steps = np.zeros(self.count + 1, np.int32)
        np.add.at(steps, top[filled] // BAND_ROWS, 1)
        np.add.at(steps, (bottom[filled] - 1) // BAND_ROWS + 1, -1)
        touched: list[int] = np.flatnonzero(np.cumsum(steps)).tolist()
        return touched

    def touched_tiles(
        self, rectangles: Sequence[tuple[int, int, int, int]], origin: tuple[int, int] = (0, 0)
    ) -> dict[int, int]:
        """List the tiles that rectangles reach into: by band, a bit for each column.

        Rectangles are x, y, width, height, of something in which the screen begins at
        ``origin``.  Of many only the bands are given, with all their columns.
        """
        if len(rectangles) > _FEW:
            many = np.array(rectangles, np.int32) - np.array((*origin, 0, 0), np.int32)
            return dict.fromkeys(self.touched(many, self.width), self.every_column)
        touched: dict[int, int] = {}
        for x, y, width, height in rectangles:
            top, bottom = max(0, y - origin[1]), min(self.height, y - origin[1] + height)
            left, right = max(0, x - origin[0]), min(self.width, x - origin[0] + width)
            if bottom > top and right > left:
                columns = bits(left // self.tile_width, (right - 1) // self.tile_width)
                bands = self.spanned(top, bottom)
                if not touched:
                    # Mostly there is one rectangle; a loop would take several times as long.
                    touched = dict.fromkeys(bands, columns)
                    continue
                for band in bands:
                    touched[band] = touched.get(band, 0) | columns
        return touched


def bits(first: int, last: int) -> int:
    """Set the bits ``first`` to ``last``."""
    return (2 << last) - (1 << first)


def runs(bands: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Join ascending band numbers into (first, last) runs of neighbours."""
    if bands and bands[-1] - bands[0] + 1 == len(bands):
        # What moves is mostly one.
        yield bands[0], bands[-1]
        return
    first = None
    for position, band in enumerate(bands):
        if first is None:
            first = band
        if position + 1 == len(bands) or bands[position + 1] != band + 1:
            yield first, band
            first = None
