"""Rectangles of pixels, and pixels as one word each."""

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""(height, width, 4) bytes B, G, R, X; X means nothing.  Rows need not lie next to each other."""

Words = NDArray[np.uint32]

_T = TypeVar("_T", bound=np.generic)

_NO_X = np.frombuffer(b"\xff\xff\xff\x00", np.uint32)[0]


class Rect(NamedTuple):
    """So many pixels from a place on."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def area(self) -> int:
        return self.width * self.height

    def of(self, pixels: NDArray[_T]) -> NDArray[_T]:
        """Give this part of a picture, or of what is as large, without copying it."""
        return pixels[self.y : self.bottom, self.x : self.right]

    def moved(self, right: int, down: int) -> "Rect":
        return Rect(self.x + right, self.y + down, self.width, self.height)

    def overlaps(self, other: "Rect") -> bool:
        across = self.x < other.right and other.x < self.right
        return across and self.y < other.bottom and other.y < self.bottom

    def common(self, other: "Rect") -> "Rect | None":
        """Give what lies in both."""
        if not self.overlaps(other):
            return None
        x, y = max(self.x, other.x), max(self.y, other.y)
        return Rect(x, y, min(self.right, other.right) - x, min(self.bottom, other.bottom) - y)

    def without(self, other: "Rect") -> "list[Rect]":
        """Give what does not lie in the other one, in at most four parts."""
        hole = self.common(other)
        if hole is None:
            return [self]
        parts = [
            Rect(self.x, self.y, self.width, hole.y - self.y),
            Rect(self.x, hole.y, hole.x - self.x, hole.height),
            Rect(hole.right, hole.y, self.right - hole.right, hole.height),
            Rect(self.x, hole.bottom, self.width, self.bottom - hole.bottom),
        ]
        return [part for part in parts if part.area]


def around(rects: Iterable[Rect]) -> Rect:
    """Give the smallest rectangle around some, of which there is at least one."""
    some = list(rects)
    x, y = min(rect.x for rect in some), min(rect.y for rect in some)
    right, bottom = max(rect.right for rect in some), max(rect.bottom for rect in some)
    return Rect(x, y, right - x, bottom - y)


def words(pixels: Pixels) -> Words:
    """See each pixel as one number, X included, without copying."""
    return pixels.view(np.uint32)[..., 0]


def colours(pixels: Pixels) -> Words:
    """Give each pixel as one number that says its colour."""
    seen: Words = words(pixels) & _NO_X
    return seen


def changed(old: Pixels, new: Pixels) -> NDArray[np.uint8]:
    """Say where two pictures of one size differ: not 0 there."""
    differ = words(old) ^ words(new)
    differ &= _NO_X
    mask: NDArray[np.uint8] = (differ != 0).view(np.uint8)
    return mask
