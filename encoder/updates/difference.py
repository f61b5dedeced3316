"""From the picture that readers have to the one on the screen: an update's parts.

candidates ─► blocks ─► copies ─► what they left ─► narrowed ─► records, or for JPEG
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates import records
from webcapd.encoder.updates.copy import (
    Copy,
    apply_copies,
    find_copies,
    is_searchable,
    ordered,
    same_way,
)
from webcapd.encoder.updates.encode import encode
from webcapd.encoder.updates.narrow import blocks, cells, narrow
from webcapd.encoder.updates.pixels import Pixels

# After so many vain searches in a row the next is put off the longest: 2 to the power of this.
_MAX_MISSES = 4
# A copy that leaves more than this of its block to JPEG is as good as none: that moves all over,
# and to code it all costs less than to search it.
_MOST_LOSSY = 0.25
# Places are told apart so coarsely: damage is seldom the same twice.
_PLACE = (480, 270)
_COMPARED = 8


class Difference(NamedTuple):
    """What brings a reader from one picture to the next, in this order."""

    copies: list[Copy]
    lossy: list[Rectangle]
    """To be sent as JPEG: whole tiles around them, so before the exact ones."""
    exact: list[tuple[Rectangle, bytes]]
    """Records, and what they cover."""


class CopySearch:
    """Looks for copies, and ever more seldom where there were none.  Encoder thread only.

    A video costs a search in 16 updates; a page that begins to scroll where a video
    was is found after as many.
    """

    def __init__(self, is_known: Callable[[Rectangle], bool] = lambda rect: True) -> None:
        """``is_known`` tells whether readers have just what is there in the picture before."""
        self._is_known = is_known
        self._gates: dict[tuple[int, int], tuple[int, int]] = {}
        """By place: vain searches in a row, and updates to wait for the next."""
        self._ways: dict[tuple[int, int], tuple[int, int]] = {}
        """By place: from where the last copy came, how far to the right and down."""

    def find(self, old: Pixels, new: Pixels, block: Rectangle) -> list[Copy]:
        """Give copies within a block, if it is time to look for some."""
        if not is_searchable(block):
            return []
        place = _place_of(block)
        misses, wait = self._gates.get(place, (0, 0))
        if wait:
            self._gates[place] = misses, wait - 1
            return []
        # What scrolls and what is dragged mostly goes on as it did.
        way = self._ways.get(place)
        copies = same_way(old, new, block, way) if way else []
        copies = copies or find_copies(old, new, block, two_axes=True)
        copies = [copy for copy in copies if self._is_known(copy.source)]
        if copies:
            rect, source = copies[0]
            self._ways[place] = source.x - rect.x, source.y - rect.y
        else:
            self._note_miss(place)
        return copies

    def judge(self, block: Rectangle, lossy: Sequence[Rectangle]) -> None:
        """Note what went as JPEG after copies had been found in a block."""
        left = sum(rect.within(block).area for rect in lossy)
        if left > block.area * _MOST_LOSSY:
            self._note_miss(_place_of(block))
        else:
            self._gates.pop(_place_of(block), None)

    def _note_miss(self, place: tuple[int, int]) -> None:
        misses = min(self._gates.get(place, (0, 0))[0] + 1, _MAX_MISSES)
        self._gates[place] = misses, (1 << misses) - 1


def _place_of(block: Rectangle) -> tuple[int, int]:
    x, y = block.x + block.width // 2, block.y + block.height // 2
    return x // _PLACE[0], y // _PLACE[1]


def difference(
    known: Pixels,
    new: Pixels,
    candidates: Sequence[Rectangle],
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
    if not candidates:
        return Difference([], [], [])
    places = blocks(candidates)
    found = {block: search.find(known, new, block) for block in places} if search else {}
    copies = ordered([copy for some in found.values() for copy in some])
    apply_copies(known, copies)
    for rect, _ in copies:
        places = [part for place in places for part in place.without(rect)]
    much = budget is not None and sum(place.area for place in places) > _COMPARED * budget
    rects = places if much else narrow(known, new, places)
    for rect in rects:
        rect.of(known)[:] = rect.of(new)
    lossy, exact = (rects, []) if much else _coded(new, rects, budget)
    if search:
        for block in (block for block, some in found.items() if some):
            search.judge(block, lossy)
    return Difference(copies, lossy, exact)


def composed(new: Pixels, lacking: Sequence[Rectangle], budget: int | None = None) -> Difference:
    """Send all of these places, to a reader that has something else there, or nothing."""
    lossy, exact = _coded(new, [cell for place in blocks(lacking) for cell in cells(place)], budget)
    return Difference([], lossy, exact)


def _coded(
    new: Pixels, rects: Sequence[Rectangle], budget: int | None
) -> tuple[list[Rectangle], list[tuple[Rectangle, bytes]]]:
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
