"""The rectangle is the change: candidates are narrowed to the pixels that really differ.

    candidates ─► blocks ─► compared ─► split at gaps that pay ─► joined ─► cut to cells

Cost model: a rectangle more costs as much as _OVERHEAD pixels that need not be
sent: its record, its palette, and what a reader does for each.
"""

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import TypeAlias

from webcapd.base.process.late import NDArray, cv2, np
from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates.pixels import Pixels, changed

CELL = (320, 64)
"""Width and height beyond which a rectangle is cut, along a grid of this."""

_OVERHEAD = 1024
# So many rectangles are an update at most, before they are cut to cells.
_MAX_PIECES = 24

Mask: TypeAlias = "NDArray[np.uint8]"


def narrow(old: Pixels, new: Pixels, candidates: Sequence[Rectangle]) -> list[Rectangle]:
    """Give small rectangles that hold all that differs within the candidates, and little else.

    They do not overlap if the candidates do not.
    """
    masks = [(block, changed(block.of(old), block.of(new))) for block in blocks(candidates)]
    pieces: list[Rectangle] = []
    for overhead in (_OVERHEAD, 8 * _OVERHEAD, 64 * _OVERHEAD):
        pieces = [piece for block, mask in masks for piece in _split(mask, block, overhead)]
        if len(pieces) <= _MAX_PIECES:
            break
    return [cell for piece in _joined(pieces) for cell in _tight(old, new, piece)]


def blocks(rects: Sequence[Rectangle]) -> list[Rectangle]:
    """Join rectangles of equal rows beside each other, then of equal columns below each other."""
    rows: list[Rectangle] = []
    for rect in sorted(rects, key=itemgetter(1, 3, 0)):
        before = rows[-1] if rows else None
        if before and before[1::2] == rect[1::2] and before.right == rect.x:
            rows[-1] = before._replace(width=before.width + rect.width)
        else:
            rows.append(rect)
    joined: list[Rectangle] = []
    for rect in sorted(rows, key=itemgetter(0, 2, 1)):
        before = joined[-1] if joined else None
        if before and before[::2] == rect[::2] and before.bottom == rect.y:
            joined[-1] = before._replace(height=before.height + rect.height)
        else:
            joined.append(rect)
    return joined


def _split(mask: Mask, block: Rectangle, overhead: int) -> Iterator[Rectangle]:
    """Give tight rectangles around what differs in a block, apart where that saves."""
    todo = [Rectangle(0, 0, block.width, block.height)]
    while todo:
        part = todo.pop()
        x, y, width, height = cv2.boundingRect(part.of(mask))
        if not width:
            continue
        tight = Rectangle(part.x + x, part.y + y, width, height)
        parts = _parts(tight.of(mask), tight, overhead)
        if len(parts) > 1:
            todo += parts
        else:
            yield tight.moved(block.x, block.y)


def _parts(mask: Mask, rect: Rectangle, overhead: int) -> list[Rectangle]:
    """Split a rectangle at all gaps that pay, along the axis where they save more."""
    if rect.area <= overhead:
        return [rect]
    down = _stretches(mask.max(1), overhead // rect.width)
    across = _stretches(mask.max(0), overhead // rect.height)
    if _length(down) * rect.width <= _length(across) * rect.height:
        return [Rectangle(rect.x, rect.y + a, rect.width, b - a) for a, b in down]
    return [Rectangle(rect.x + a, rect.y, b - a, rect.height) for a, b in across]


def _length(stretches: Sequence[tuple[int, int]]) -> int:
    return sum(end - begin for begin, end in stretches)


def _stretches(profile: Mask, least_gap: int) -> list[tuple[int, int]]:
    """Give the stretches that are not 0, from and to, between gaps longer than ``least_gap``."""
    filled = np.flatnonzero(profile)
    breaks = np.flatnonzero(np.diff(filled) > least_gap + 1)
    begins = [int(filled[0]), *filled[breaks + 1].tolist()]
    ends = [*filled[breaks].tolist(), int(filled[-1])]
    return [(begin, end + 1) for begin, end in zip(begins, ends, strict=True)]


def _joined(pieces: list[Rectangle]) -> list[Rectangle]:
    """Join rectangles, two at a time, where that costs less than two records."""
    if len(pieces) > _MAX_PIECES:
        return pieces
    pieces = list(pieces)
    index = 0
    while index < len(pieces):
        piece = pieces[index]
        for other in pieces[index + 1 :]:
            both = piece.around(other)
            alone = all(one in (piece, other) or not one.overlaps(both) for one in pieces)
            if alone and both.area <= piece.area + other.area + _OVERHEAD:
                pieces.remove(other)
                pieces[index] = both
                index = -1
                break
        index += 1
    return pieces


def cells(piece: Rectangle) -> list[Rectangle]:
    """Cut a rectangle along the grid if it is larger than a cell."""
    if piece.width <= CELL[0] and piece.height <= CELL[1]:
        return [piece]
    grid = (
        piece.within(Rectangle(x, y, *CELL))
        for y in range(piece.y - piece.y % CELL[1], piece.bottom, CELL[1])
        for x in range(piece.x - piece.x % CELL[0], piece.right, CELL[0])
    )
    return [cell for cell in grid if cell]


def _tight(old: Pixels, new: Pixels, piece: Rectangle) -> Iterator[Rectangle]:
    """Give the cells of a rectangle, each narrowed again."""
    parts = cells(piece)
    if len(parts) == 1:
        yield piece
        return
    for cell in parts:
        x, y, width, height = cv2.boundingRect(changed(cell.of(old), cell.of(new)))
        if width:
            yield Rectangle(cell.x + x, cell.y + y, width, height)
