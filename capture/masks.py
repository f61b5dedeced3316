"""Privacy masks: parts of the screen whose pixels nobody gets to see.

They are painted into the raw rows between grab and hash, so nothing that comes
after capture ever holds what was under them, and a change under a mask makes
no frame.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from webcapd.capture.rectangle import Rectangle
from webcapd.capture.windows import Windows


class Masks:
    """Masked rectangles of the screen, and those of windows by their titles.

    Encoder thread only.
    """

    def __init__(self, rectangles: Sequence[Rectangle], titles: Sequence[str]) -> None:
        self._rectangles = tuple(rectangles)
        self.titles = tuple(titles)
        self.areas: tuple[Rectangle, ...] = self._rectangles
        """What is masked now, in coordinates of the screen."""
        self.windows: set[int] = set()
        """Ids of the windows masked, and of their frames."""

    def find(self, windows: Windows | None) -> bool:
        """Look up the windows; tells whether anything masked moved."""
        found, self.windows = list(self._rectangles), set()
        if windows is not None:
            for title in self.titles:
                areas, ids = windows.framed_areas(title)
                found += areas
                self.windows |= ids
        before, self.areas = self.areas, tuple(found)
        return before != self.areas

    def paint(
        self, raw: NDArray[np.uint8], bytes_per_pixel: int, area: Rectangle, top: int, bottom: int
    ) -> None:
        """Blacken what is masked in rows ``top`` to ``bottom`` of the raw pixels.

        ``area`` is the part of the screen that ``raw`` shows.
        """
        rows = Rectangle(0, top, area.width, bottom - top)
        for masked in self.areas:
            hidden = masked.moved(-area.x, -area.y).within(rows)
            columns = slice(hidden.x * bytes_per_pixel, hidden.right * bytes_per_pixel)
            raw[hidden.y : hidden.bottom, columns] = 0
