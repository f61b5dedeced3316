"""Numbers as black and white blocks: drawn on a screen, found again in its pictures.  Pure.

A block is 16x16 pixels, so that in either direction it holds a whole 8x8 block
of the JPEG wherever that one's grid lies: an eighth of the resolution, which
needs no inverse transform, is enough to read it.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

BLOCK = 16
_NUMBER_BITS = 16
_CHECK_BITS = 4
_BITS = _NUMBER_BITS + _CHECK_BITS
WIDTH = _BITS * BLOCK
LIMIT = 1 << _NUMBER_BITS


def place(height: int) -> int:
    """Give the upper edge, on a screen of a height; the left edge is the screen's.

    It is low on the screen: what sends a frame in parts, downwards, has sent
    most of it by then.
    """
    return (height // BLOCK - 2) * BLOCK


def blocks(number: int) -> Iterator[int]:
    """Give the columns, in blocks, that are white."""
    code = number % LIMIT << _CHECK_BITS | _check(number % LIMIT)
    return (column for column in range(_BITS) if code >> (_BITS - 1 - column) & 1)


def read(jpeg: bytes, top: int) -> int | None:
    """Read the number in a JPEG; None if there is none.

    ``top`` is the barcode's upper edge in that JPEG.
    """
    small = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8)
    if small is None:
        return None
    # The first row of 8x8 blocks that begins in the barcode lies in it wholly.
    row = -(-top // 8)
    cells = small[row : row + 1, : WIDTH // 8 : BLOCK // 8]
    return _number(cells[0]) if cells.shape == (1, _BITS) else None


def read_pixels(screen: NDArray[np.uint8], top: int) -> int | None:
    """Read the number on a screen of grey values, by the middles of the blocks."""
    middle = BLOCK // 2
    return _number(screen[top + middle, middle:WIDTH:BLOCK])


def _number(cells: NDArray[np.uint8]) -> int | None:
    """Read the number from the blocks' grey values."""
    code = 0
    for cell in cells:
        code = code << 1 | int(cell > 127)
    number, check = code >> _CHECK_BITS, code & (1 << _CHECK_BITS) - 1
    return number if check == _check(number) else None


def _check(number: int) -> int:
    """Give what tells a number from a screen without one, and from half of another."""
    # Odd factors, so that one nibble that differs is always noticed; and neither
    # all black nor all white is a number.
    return (5 + sum((2 * i + 1) * (number >> 4 * i & 15) for i in range(4))) & 15
