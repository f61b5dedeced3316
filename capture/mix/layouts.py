"""How feeds become one picture: by an operator, fading into each other, or side by side."""

import math
import time
from collections.abc import Sequence

from webcapd.capture.geometry import Rectangle
from webcapd.capture.mix.operators import Operator, crossfade
from webcapd.capture.mix.part import Part
from webcapd.capture.overlay import Pixels

# Eyes see no steps then.
_FADE_STEPS = 64


class Combined:
    """Two pictures, pixel by pixel; in the size of the first, unless told otherwise."""

    needs_all = True

    def __init__(self, operator: Operator, size: tuple[int, int] | None) -> None:
        self._operator, self._size = operator, size

    def arrange(self, parts: Sequence[Part]) -> tuple[int, int]:
        return arranged(parts, self._size)

    def compose(
        self, parts: Sequence[Part], changes: Sequence[Sequence[Rectangle]], out: Pixels
    ) -> Sequence[Rectangle]:
        left, right = (part.shown for part in parts)
        places = [place for change in changes for place in change]
        for place in places:
            rows, columns = slice(place.y, place.bottom), slice(place.x, place.right)
            self._operator(left[rows, columns], right[rows, columns], out[rows, columns])
        return places

    def seconds_until_new(self) -> float:
        return math.inf


class Faded:
    """One picture becomes the other, and back, for ever."""

    needs_all = True

    def __init__(self, seconds: float, size: tuple[int, int] | None) -> None:
        """``seconds`` is the time from one to the other."""
        self._step_seconds, self._size = seconds / _FADE_STEPS, size
        self._began = time.monotonic()
        self._shown = -1
        """The number of the step shown last."""

    def arrange(self, parts: Sequence[Part]) -> tuple[int, int]:
        self._shown = -1
        return arranged(parts, self._size)

    def _steps(self) -> float:
        """Give how many steps are over."""
        return (time.monotonic() - self._began) / self._step_seconds

    def compose(
        self, parts: Sequence[Part], changes: Sequence[Sequence[Rectangle]], out: Pixels
    ) -> Sequence[Rectangle]:
        step = math.floor(self._steps())
        if step == self._shown and not any(changes):
            return []
        self._shown = step
        course = step % (2 * _FADE_STEPS)
        share = min(course, 2 * _FADE_STEPS - course) / _FADE_STEPS
        crossfade(parts[0].shown, parts[1].shown, share, out)
        return [Rectangle(0, 0, out.shape[1], out.shape[0])]

    def seconds_until_new(self) -> float:
        return max(0.0, (self._shown + 1 - self._steps()) * self._step_seconds)


class Grid:
    """Pictures side by side, each as large as the first unless told otherwise, and undistorted.

    The place of one that is missing is black.
    """

    needs_all = False

    def __init__(self, size: tuple[int, int] | None) -> None:
        """``size`` is that of the whole."""
        self._size = size
        self._places: list[Rectangle] = []

    def arrange(self, parts: Sequence[Part]) -> tuple[int, int]:
        columns = math.ceil(math.sqrt(len(parts)))
        rows = -(-len(parts) // columns)
        first = next(part.size for part in parts if part.size != (0, 0))
        width, height = self._size or (first[0] * columns, first[1] * rows)
        self._places = []
        for number, part in enumerate(parts):
            row, column = divmod(number, columns)
            left, top = column * width // columns, row * height // rows
            right, bottom = (column + 1) * width // columns, (row + 1) * height // rows
            place = Rectangle(left, top, right - left, bottom - top)
            if part.size != (0, 0):
                place = fitted(part.size, place)
                part.scale(*place.size)
            self._places.append(place)
        return width, height

    def compose(
        self, parts: Sequence[Part], changes: Sequence[Sequence[Rectangle]], out: Pixels
    ) -> Sequence[Rectangle]:
        changed = []
        for part, places, cell in zip(parts, changes, self._places, strict=True):
            for place in places:
                target = place.moved(cell.x, cell.y)
                out[target.y : target.bottom, target.x : target.right] = part.shown[
                    place.y : place.bottom, place.x : place.right
                ]
                changed.append(target)
        return changed

    def seconds_until_new(self) -> float:
        return math.inf


def arranged(parts: Sequence[Part], size: tuple[int, int] | None) -> tuple[int, int]:
    """Scale all parts to one size: that of the first, unless told otherwise."""
    width, height = size or parts[0].size
    for part in parts:
        part.scale(width, height)
    return width, height


def fitted(size: tuple[int, int], cell: Rectangle) -> Rectangle:
    """Give the place in the middle of a cell where a picture is as large as it can be."""
    scale = min(cell.width / size[0], cell.height / size[1])
    width = min(cell.width, max(1, round(size[0] * scale)))
    height = min(cell.height, max(1, round(size[1] * scale)))
    x, y = cell.x + (cell.width - width) // 2, cell.y + (cell.height - height) // 2
    return Rectangle(x, y, width, height)
