"""Copies from another place of the picture before: scrolled text, moved windows.

    rows hashed in four strips ─► rows that occur once vote for an offset ─┐
    anchors: places chosen by their own content vote for one in two axes ──┤
                                      pixels compared ◄── the winner ◄─────┘

A hash only says where to look; what is copied has been compared.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from webcapd.base.process.late import NDArray, cv2, np
from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates.anchors import anchor_votes
from webcapd.encoder.updates.pixels import Pixels, changed, words

# Smaller than this, a rectangle is not searched, and a copy not worth its record.
_MIN_SIDE, _MIN_ROWS = 64, 16
_MIN_VOTES = 16
# Anchors cost 5 ms a million pixels; more than this costs more than it may save.
_MAX_AREA = 1 << 20
_STRIPS = 4
# Of a column's rows so many may be other than copied; what scrolls beside something
# that stays is so told from it.
_STRAY = 0.25

# Of a strip so many pairs of pixels are hashed; reading more from memory takes longer.
_PAIRS = 64

Hashes: TypeAlias = "NDArray[np.uint64]"


class Copy(NamedTuple):
    """Pixels to take from another place."""

    rect: Rectangle
    """Where they go."""
    source: Rectangle


def is_searchable(block: Rectangle) -> bool:
    """Whether a block is large enough."""
    return block.width >= _MIN_SIDE and block.height >= _MIN_SIDE


def find_copies(old: Pixels, new: Pixels, block: Rectangle, two_axes: bool = False) -> list[Copy]:
    """Give copies that bring ``block``, or parts of it, from old to new, in order.

    They may be made in place: none reads what an earlier one wrote.
    """
    if not is_searchable(block):
        return []
    found = _vertical(old, new, block)
    if not found and two_axes and block.area <= _MAX_AREA:
        found = _moved(old, new, block)
    return ordered(found)


def same_way(old: Pixels, new: Pixels, block: Rectangle, offset: tuple[int, int]) -> list[Copy]:
    """Give copies by an offset (right, down) that is known, if they bring most of a block."""
    copies = ordered(_exact(old, new, block, offset, block))
    return copies if 2 * sum(rect.area for rect, _ in copies) >= block.area else []


def apply_copies(picture: Pixels, copies: Sequence[Copy]) -> None:
    """Do in place what a reader does."""
    for rect, source in copies:
        rect.of(picture)[:] = (
            source.of(picture).copy() if rect.overlaps(source) else source.of(picture)
        )


def ordered(copies: Sequence[Copy]) -> list[Copy]:
    """Order copies so that none reads what an earlier one wrote; those in a circle are left out."""
    left, done = list(copies), []
    while left:
        free = [
            copy
            for copy in left
            if not any(copy.rect.overlaps(o.source) for o in left if o is not copy)
        ]
        if free:
            done.append(free[0])
            left.remove(free[0])
        else:
            left.remove(min(left, key=lambda copy: copy.rect.area))
    return done


def _vertical(old: Pixels, new: Pixels, block: Rectangle) -> list[Copy]:
    """Look for what went up or down."""
    before, after = _row_hashes(block.of(old)), _row_hashes(block.of(new))
    tally = np.zeros(2 * block.height, np.int64)
    for strip in range(_STRIPS):
        offsets = _votes(before[:, strip], after[:, strip])
        tally += np.bincount(offsets + block.height, minlength=2 * block.height)
    winner = int(tally.argmax())
    if tally[winner] < _MIN_VOTES:
        return []
    return _exact(old, new, block, (0, winner - block.height), block)


def _row_hashes(pixels: Pixels) -> Hashes:
    """Give a number for each row of each strip; rows of the same number are mostly the same.

    A sum of products with odd random numbers: of all strips as fast as one XXH3 a row.
    """
    values = words(pixels)
    height, width = values.shape
    each = width // _STRIPS & ~1
    pairs = values[:, : each * _STRIPS].view(np.uint64).reshape(height, _STRIPS, each // 2)
    pairs = pairs[:, :, :_PAIRS]
    hashes: Hashes = np.einsum("ijk,k->ij", pairs, _weights()[: pairs.shape[2]])
    return hashes


@functools.cache
def _weights() -> Hashes:
    generator = np.random.default_rng(20)
    return generator.integers(0, 1 << 63, _PAIRS, np.uint64) * 2 + 1


def _votes(before: Hashes, after: Hashes) -> NDArray[np.int64]:
    """Give how far each row has come that changed and that occurs once before and once after."""
    rows = np.flatnonzero(before != after)
    old, old_rows = _once(before[rows], rows)
    new, new_rows = _once(after[rows], rows)
    _, in_old, in_new = np.intersect1d(old, new, assume_unique=True, return_indices=True)
    offsets: NDArray[np.int64] = old_rows[in_old] - new_rows[in_new]
    return offsets


def _once(hashes: Hashes, rows: NDArray[np.int64]) -> tuple[Hashes, NDArray[np.int64]]:
    """Give the hashes that occur once, and their rows."""
    found, places, counts = np.unique(hashes, return_index=True, return_counts=True)
    once = counts == 1
    return found[once], rows[places[once]]


def _moved(old: Pixels, new: Pixels, block: Rectangle) -> list[Copy]:
    """Look for what went anywhere."""
    winner = anchor_votes(block.of(old), block.of(new), _MIN_VOTES)
    if winner is None:
        return []
    offset, seed = winner
    return _exact(old, new, block, offset, seed.moved(block.x, block.y))


def _exact(
    old: Pixels, new: Pixels, block: Rectangle, offset: tuple[int, int], seed: Rectangle
) -> list[Copy]:
    """Give the parts of a block around ``seed`` that stood exactly so at ``offset`` from there."""
    height, width = old.shape[:2]
    there = block.moved(*offset).within(Rectangle(0, 0, width, height))
    if not there:
        return []
    rect = there.moved(-offset[0], -offset[1])
    wrong = changed(there.of(old), rect.of(new))
    core = rect.within(seed)
    if not core:
        return []
    core = core.moved(-rect.x, -rect.y)
    stray = cv2.reduce(wrong[core.y : core.bottom], 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[0]
    left, right = _longest(stray <= core.height * _STRAY)
    if right - left < _MIN_SIDE:
        return []
    clean = wrong[:, left:right].max(1) == 0
    copies = []
    for top, bottom in _runs(clean):
        if bottom - top >= _MIN_ROWS:
            part = Rectangle(rect.x + left, rect.y + top, right - left, bottom - top)
            copies.append(Copy(part, part.moved(*offset)))
    return copies


def _runs(good: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Give from where to where it is good."""
    edges = np.flatnonzero(np.diff(good.astype(np.int8), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _longest(good: NDArray[np.bool_]) -> tuple[int, int]:
    return max(_runs(good), key=lambda run: run[1] - run[0], default=(0, 0))
