"""Privacy masks: parts of the screen whose pixels nobody gets to see.

They are painted into the raw rows between grab and hash, so nothing that comes
after capture ever holds what was under them, and a change under a mask makes
no frame.
"""

import itertools
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from webcapd.capture.geometry import Rectangle
from webcapd.capture.x11.windows.titles import Wanted
from webcapd.capture.x11.windows.trail import Trail
from webcapd.capture.x11.windows.tree import WindowTree


class Masks:
    """Masked rectangles of the screen, and the places of windows that are masked.

    Outlives the connections to a display, as what a window left behind does.
    Encoder thread only.
    """

    def __init__(
        self, rectangles: Sequence[Rectangle], windows: Sequence[str], linger: float
    ) -> None:
        """Mask rectangles, and windows while they are there and ``linger`` seconds longer."""
        self._rectangles = tuple(rectangles)
        self.wanted = Wanted(windows) if windows else None
        """Which windows; None where only rectangles are masked."""
        self.trail = Trail(linger)
        self.areas: tuple[Rectangle, ...] = self._rectangles
        """What is masked now, in coordinates of the screen."""
        self._there: dict[int, list[Rectangle]] = {}
        """Where the windows are that are masked."""

    def reopen(self) -> None:
        """Begin anew with a display: what happened to the windows meanwhile nobody knows."""
        for window, places in self._there.items():
            for place in places:
                self.trail.left(window, place, time.monotonic())
        self._there = {}

    def find(self, tree: WindowTree, as_of: float) -> bool:
        """Look up what is masked as of a moment; tells whether that is anything new.

        Windows in doubt are masked, too.
        """
        self._there = tree.places()
        doubtful = tree.doubtful_places()
        there = itertools.chain.from_iterable(self._there.values())
        found = {*self._rectangles, *there, *doubtful, *self.trail.at(as_of)}
        before, self.areas = self.areas, tuple(found)
        return set(before) != found

    def seconds_until_due(self) -> float:
        """Give the seconds until less will be masked, if nothing happens."""
        return self.trail.seconds_until_due(time.monotonic())

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
