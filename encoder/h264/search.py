"""Whether motion is to be searched for far: where text scrolls, but not all through a film.

A far search finds where text went, and saves a factor of 10 to 30 there; in films it takes a fifth
of x264's time for some percent of bytes.  So it ends when all has moved for a while and nothing
of it was found at another height of the picture before.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from webcapd.base.process.late import NDArray, np

# After so many frames in which nothing scrolls it is a film: what is dragged, or scrolls sideways,
# moves for a shorter time.  After so many seconds of rest it begins anew.
_FILM_FRAMES, _REST_SECONDS = 30, 0.5

# Looked at are columns of 8 pixels, in pieces of 4 rows.
_COLUMNS, _ROWS = 8, 4
# Of the pieces that changed, so many are looked for in the picture before.  With fewer than the
# least, too little moves to tell; and so many found are what scrolls.
_SOUGHT, _LEAST, _FOUND = 32, 16, 4

_MIX = 0x9E3779B97F4A7C15

Words: TypeAlias = "NDArray[np.uint64]"
"""(height, columns) numbers."""


class Search:
    """Decides for the frames of one encoder, one after the other; for the thread that encodes."""

    def __init__(self) -> None:
        self._before: Words | None = None
        """What the columns of the frame before showed from each row on."""
        self._moved_at = -math.inf
        self._frames = 0
        """So many were those of a film."""

    def is_far(self, luma: Words, moment: float) -> bool:
        """Tell how to search in the next frame.

        ``luma`` is (height, at least 1): in each row its brightness, 8 pixels a number;
        ``moment`` is when it was on the screen, in seconds.
        """
        shown, before = pieces(luma), self._before
        self._before = shown
        if moment - self._moved_at > _REST_SECONDS:
            self._frames = 0
        self._moved_at = moment
        if before is not None and before.shape == shown.shape:
            scrolls = scrolled(shown, before)
            if scrolls is not None:
                self._frames = 0 if scrolls else self._frames + 1
        return self._frames < _FILM_FRAMES


def pieces(luma: Words) -> Words:
    """Give what some columns show from each row on, as a number; 0 where that may be plain."""
    height, width = luma.shape
    across = np.arange(min(_COLUMNS, width)) * width // min(_COLUMNS, width)
    rows = luma[:, across]
    count = max(0, height - _ROWS + 1)
    mixed = rows[:count].copy()
    for row in range(1, _ROWS):
        mixed *= np.uint64(_MIX)
        mixed += rows[row : row + count]
    mixed[rows[:count] == rows[_ROWS - 1 : _ROWS - 1 + count]] = 0
    return mixed


def scrolled(shown: Words, before: Words) -> bool | None:
    """Tell whether what is new stood at another height before; None if too little is new.

    Both are pieces() of pictures of one size.
    """
    new = np.flatnonzero((shown != before) & (shown != 0))
    if new.size < _LEAST:
        return None
    sought = new[:: math.ceil(new.size / _SOUGHT)]
    column = sought % shown.shape[1]
    return int((before[:, column] == shown.ravel()[sought]).any(0).sum()) >= _FOUND
