"""From the picture that readers have to the one on the screen: an update's parts.

candidates ─► blocks ─► copies ─► what they left ─► narrowed ─► records, or for JPEG
"""

from collections.abc import Sequence
from typing import NamedTuple

from webcapd.encoder.updates import records
from webcapd.encoder.updates.copy import Copy, apply_copies, find_copies, is_searchable, ordered
from webcapd.encoder.updates.encode import encode
from webcapd.encoder.updates.narrow import blocks, cells, narrow
from webcapd.encoder.updates.rect import Pixels, Rect

# After so many vain searches in a row the next is put off the longest: 2 to the power of this.
_MAX_MISSES = 4
# Places are told apart so coarsely: damage is seldom the same twice.
_PLACE = (480, 270)
_COMPARED = 8


class Difference(NamedTuple):
    """What brings a reader from one picture to the next, in this order."""

    copies: list[Copy]
    lossy: list[Rect]
    """To be sent as JPEG: whole tiles around them, so before the exact ones."""
    exact: list[tuple[Rect, bytes]]
    """Records, and what they cover."""


class CopySearch:
    """Looks for copies, and ever more seldom where there were none.  Encoder thread only.

    A video costs a search in 16 updates; a page that begins to scroll where a video
    was is found after as many.
    """

    def __init__(self) -> None:
        self._gates: dict[tuple[int, int], tuple[int, int]] = {}
        """By place: vain searches in a row, and updates to wait for the next."""

    def find(self, old: Pixels, new: Pixels, block: Rect) -> list[Copy]:
        """Give copies within a block, if it is time to look for some."""
        if not is_searchable(block):
            return []
        x, y = block.x + block.width // 2, block.y + block.height // 2
        place = x // _PLACE[0], y // _PLACE[1]
        misses, wait = self._gates.get(place, (0, 0))
        if wait:
            self._gates[place] = misses, wait - 1
            return []
        copies = find_copies(old, new, block, two_axes=True)
        misses = 0 if copies else min(misses + 1, _MAX_MISSES)
        self._gates[place] = misses, (1 << misses) - 1
        return copies


def difference(
    known: Pixels,
    new: Pixels,
    candidates: Sequence[Rect],
    search: CopySearch | None = None,
    budget: int | None = None,
) -> Difference:
    """Compare what readers have with what is there, within the candidates; ``known`` follows.

    Without ``search`` no copies are made: a reader that has another picture can
    do with the result.  ``budget`` is for motion, how many pixels may be coded
    exactly, the smallest rectangles first: a million takes 10 ms, as JPEG 2.
    Where copies leave more than eight times as much, that is not even compared, but goes
    as JPEG as it is.
    """
    places = blocks(candidates)
    copies: list[Copy] = []
    if search:
        copies = ordered([copy for block in places for copy in search.find(known, new, block)])
        apply_copies(known, copies)
    for rect, _ in copies:
        places = [part for place in places for part in place.without(rect)]
    much = budget is not None and sum(place.area for place in places) > _COMPARED * budget
    rects = places if much else narrow(known, new, places)
    for rect in rects:
        rect.of(known)[:] = rect.of(new)
    lossy, exact = (rects, []) if much else _coded(new, rects, budget)
    return Difference(copies, lossy, exact)


def composed(new: Pixels, lacking: Sequence[Rect], budget: int | None = None) -> Difference:
    """Send all of these places, to a reader that has something else there, or nothing."""
    lossy, exact = _coded(new, [cell for place in blocks(lacking) for cell in cells(place)], budget)
    return Difference([], lossy, exact)


def _coded(
    new: Pixels, rects: Sequence[Rect], budget: int | None
) -> tuple[list[Rect], list[tuple[Rect, bytes]]]:
    """Code exactly what is cheap so; the rest is for JPEG."""
    lossy, exact, spent = [], [], 0
    for rect in sorted(rects, key=lambda rect: rect.area):
        within = budget is None or spent + rect.area <= budget
        quick = budget is not None
        record = encode(rect, rect.of(new), quick=quick) if within else None
        if record is None:
            lossy.append(rect)
        else:
            spent += rect.area
            exact.append((rect, record))
    return lossy, exact


def copy_records(copies: Sequence[Copy]) -> list[bytes]:
    return [records.copy(rect, source.x, source.y) for rect, source in copies]
