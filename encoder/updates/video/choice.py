"""Which rectangle of a picture moves, and whether it is to be the video.  Pure.

Two steps, from coarse to fine, as to compare pixels costs and tiles are known anyway:

    which tiles moved, lately ─► the block of those that go on moving ─► compared a few
    times within it: how often each pixel changed ─► the rectangle
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from webcapd.base.process.late import NDArray, cv2, np
from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates.jpegpack import TileBlock
from webcapd.encoder.updates.state.grid import Mask

WINDOW_SECONDS = 0.35
"""So long a tile has moved before its pixels are compared; that takes the rest of half a second."""

LOOKS = 5
"""So often."""

# A tile moves that changed in so many updates of the window, and in so much of them: what
# is typed beside a video changes a tile now and then.
_LEAST_CHANGES = 3
_LEAST_SHARE = 0.4

# So much of a block must move, else it is several things with something at rest between.
_LEAST_FILLED = 0.6

# A pixel moves that changed in so much of the looks.  A caret blinks twice a second, and where
# a letter is typed its pixels change twice.
_MOVED_SHARE = 0.5

# So many rows or columns at rest part a rectangle: it is what lies on one side of them.
_GAP = 64

# Less is not worth a decoder: there, hardware decoders fail below some 130 pixels, too.
_LEAST_SIDE, _LEAST_AREA = 96, 30_000

# A video is left as it is for so long, and unless less than half of it moves, or
# something beside it does, too.
HOLD_SECONDS = 2.0
_LEAST_USED = 0.5

Counts: TypeAlias = "NDArray[np.uint8]"
"""(height, width): how often each pixel changed."""


class Seen(NamedTuple):
    """What moved in one update."""

    moment: float
    tiles: Mask


def moving_block(history: Sequence[Seen], now: float) -> TileBlock | None:
    """Give the block of tiles that has gone on moving until now; the largest if there are more."""
    recent = [seen for seen in history if seen.moment > now - WINDOW_SECONDS]
    if not recent or now - recent[0].moment < 0.75 * WINDOW_SECONDS:
        return None
    counts = np.sum([seen.tiles for seen in recent], axis=0)
    moving = counts >= max(_LEAST_CHANGES, _LEAST_SHARE * len(recent))
    _, _labels, found, _ = cv2.connectedComponentsWithStats(moving.view(np.uint8), connectivity=4)
    if len(found) < 2:
        return None
    # Number 0 is what does not move.
    best = 1 + int(found[1:, cv2.CC_STAT_AREA].argmax())
    left, top, columns, rows, area = found[best].tolist()
    if area < _LEAST_FILLED * columns * rows:
        return None
    return TileBlock(top, top + rows - 1, left, left + columns - 1)


def moving_rectangle(counts: Counts, looks: int) -> Rectangle | None:
    """Give the rectangle of a video, of even sides, from how often each pixel changed.

    None if it would be too small.
    """
    moved = (counts >= max(2, _MOVED_SHARE * looks)).view(np.uint8)
    rect = Rectangle(0, 0, counts.shape[1], counts.shape[0])
    while rect:
        part = _largest(rect.of(moved), rect)
        if part == rect:
            break
        rect = part
    rect = evened(rect, counts.shape[::-1])
    is_large = min(rect.width, rect.height) >= _LEAST_SIDE and rect.area >= _LEAST_AREA
    return rect if is_large else None


def _largest(moved: Counts, rect: Rectangle) -> Rectangle:
    """Give the part of a rectangle, between gaps, where most moved."""
    across, down = _stretch(moved.sum(0)), _stretch(moved.sum(1))
    return Rectangle(rect.x + across[0], rect.y + down[0], across[1], down[1])


def _stretch(profile: NDArray[np.uint64]) -> tuple[int, int]:
    """Give where the stretch begins that has most in it, and its length."""
    filled = np.flatnonzero(profile)
    if not filled.size:
        return 0, 0
    parts = np.split(filled, np.flatnonzero(np.diff(filled) > _GAP) + 1)
    best = max(parts, key=lambda part: int(profile[part].sum()))
    return int(best[0]), int(best[-1] - best[0]) + 1


def evened(rect: Rectangle, size: tuple[int, int]) -> Rectangle:
    """Give a rectangle of even sides around another one, or as nearly so as a size allows."""
    x, width = _evened(rect.x, rect.width, size[0])
    y, height = _evened(rect.y, rect.height, size[1])
    return Rectangle(x, y, width, height)


def _evened(start: int, length: int, most: int) -> tuple[int, int]:
    if length % 2 == 0:
        return start, length
    if start + length < most:
        return start, length + 1
    return (start - 1, length + 1) if start else (start, length - 1)


def keeps(current: Rectangle, found: Rectangle, age: float) -> bool:
    """Tell whether a video that has lasted so many seconds is kept, though something else moves."""
    if age < HOLD_SECONDS:
        return True
    return found.around(current) == current and found.area >= _LEAST_USED * current.area
