"""A rectangle of pixels.  Pure."""

from typing import NamedTuple

from webcapd.base.number import parse_whole

_FARTHEST = 99999


class Rectangle(NamedTuple):
    """Left, top, width and height in pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column to the right of it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.y + self.height

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    def within(self, other: "Rectangle") -> "Rectangle":
        """Give the part that lies in another; of no width or height if none does."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        return Rectangle(x, y, max(0, right - x), max(0, bottom - y))

    def around(self, other: "Rectangle") -> "Rectangle":
        """Give the least rectangle that holds both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        right, bottom = max(self.right, other.right), max(self.bottom, other.bottom)
        return Rectangle(x, y, right - x, bottom - y)

    def moved(self, x: int, y: int) -> "Rectangle":
        """Give the same rectangle, shifted."""
        return self._replace(x=self.x + x, y=self.y + y)

    def __bool__(self) -> bool:
        """Whether there is any pixel in it."""
        return self.width > 0 and self.height > 0

    def __str__(self) -> str:
        return f"{self.width}x{self.height}{self.x:+d}{self.y:+d}"


def parse_rectangle(text: str) -> Rectangle:
    """Read X,Y,WIDTH,HEIGHT; raises ValueError with a sentence."""
    try:
        rectangle = Rectangle(*map(parse_whole, text.split(",")))
    except (TypeError, ValueError):
        rectangle = Rectangle(0, 0, 0, 0)
    if not rectangle or max(map(abs, rectangle)) > _FARTHEST:
        raise ValueError(
            f"{text!r} is no rectangle; one looks like 10,20,300,200: x,y,width,height"
        )
    return rectangle
