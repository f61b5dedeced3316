"""What one reader has that is sent slices: of each tile, as of which state."""

from __future__ import annotations

from webcapd.base.process.late import NDArray, np
from webcapd.encoder.updates.state.grid import Mask


class Lag:
    """Of each tile, the number of the state that a reader has it of.  Never changed."""

    def __init__(self, numbers: NDArray[np.int64], begins: int) -> None:
        """``begins`` is the first number of the picture's size."""
        self.numbers, self.begins = numbers, begins

    def lacking(self, newest: NDArray[np.int64]) -> Mask:
        """Give the tiles that changed since, by the number of each one's last change."""
        return newest > self.numbers

    def given(self, tiles: Mask, number: int) -> Lag:
        """Give what the reader has once it got some tiles as of a number."""
        return Lag(np.where(tiles, number, self.numbers), self.begins)

    def oldest_first(self, tiles: Mask) -> NDArray[np.int64]:
        """Order tiles, as places in the flattened grid: the oldest first, else row by row."""
        places = np.flatnonzero(tiles)
        return places[np.argsort(self.numbers.ravel()[places], kind="stable")]
