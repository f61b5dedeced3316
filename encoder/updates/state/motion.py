"""Which tiles of a picture move: they are coded as they come, and looked at only now and then."""

from __future__ import annotations

import time

from webcapd.base.process.late import NDArray, np
from webcapd.encoder.updates.difference import Difference
from webcapd.encoder.updates.narrow import blocks
from webcapd.encoder.updates.state.grid import Mask, TileGrid

# Tiles that went as JPEG so many updates in a row move.  So do tiles that were sent as a whole
# otherwise, if they are so many pixels together: less is the line that scrolls in.
_STREAK = 4
_MOTION_AREA = 80_000

# After so many updates what moves is looked at again; each time that this was in vain
# twice as many, up to the second: a look costs as much as three updates of a video.
_FIRST_WAIT, _LONGEST_WAIT = 16, 64

# What has not changed for so long has come to rest.
_REST_SECONDS = 0.5


def sent_exactly(grid: TileGrid, found: Difference) -> Mask:
    """Give the tiles of which all was sent so."""
    tiles = grid.none()
    for rect in blocks([rect for rect, _ in found.exact]):
        tiles |= grid.covered(rect)
    return tiles


class Motion:
    """Counts how often in a row tiles were new as a whole.  Encoder thread only.

    Tiles that move are neither compared nor searched, nor even kept, but before a look.
    """

    def __init__(self, grid: TileGrid) -> None:
        self._grid = grid
        self._streaks: NDArray[np.uint8] = np.zeros(grid.shape, np.uint8)
        """Of each tile, how many times in a row it was new as a whole."""
        self.stale = grid.none()
        """Of each tile, whether an older one is kept: it moves, and its JPEG data are kept."""
        self._wait = self._left = _FIRST_WAIT
        """Updates between looks, and to the next."""
        self._looked = grid.none()
        """What the update is a look at."""

    @property
    def is_kept(self) -> bool:
        """Whether what moves is to be kept this time, as the next update is a look at it."""
        return self._left == 0

    def among(self, mask: Mask, since: NDArray[np.float64], is_all: bool = True) -> Mask:
        """Give the tiles of a mask that go as JPEG unseen.

        ``since`` says of each tile when it changed last.  An update that is not of all that is
        new is no look at what moves, and none before one.
        """
        self._streaks[since < time.monotonic() - _REST_SECONDS] = 0
        moves = self._streaks >= _STREAK
        if not moves.any():
            self._wait = self._left = _FIRST_WAIT
        moves &= mask
        self._looked = moves & ~self.stale & (is_all and self._left == 0)
        if is_all:
            self._left = self._left - 1 if self._left else self._wait
        moving: Mask = moves & ~self._looked | self.stale & mask
        return moving

    def note(self, changed: Mask, lossy: Mask, found: Difference) -> None:
        """Note what an update changed, and what of that is JPEG."""
        renewed = lossy | sent_exactly(self._grid, found)
        if self._grid.area(renewed) < _MOTION_AREA:
            renewed = lossy
        if found.copies:
            # What is copied needs what is kept, and it is a fraction of the bytes.
            renewed = self._grid.none()
        self._streaks[changed & ~renewed] = 0
        self._streaks[renewed] = np.minimum(self._streaks[renewed] + 1, _STREAK)
        if self._looked.any():
            in_vain = 2 * (self._looked & renewed).sum() > self._looked.sum()
            self._wait = min(2 * self._wait, _LONGEST_WAIT) if in_vain else _FIRST_WAIT
            self._left = min(self._left, self._wait)

    def forget(self, tiles: Mask) -> None:
        """Take tiles for ones that rest, and that are kept as they are."""
        self._streaks[tiles] = 0
        self.stale &= ~tiles
