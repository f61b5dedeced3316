"""What becomes of two pixels at the same place.  Pure.

The operators are those of skyscreen's ``combine LEFT op RIGHT``; colours are added and compared
one by one, and are 0 to 255.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from webcapd.capture.overlay import Pixels

Operator = Callable[[Pixels, Pixels, Pixels], object]
"""Takes two pictures, (height, width, 4) bytes B, G, R, X, and writes to a third of that size.

Rows of none of them need to lie beside each other; what X is afterwards means nothing.
"""

_BLACK = ((0, 0, 0, 0), (0, 0, 0, 255))
"""From, and to; X means nothing."""


def _behind(left: Pixels, right: Pixels, out: Pixels) -> None:
    """Right, and where that is black, what is behind it: left."""
    hidden = cv2.inRange(right, *_BLACK)
    np.copyto(out, right)
    cv2.copyTo(left, hidden, out)


def _mask(left: Pixels, right: Pixels, out: Pixels) -> None:
    """Left, but black where right is."""
    seen = cv2.bitwise_not(cv2.inRange(right, *_BLACK))
    out[:] = 0
    cv2.copyTo(left, seen, out)


def _average(left: Pixels, right: Pixels, out: Pixels) -> None:
    """Half of both, rounded down."""
    # All that both have, and half of what one has: no sum that a byte could not hold.
    np.add(left & right, (left ^ right) >> 1, out=out)


OPERATORS: Mapping[str, Operator] = {
    "and": lambda left, right, out: np.bitwise_and(left, right, out=out),
    "avg": _average,
    "behind": _behind,
    "diff": lambda left, right, out: cv2.absdiff(left, right, dst=out),
    "mask": _mask,
    "max": lambda left, right, out: np.maximum(left, right, out=out),
    "or": lambda left, right, out: np.bitwise_or(left, right, out=out),
    "sum": lambda left, right, out: cv2.add(left, right, dst=out),
    "xor": lambda left, right, out: np.bitwise_xor(left, right, out=out),
}


def crossfade(left: Pixels, right: Pixels, share: float, out: Pixels) -> None:
    """Mix both; ``share`` of right, 0 to 1."""
    cv2.addWeighted(left, 1 - share, right, share, 0, dst=out)
