"""Watches what moves, until it is known which rectangle that is."""

from __future__ import annotations

from collections import deque

from webcapd.base.process.late import np
from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates.pixels import Pixels, changed
from webcapd.encoder.updates.state.grid import Mask, TileGrid
from webcapd.encoder.updates.video.choice import (
    HOLD_SECONDS,
    LOOKS,
    Seen,
    moving_block,
    moving_rectangle,
)

_KEPT = 64

# While a video lasts, it is looked so often whether it is still the right one.
_LOOK_SECONDS = 0.25


class Watch:
    """Looks for the rectangle that moves.  Encoder thread only.  The caller brings the time."""

    def __init__(self, grid: TileGrid) -> None:
        self.grid = grid
        self._history: deque[Seen] = deque(maxlen=_KEPT)
        self._place = Rectangle(0, 0, 0, 0)
        """What is compared, from update to update; empty if nothing is."""
        self._before: Pixels = np.zeros((0, 0, 4), np.uint8)
        self._counts = np.zeros((0, 0), np.uint8)
        self._looks = 0
        self._not_before = self._looked_at = 0.0
        self.moved_at = 0.0
        """When it was last seen that a block goes on moving, half of a video at least."""

    def note(
        self, tiles: Mask, pixels: Pixels, now: float, current: Rectangle | None
    ) -> Rectangle | None:
        """Note which tiles of a picture moved; gives a rectangle when one has been found.

        ``current`` is the video that lasts: what moves just there is no news.
        """
        self._history.append(Seen(now, tiles))
        if current is None and not tiles.any():
            # Whoever types pays nothing.
            return None
        if current and not self._place and now - self._looked_at < _LOOK_SECONDS:
            return None
        self._looked_at = now
        block = moving_block(self._history, now)
        if block is None:
            self._look_at(Rectangle(0, 0, 0, 0), pixels)
            return None
        place = self.grid.rect(block)
        fills, sticks_out = self._compared(current, place) if current else (True, True)
        if fills:
            self.moved_at = now
        if now < self._not_before or (fills and not sticks_out):
            self._look_at(Rectangle(0, 0, 0, 0), pixels)
            return None
        if self._place and place.around(self._place) == self._place:
            self._count(tiles, pixels)
        else:
            # From the edges it is not told at once whether they move.
            self._look_at(place.around(self._place) if self._place else place, pixels)
        return self._found(now) if self._looks >= LOOKS else None

    def _compared(self, current: Rectangle, place: Rectangle) -> tuple[bool, bool]:
        """Tell whether what moves is half of the video at least, and whether it is more, too."""
        touched, moving = self.grid.touched([current]), self.grid.touched([place])
        fills = 2 * int((moving & touched).sum()) >= int(touched.sum())
        return fills, bool((moving & ~touched).any())

    def _look_at(self, place: Rectangle, pixels: Pixels) -> None:
        """Begin to compare what is there, or end that."""
        self._place, self._looks = place, 0
        self._before = place.of(pixels).copy()
        self._counts = np.zeros((place.height, place.width), np.uint8)

    def _count(self, tiles: Mask, pixels: Pixels) -> None:
        if not self.grid.under(tiles, self._place).any():
            # The update was one of something else.
            return
        seen = self._place.of(pixels)
        self._counts += changed(self._before, seen)
        self._before[:] = seen
        self._looks += 1

    def _found(self, now: float) -> Rectangle | None:
        rect = moving_rectangle(self._counts, self._looks)
        place = self._place
        self._look_at(Rectangle(0, 0, 0, 0), self._before)
        # What has been decided on is not looked at again at once.
        self._not_before = now + HOLD_SECONDS
        return rect and rect.moved(place.x, place.y)
