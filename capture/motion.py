"""What of the screen moves, and what small thing changes apart from it.  Arithmetic on tiles.

Tiles are given by band, a bit for each column.
"""

from collections.abc import Mapping

Tiles = Mapping[int, int]

# What was drawn on twice within this time moves: key repeat does, typing does not.
_MOTION_SECONDS = 0.07


def beside(some: Tiles, others: Tiles) -> dict[int, int]:
    """Give those tiles that are not among others."""
    rest = {band: columns & ~others.get(band, 0) for band, columns in some.items()}
    return {band: columns for band, columns in rest.items() if columns}


def among(some: Tiles, others: Tiles) -> dict[int, int]:
    """Give those tiles that are among others, too."""
    both = {band: columns & others.get(band, 0) for band, columns in some.items()}
    return {band: columns for band, columns in both.items() if columns}


def add(tiles: dict[int, int], others: Tiles) -> None:
    """Add tiles to some."""
    if tiles == others:
        # What moves is mostly the same as before, and that takes no loop to find out.
        return
    if not tiles:
        tiles.update(others)
        return
    for band, columns in others.items():
        tiles[band] = tiles.get(band, 0) | columns


def count(tiles: Tiles) -> int:
    return sum(columns.bit_count() for columns in tiles.values())


def apart(drawn: Tiles, moving: Tiles, most: int) -> dict[int, int]:
    """Give what of the tiles drawn at once does not move, nor touches what of them does.

    What touches it belongs to it: the edge of a window that is dragged, a line that
    scrolls in.  Nothing is given if it is more than ``most`` tiles.
    """
    rest, edge = beside(drawn, moving), among(drawn, moving)
    while edge and 0 < count(rest) <= 4 * most:
        edge = among(rest, _grown(edge))
        rest = beside(rest, edge)
    return rest if count(rest) <= most else {}


def _grown(tiles: Tiles) -> Tiles:
    """Give tiles and all that touch them, by an edge or a corner."""
    wide = {band: columns | columns << 1 | columns >> 1 for band, columns in tiles.items()}
    grown = dict(wide)
    for band, columns in wide.items():
        for other in (band - 1, band + 1):
            grown[other] = grown.get(other, 0) | columns
    return grown


class Motion:
    """Where was drawn in the last moments.  No clock of its own: the caller brings the time."""

    def __init__(self) -> None:
        self._since = 0.0
        self._drawn: dict[int, int] = {}
        """Tiles drawn on since then."""
        self._before: dict[int, int] = {}
        """And in the stretch before."""

    def note(self, drawn: Tiles, now: float) -> None:
        """Note what was drawn on."""
        self._forget(now)
        add(self._drawn, drawn)

    def tiles(self, now: float) -> dict[int, int]:
        """Give what would move if it were drawn on now."""
        self._forget(now)
        tiles = dict(self._drawn)
        add(tiles, self._before)
        return tiles

    def _forget(self, now: float) -> None:
        """Remember nothing for longer than the time, and everything for half of it."""
        half = _MOTION_SECONDS / 2
        if now - self._since >= half:
            is_old = now - self._since >= _MOTION_SECONDS
            self._before = {} if is_old else self._drawn
            self._drawn, self._since = {}, now
