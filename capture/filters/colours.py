"""Filters that leave pixels where they are: gray, invert, interlace."""

from webcapd.base.process.late import cv2, np
from webcapd.capture.filters.filter import Filter, SameSize
from webcapd.capture.geometry import Rectangle
from webcapd.capture.overlay import Pixels


class Gray(SameSize):
    """How bright it is, by the weights of ITU-R BT.601."""

    def paint(self, source: Pixels, out: Pixels) -> None:
        cv2.cvtColor(cv2.cvtColor(source, cv2.COLOR_BGRA2GRAY), cv2.COLOR_GRAY2BGRA, dst=out)


class Invert(SameSize):
    """The negative."""

    def paint(self, source: Pixels, out: Pixels) -> None:
        np.bitwise_not(source, out=out)


class Interlace(Filter):
    """Every other row of a picture, and of the next the others, as television has it."""

    def __init__(self) -> None:
        self._field = 0
        """The first row of those that come next."""
        self._behind = Rectangle(0, 0, 0, 0)
        """Where the rows lag that did not come last."""

    def size(self, width: int, height: int) -> tuple[int, int]:
        self._behind = Rectangle(0, 0, 0, 0)
        return width, height

    def apply(self, source: Pixels, out: Pixels, changed: Rectangle) -> Rectangle:
        field, self._field = self._field, 1 - self._field
        before, self._behind = self._behind or changed, changed
        place = before.around(changed) if changed else before
        first = place.y + (place.y + field) % 2
        rows, columns = slice(first, place.bottom, 2), slice(place.x, place.right)
        out[rows, columns] = source[rows, columns]
        return place

    @property
    def is_behind(self) -> bool:
        return bool(self._behind)
