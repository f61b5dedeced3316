"""A rectangle of pixels.  Pure."""

from typing import Any, NamedTuple, Protocol, TypeVar

from webcapd.base.number import parse_whole

_FARTHEST = 99999

# How far around itself a pixel shows once its picture is scaled.
_SPREAD = 3


class Sliceable(Protocol):
    """An array; NumPy is not imported here, as command lines are read without it."""

    def __getitem__(self, part: tuple[slice, slice], /) -> Any: ...


_Array = TypeVar("_Array", bound=Sliceable)


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

    @property
    def area(self) -> int:
        """How many pixels it has."""
        return self.width * self.height

    def of(self, pixels: _Array) -> _Array:
        """Give this part of a (height, width, ...) picture that it lies in, without a copy."""
        part: _Array = pixels[self.y : self.bottom, self.x : self.right]
        return part

    def within(self, other: "Rectangle") -> "Rectangle":
        """Give the part that lies in another; of no width or height if none does."""
        # Several times a frame: each property would be another call.
        left, top, width, height = self
        from_left, from_top, most_width, most_height = other
        x, y = max(left, from_left), max(top, from_top)
        right = min(left + width, from_left + most_width)
        bottom = min(top + height, from_top + most_height)
        return Rectangle(x, y, max(0, right - x), max(0, bottom - y))

    def overlaps(self, other: "Rectangle") -> bool:
        """Tell whether there is any pixel in both, neither of which is empty."""
        across = self.x < other.right and other.x < self.right
        return across and self.y < other.bottom and other.y < self.bottom

    def without(self, other: "Rectangle") -> "list[Rectangle]":
        """Give what does not lie in the other one, in at most four parts."""
        hole = self.within(other)
        if not hole:
            return [self]
        parts = [
            Rectangle(self.x, self.y, self.width, hole.y - self.y),
            Rectangle(self.x, hole.y, hole.x - self.x, hole.height),
            Rectangle(hole.right, hole.y, self.right - hole.right, hole.height),
            Rectangle(self.x, hole.bottom, self.width, self.bottom - hole.bottom),
        ]
        return [part for part in parts if part]

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


def parse_size(text: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT; raises ValueError with one sentence."""
    try:
        width, height = map(parse_whole, text.lower().split("x"))
        size = (width, height)
    except ValueError:
        size = (0, 0)
    if not all(1 <= side <= 16384 for side in size):
        raise ValueError(f"{text!r} is no size; one looks like 1280x720, each side 1 to 16384")
    return size


def scaled(place: Rectangle, size: tuple[int, int], other: tuple[int, int]) -> Rectangle:
    """Give where a part of a picture shows in the same picture of another size."""
    (width, height), (other_width, other_height) = size, other
    left = place.x * other_width // width - _SPREAD
    top = place.y * other_height // height - _SPREAD
    right = -(-place.right * other_width // width) + _SPREAD
    bottom = -(-place.bottom * other_height // height) + _SPREAD
    # One pixel may be many.
    across, down = other_width // width, other_height // height
    around = Rectangle(
        left - across, top - down, right - left + 2 * across, bottom - top + 2 * down
    )
    return around.within(Rectangle(0, 0, other_width, other_height))
