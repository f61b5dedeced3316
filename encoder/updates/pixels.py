"""Pictures as arrays of bytes, and of one word a pixel."""

from __future__ import annotations

import sys
from typing import TypeAlias

from webcapd.base.process.late import NDArray, np

Pixels: TypeAlias = "NDArray[np.uint8]"
"""(height, width, 4) bytes B, G, R, X; X means nothing.  Rows need not lie next to each other."""

Words: TypeAlias = "NDArray[np.uint32]"

_NO_X = int.from_bytes(b"\xff\xff\xff\x00", sys.byteorder)


def words(pixels: Pixels) -> Words:
    """See each pixel as one number, X included, without copying."""
    return pixels.view(np.uint32)[..., 0]


def colours(pixels: Pixels) -> Words:
    """Give each pixel as one number that says its colour."""
    seen: Words = words(pixels) & np.uint32(_NO_X)
    return seen


def changed(old: Pixels, new: Pixels) -> NDArray[np.uint8]:
    """Say where two pictures of one size differ: not 0 there."""
    differ = words(old) ^ words(new)
    differ &= np.uint32(_NO_X)
    mask: NDArray[np.uint8] = (differ != 0).view(np.uint8)
    return mask
