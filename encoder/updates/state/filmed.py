"""Which part of a picture a video shows: its pixels go by that, and not as tiles."""

from __future__ import annotations

from collections.abc import Sequence

from webcapd.base.process.late import np
from webcapd.capture.bands import BAND_ROWS, runs
from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates.state.grid import Mask, TileGrid

_NOWHERE = Rectangle(0, 0, 0, 0)


class Filmed:
    """The rectangle of a video, as tiles.  Encoder thread only."""

    def __init__(self, grid: TileGrid) -> None:
        self._grid = grid
        self.rect = _NOWHERE
        """Empty while there is no video."""
        self.covered = grid.none()
        """Tiles that lie within it."""
        self.touched = grid.none()
        """Those, and tiles that reach into it."""
        self.is_cut = False
        """Whether a video begins or ends in the update that is being made."""
        self.news = grid.none()
        """Tiles of which the newest update shows another part by the video."""
        self._waiting = grid.none()
        """Tiles that looked different in an update that was of something small beside."""
        self._left = grid.none()
        """Such tiles, of the video before: it has ended without showing them."""

    def cut(self, rect: Rectangle | None) -> None:
        """Have a rectangle, or none, shown by a video from the update on that comes now."""
        rect = rect or _NOWHERE
        self.rect, self.is_cut = rect, True
        self._left |= self._waiting
        self.covered = self._grid.covered(rect) if rect else self._grid.none()
        self.touched = self._grid.touched([rect] if rect else [])
        self._waiting = self.touched.copy()

    @property
    def is_waiting(self) -> bool:
        """Whether there are pixels that the video has not shown yet."""
        return bool(self._waiting.any())

    def take_left(self) -> Mask:
        """Give the tiles that look different, but were not shown as the video ended."""
        left, self._left = self._left, self._grid.none()
        return left

    def take(self, mask: Mask, is_all: bool) -> Mask:
        """Give which tiles of an update are the video's, at least in part; none of a small one.

        What a small change has brought of them is taken with all else.
        """
        news = (mask & self.touched) | self._waiting
        self._waiting = self._grid.none() if is_all else news
        self.news = news if is_all else self._grid.none()
        return self.news

    def beside(self, rects: Sequence[Rectangle]) -> Sequence[Rectangle]:
        """Give what of some rectangles the video does not show."""
        if not self.rect:
            return rects
        return [part for rect in rects for part in rect.without(self.rect)]

    def parts(self, tiles: Mask) -> list[Rectangle]:
        """Give what of some tiles the video shows."""
        parts = (rect.within(self.rect) for rect in self._grid.rects(tiles))
        return [part for part in parts if part]

    def rows(self) -> list[tuple[int, int]]:
        """Give the rows of the video, from row to row, that the newest update changed."""
        bands = runs(np.flatnonzero(self.news.any(1)).tolist())
        ends = (
            (first * BAND_ROWS - self.rect.y, (last + 1) * BAND_ROWS - self.rect.y)
            for first, last in bands
        )
        return [(max(0, top), min(bottom, self.rect.height)) for top, bottom in ends]
