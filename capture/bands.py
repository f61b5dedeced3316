"""A screen cut into bands: full-width strips of whole MCU rows.  Pure arithmetic.

A band is what is hashed, encoded and kept as one.  Its 16 rows are one MCU row
in 4:2:0 and two in 4:2:2 and 4:4:4, so the same bands serve every subsampling.
Lower bands cost a screen that changes all over up to a tenth more than bands of
64 do; one changed text line then costs a quarter (bench/bands.py measures both).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BAND_ROWS = 16

# Up to here, calls into numpy cost more than a loop.
_FEW = 8


@dataclass(frozen=True)
class BandLayout:
    """The bands of a screen of ``height`` rows; all BAND_ROWS high but the last."""

    height: int

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

    def touched(self, rectangles: NDArray[np.int32], width: int) -> list[int]:
        """List the bands that rectangles (rows of x, y, width, height) reach into.

        ``width`` is the screen's: what lies beside it touches nothing.
        """
        if len(rectangles) <= _FEW:
            return self._touched_by_few(rectangles.tolist(), width)
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

    def _touched_by_few(self, rectangles: list[list[int]], width: int) -> list[int]:
        """List the same, one rectangle after the other: quicker for a handful."""
        touched: set[int] = set()
        for x, y, wide, high in rectangles:
            top, bottom = max(0, y), min(self.height, y + high)
            if bottom > top and min(width, x + wide) > max(0, x):
                touched.update(self.spanned(top, bottom))
        return sorted(touched)


def runs(bands: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Join ascending band numbers into (first, last) runs of neighbours."""
    first = None
    for position, band in enumerate(bands):
        if first is None:
            first = band
        if position + 1 == len(bands) or bands[position + 1] != band + 1:
            yield first, band
            first = None
