"""A picture as updates want it: as its view shows it, in one piece, and perhaps in grey."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from webcapd.base.process.late import cv2, np
from webcapd.capture.picture import Picture
from webcapd.encoder.transform import UPRIGHT, TransformedPicture, View
from webcapd.encoder.updates.pixels import Pixels
from webcapd.encoder.updates.state.grid import Mask


class Canvas:
    """What a view shows of one picture after the other.  Encoder thread only.

    Where that lies in memory as the picture does, nothing is copied.
    """

    def __init__(self, view: View) -> None:
        self._gray = view.gray
        is_plain = replace(view, gray=False) == UPRIGHT
        self._buffer = None if is_plain else TransformedPicture(view)
        self._own: Pixels = np.zeros((0, 0, 4), np.uint8)

    @contextmanager
    def seen(self, picture: Picture) -> Iterator[Picture]:
        """Give a picture as the view shows it, while the context lasts."""
        if self._buffer is None:
            yield picture
            return
        with self._buffer.following(picture) as view:
            yield view

    def pixels(self, seen: Picture, mask: Mask) -> Pixels:
        """Give the pixels of what is seen, at least of the bands that have such tiles.

        Where they are copied, those of other bands are as they were.
        """
        if self._buffer is None and not self._gray:
            return seen.pixels
        if self._own.shape[:2] != (seen.height, seen.width):
            self._own = np.zeros((seen.height, seen.width, 4), np.uint8)
        for band in np.flatnonzero(mask.any(1)).tolist():
            top, bottom = seen.layout.rows(band)
            rows = np.ascontiguousarray(seen.pixels[top:bottom])
            if self._gray:
                grey = cv2.cvtColor(rows, cv2.COLOR_BGRA2GRAY)
                self._own[top:bottom] = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGRA)
            else:
                self._own[top:bottom] = rows
        return self._own
