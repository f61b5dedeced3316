"""Conway's Game of Life on a torus, sown anew after some generations."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from webcapd.capture.geometry import Rectangle
from webcapd.capture.patterns.painter import Painter

_CELL = 8
"""Pixels."""

_GENERATIONS = 256
"""After so many it is sown anew: then any frame is painted after so many steps at most."""

# B, G, R, X of the dead and the living, as one number each.
_COLOURS = np.array([(24, 16, 10, 0), (120, 230, 140, 0)], np.uint8).view(np.uint32)[:, 0]

Cells = NDArray[np.uint8]


class Life(Painter):
    """One generation a frame."""

    fps = 10.0

    def begin(self) -> None:
        self.pixels.view(np.uint32)[:] = _COLOURS[0]
        self._shape = (-(-self.height // _CELL), -(-self.width // _CELL))
        self._cells: Cells = np.zeros(self._shape, np.uint8)

    def advance(self, before: int | None, frame: int, moment: float) -> Sequence[Rectangle]:
        sowing, generation = divmod(frame, _GENERATIONS)
        cells = self._cells
        if before is None or before // _GENERATIONS != sowing or before > frame:
            generator = np.random.default_rng([self.seed, sowing])
            cells, first = (generator.random(self._shape) < 0.25).astype(np.uint8), 0
        else:
            first = before % _GENERATIONS
        for _ in range(first, generation):
            cells = next_generation(cells)
        return self._show(cells)

    def _show(self, cells: Cells) -> list[Rectangle]:
        """Paint the cells that are not so yet; gives where these are, row by row."""
        fresh = cells != self._cells
        self._cells = cells
        columns_seen = _COLOURS[cells].repeat(_CELL, 1)[:, : self.width]
        pixels = self.pixels.view(np.uint32)[:, :, 0]
        changed = []
        for row in np.flatnonzero(fresh.any(1)).tolist():
            columns = np.flatnonzero(fresh[row])
            left, right = int(columns[0]) * _CELL, (int(columns[-1]) + 1) * _CELL
            place = Rectangle(left, row * _CELL, right - left, _CELL).within(self.area)
            part = columns_seen[row, place.x : place.right]
            pixels[place.y : place.bottom, place.x : place.right] = part
            changed.append(place)
        return changed


def next_generation(cells: Cells) -> Cells:
    """Give the next generation; 1 is alive, and the edges meet."""
    across = cells + np.roll(cells, 1, 1) + np.roll(cells, -1, 1)
    nine = across + np.roll(across, 1, 0) + np.roll(across, -1, 0)
    alive: Cells = ((nine == 3) | ((nine == 4) & (cells == 1))).astype(np.uint8)
    return alive
