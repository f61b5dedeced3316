"""What a viewer wants to see of the screen: a geometry, described by value.  Pure.

The order is fixed, whatever the order asked in: rotate, scale, crop, flip.
So a crop counts in pixels of the rotated and scaled picture.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from webcapd.capture.geometry import Rectangle

Size = tuple[int, int]


@dataclass(frozen=True)
class View:
    """A geometry.  Equal views of one screen show the same pixels."""

    quarter_turns: int = 0
    """Clockwise, 0 to 3."""
    fit: Size = (0, 0)
    """Width and height of the box it must fit into, 0 for no bound."""
    scale: float = 1.0
    """At most 1; of this and ``fit`` the smaller picture counts."""
    crop: Rectangle | None = None
    flip: str = ""
    """h (left and right change places), v, both or none."""
    gray: bool = False

    def after_turns(self, quarter_turns: int) -> "View":
        """Give the view of a screen that everybody sees turned already."""
        return replace(self, quarter_turns=(self.quarter_turns + quarter_turns) % 4)

    def scaled_rows_and_columns(self, width: int, height: int) -> tuple[int, int]:
        """Give the size of a screen after scaling, before rotation: (rows, columns)."""
        fit_width, fit_height = self.fit[::-1] if self.quarter_turns % 2 else self.fit
        factor = min(1.0, self.scale, (fit_width or width) / width, (fit_height or height) / height)
        return max(1, round(height * factor)), max(1, round(width * factor))

    def whole_size(self, width: int, height: int) -> Size:
        """Give width and height of a screen once rotated and scaled, before it is cropped."""
        rows, columns = self.scaled_rows_and_columns(width, height)
        return (rows, columns) if self.quarter_turns % 2 else (columns, rows)

    def arrange(self, scaled: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Rotate, crop and flip a scaled screen, without copying a pixel."""
        turned = np.rot90(scaled, -self.quarter_turns)
        part = self._cropped(turned.shape[1], turned.shape[0])
        picture = turned[part.y : part.bottom, part.x : part.right]
        if "v" in self.flip:
            picture = picture[::-1]
        return picture[:, ::-1] if "h" in self.flip else picture

    def arranged_rows(self, first: int, last: int, width: int, height: int) -> tuple[int, int]:
        """Give where rows of a (width, height) scaled screen come to lie: a half-open range."""
        if self.quarter_turns % 2:
            width, height = height, width
            first, last = 0, height
        elif self.quarter_turns == 2:
            first, last = height - last, height - first
        part = self._cropped(width, height)
        first, last = max(first, part.y) - part.y, min(last, part.bottom) - part.y
        if "v" in self.flip:
            first, last = part.height - last, part.height - first
        return first, max(first, last)

    def _cropped(self, width: int, height: int) -> Rectangle:
        """Give the part of the rotated picture that is shown; at least one pixel."""
        everything = Rectangle(0, 0, width, height)
        if self.crop is None:
            return everything
        # Of a screen that shrank, nothing may be left: then its last pixel.
        return self.crop.within(everything) or Rectangle(width - 1, height - 1, 1, 1)


UPRIGHT = View()


def blocks(rows: int, scaled_rows: int) -> int:
    """Give into how many blocks of equal rows a scaling falls.

    Block i of the screen becomes block i of the scaled picture, whole rows to
    whole rows, so that one can be scaled without the others.
    """
    return math.gcd(rows, scaled_rows)
