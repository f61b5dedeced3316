"""Into which stripes a picture is cut.  Pure arithmetic."""

from typing import NamedTuple

# Below this a stripe costs more than it saves.
_MIN_ROWS = 64


class Rows(NamedTuple):
    """Neighbouring rows of a picture."""

    top: int
    height: int

    @property
    def bottom(self) -> int:
        """The first row below them."""
        return self.top + self.height


def stripes_of(height: int, most: int, unit: int = 1) -> list[Rows]:
    """Cut a picture into stripes as equal as can be, the first of them the higher ones.

    There are ``most`` of them, or fewer where they would be lower than 64 rows.  All heights are
    multiples of ``unit``; what is left of the picture at the bottom, fewer rows, is in none.
    """
    units = height // unit
    count = max(1, min(most, height // _MIN_ROWS))
    each, higher = divmod(units, count)
    heights = [unit * (each + (number < higher)) for number in range(count)]
    return [Rows(sum(heights[:number]), rows) for number, rows in enumerate(heights) if rows]
