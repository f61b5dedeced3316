"""A picture in tiles: what is numbered, coded as JPEG and kept as one.  Pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from operator import ne
from typing import TypeAlias, TypeVar

from webcapd.base.process.late import NDArray, np
from webcapd.capture.bands import BAND_ROWS, BandLayout, runs
from webcapd.capture.geometry import Rectangle
from webcapd.capture.picture import BandKey
from webcapd.encoder.jpeg.bitstream import restart_interval
from webcapd.encoder.jpeg.shared import TileRun
from webcapd.encoder.jpeg.tiles import JpegParams
from webcapd.encoder.updates.jpegpack import TileBlock, tile_blocks

_T = TypeVar("_T", bound="np.generic")

# So many masks are kept with what covers them.
_MASKS = 8

Mask: TypeAlias = "NDArray[np.bool_]"
"""(rows, columns) of a grid: which tiles."""


class TileGrid:
    """The tiles of a picture: the bands' columns, or whole bands where those cannot be cut."""

    def __init__(self, width: int, height: int, subsampling: str) -> None:
        """``subsampling`` is 444, 422, 420 or gray."""
        self.width, self.height = width, height
        self._subsampling = subsampling
        # Only in 4:2:0 is a band one row of MCUs, so that a tile is one interval.
        self.layout = BandLayout(height, width if subsampling == "420" else 0)
        self.rows, self.columns = self.layout.count, self.layout.columns
        self.tile_width = self.layout.tile_width or width
        # What moves does so at the same tiles, update after update.
        self._blocks_of = lru_cache(_MASKS)(self._blocks)
        self._strips_of = lru_cache(_MASKS)(self._strips)

    @cached_property
    def interval(self) -> int:
        """MCUs in a tile."""
        return restart_interval(self.width, BAND_ROWS, self._subsampling, self.columns)

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.columns

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    def params(self, quality: int) -> JpegParams:
        """Give how tiles of a quality are coded."""
        return JpegParams(self.width, quality, self._subsampling, self.columns, self.tile_width)

    def none(self) -> Mask:
        return np.zeros(self.shape, bool)

    def all_of(self, number: int) -> NDArray[np.int64]:
        """Give a number for each tile, the same for all."""
        return np.full(self.shape, number, np.int64)

    def rect(self, block: TileBlock) -> Rectangle:
        x, y = block.left * self.tile_width, block.top * BAND_ROWS
        right = min((block.right + 1) * self.tile_width, self.width)
        return Rectangle(x, y, right - x, min((block.bottom + 1) * BAND_ROWS, self.height) - y)

    def rects(self, mask: Mask) -> list[Rectangle]:
        """Cover tiles with rectangles, each tile once."""
        return [self.rect(block) for block in self.blocks(mask)]

    def blocks(self, mask: Mask) -> Sequence[TileBlock]:
        """Cover tiles with blocks of neighbours, each tile once."""
        return self._blocks_of(mask.tobytes())

    def _blocks(self, mask: bytes) -> Sequence[TileBlock]:
        tiles = self._mask(mask)
        if tiles.all():
            # Screens that move all over are to cost little.
            return [TileBlock(0, self.rows - 1, 0, self.columns - 1)]
        rows, columns = np.nonzero(tiles)
        return tile_blocks(zip(rows.tolist(), columns.tolist(), strict=True))

    def strips(self, mask: Mask) -> Sequence[TileRun]:
        """Give the runs of neighbouring tiles in each row."""
        return self._strips_of(mask.tobytes())

    def _strips(self, mask: bytes) -> Sequence[TileRun]:
        tiles = self._mask(mask)
        return [
            TileRun(row, first, last)
            for row in np.flatnonzero(tiles.any(1)).tolist()
            for first, last in runs(np.flatnonzero(tiles[row]).tolist())
        ]

    def _mask(self, mask: bytes) -> Mask:
        return np.frombuffer(mask, bool).reshape(self.shape)

    def area(self, mask: Mask) -> int:
        """Give about how many pixels tiles have."""
        return int(mask.sum()) * self.tile_width * BAND_ROWS

    def touched(self, rects: Iterable[Rectangle]) -> Mask:
        """Give the tiles that rectangles reach into."""
        mask = self.none()
        for rect in rects:
            mask[self._span(rect)] = True
        return mask

    def covered(self, rect: Rectangle) -> Mask:
        """Give the tiles that lie within a rectangle."""
        mask = self.none()
        left, top = -(-rect.x // self.tile_width), -(-rect.y // BAND_ROWS)
        # The last ones may be smaller.
        right = self.columns if rect.right >= self.width else rect.right // self.tile_width
        bottom = self.rows if rect.bottom >= self.height else rect.bottom // BAND_ROWS
        mask[top:bottom, left:right] = True
        return mask

    def under(self, values: NDArray[_T], rect: Rectangle) -> NDArray[_T]:
        """Give what is noted of the tiles that a rectangle reaches into."""
        return values[self._span(rect)]

    def _span(self, rect: Rectangle) -> tuple[slice, slice]:
        """Give the rows and columns that a rectangle reaches into."""
        return (
            slice(rect.y // BAND_ROWS, -(-rect.bottom // BAND_ROWS)),
            slice(rect.x // self.tile_width, -(-rect.right // self.tile_width)),
        )

    def differing(self, keys: Sequence[BandKey], seen: Sequence[BandKey]) -> Mask:
        """Give the tiles whose keys are others now; by bands where a key is not of its tiles."""
        mask, columns = self.none(), self.columns
        for row, (key, before) in enumerate(zip(keys, seen, strict=True)):
            if key is before or key == before:
                continue
            is_of_tiles = len(key) == len(before) == columns
            mask[row] = list(map(ne, key, before)) if is_of_tiles else True
        return mask
