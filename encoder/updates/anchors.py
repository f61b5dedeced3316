"""Where content went, by anchors: places that are chosen by what is there, wherever that is.

Each run of 32 pixels has a hash; one in 64, by its value, is an anchor.  The same
content has the same anchors at its old place and at its new one.  Those that
occur once in each picture vote for an offset in both axes.
"""

from typing import TypeAlias

from webcapd.base.process.late import NDArray, np
from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates.pixels import Pixels, colours

_STEPS = ((1, 0x9E3779B1), (2, 0x85EBCA77), (4, 0xC2B2AE3D), (8, 0x27D4EB2F), (16, 0x165667B1))
_RUN = 32
_SELECTED = 0xFFFFFFFF // 64
_ROWS = 32

Hashes: TypeAlias = "NDArray[np.uint32]"
Places: TypeAlias = "NDArray[np.int64]"


def anchor_votes(old: Pixels, new: Pixels, least: int) -> tuple[tuple[int, int], Rectangle] | None:
    """Give the offset (right, down) from where most came, and a rectangle around those."""
    before, old_at = _anchors(old)
    # Of what is looked for a part is enough.
    after, new_at = _anchors(new, 4)
    _, in_old, in_new = np.intersect1d(before, after, assume_unique=True, return_indices=True)
    if len(in_old) < least:
        return None
    width = new.shape[1]
    down = old_at[in_old] // width - new_at[in_new] // width
    right = old_at[in_old] % width - new_at[in_new] % width
    offsets, counts = np.unique(np.stack((right, down), 1), axis=0, return_counts=True)
    # What stayed is no move.
    counts[(offsets == 0).all(1)] = 0
    best = int(counts.argmax())
    if counts[best] < least:
        return None
    winner = int(offsets[best][0]), int(offsets[best][1])
    voters = new_at[in_new][(right == winner[0]) & (down == winner[1])]
    y, x = np.divmod(voters, width)
    seed = Rectangle(int(x.min()), int(y.min()), int(np.ptp(x)) + _RUN, int(np.ptp(y)) + 1)
    return winner, seed


def _anchors(pixels: Pixels, every: int = 1) -> tuple[Hashes, Places]:
    """Give the hashes of anchors that occur once, and where they are, in a flattened picture.

    Only each row number ``every`` is looked at.
    """
    width = pixels.shape[1]
    hashes, places = [np.empty(0, np.uint32)], [np.empty(0, np.int64)]
    # So many rows at once stay in the processor's cache.
    for top in range(0, len(pixels), _ROWS * every):
        some = _hashes(pixels[top : top + _ROWS * every : every])
        hits = np.flatnonzero(some * np.uint32(0x2C1B3C6D) < _SELECTED)
        row, column = np.divmod(hits, some.shape[1])
        # What is as beside it is flat, and occurs more than once.
        uneven = some[row, column] != some[row, np.maximum(column, 1) - 1]
        row, column = row[uneven], column[uneven]
        hashes.append(some[row, column])
        places.append((top + row * every) * width + column)
    found, first, counts = np.unique(np.concatenate(hashes), return_index=True, return_counts=True)
    once = counts == 1
    return found[once], np.concatenate(places)[first[once]]


def _hashes(pixels: Pixels) -> Hashes:
    """Give the hash of each run of pixels, by doubling the runs."""
    hashes = colours(pixels)
    for step, multiplier in _STEPS:
        later = hashes[:, step:]
        hashes = hashes[:, :-step] * np.uint32(multiplier) + (later ^ later >> 15)
    return hashes
