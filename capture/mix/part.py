"""A feed within another, and its picture in the size that is wanted."""

import time
from collections.abc import Iterable

import cv2
import numpy as np

from webcapd.capture.feeds.feed import Feed
from webcapd.capture.geometry import Rectangle, scaled
from webcapd.capture.overlay import Pixels
from webcapd.capture.source import SourceChanged, SourceError, SourceNotReady

# What is opened and then lost is not opened again and again.
_REST_SECONDS = 0.5


class Part:
    """Keeps the newest picture of a feed.  Encoder thread only."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.size = (0, 0)
        """Width and height of its pictures, once it is open."""
        self.problem: str | None = "is not open"
        """Why there is no picture; None while it is open.  Others may read it."""
        self._own: Pixels = np.zeros((0, 0, 4), np.uint8)
        self.shown: Pixels = self._own
        """(height, width, 4) bytes B, G, R, X, in the size that is wanted."""
        self._is_first = True
        self._not_before = 0.0

    def open(self) -> None:
        """Open the feed, to be shown in its own size; raises SourceError.

        One that was lost a moment ago is not opened yet.
        """
        self.size = (0, 0)
        try:
            if time.monotonic() < self._not_before:
                raise SourceNotReady(self.problem or "it is lost")
            self.size = width, height = self.feed.open()
            self._own = np.zeros((height, width, 4), np.uint8)
        except SourceError as error:
            self.problem = str(error)
            raise
        self.shown, self._is_first, self.problem = self._own, True, None

    def close(self) -> None:
        self.feed.close()
        self.problem = self.problem or "is closed"

    def is_back(self) -> bool:
        """Whether a feed that is not open can be opened again; it is closed afterwards."""
        try:
            self.open()
        except SourceError:
            return False
        finally:
            self.close()
        return True

    def scale(self, width: int, height: int) -> None:
        """Have the picture in another size from now on."""
        self._is_first = True
        self.shown = self._own
        if (width, height) != self.size:
            self.shown = np.zeros((height, width, 4), np.uint8)

    def refresh(self) -> list[Rectangle]:
        """Take what is new; gives where ``shown`` may have changed.

        Raises SourceError, and SourceChanged where the feed has another size.
        """
        if self.size == (0, 0):
            return []
        try:
            picture = self.feed.take()
            if picture is None:
                return []
            if (picture.width, picture.height) != self.size:
                raise SourceChanged
            changed: Iterable[Rectangle] = [picture.area]
            if not self._is_first and picture.changed is not None:
                changed = [place for one in picture.changed if (place := one.within(picture.area))]
            for place in changed:
                target = self._own[place.y : place.bottom, place.x : place.right]
                picture.copy_to(target, place)
        except SourceError as error:
            self.problem, self._not_before = str(error), time.monotonic() + _REST_SECONDS
            raise
        self._is_first = False
        return self._scaled(list(changed))

    def _scaled(self, changed: list[Rectangle]) -> list[Rectangle]:
        """Bring the scaled picture up to date; gives where it may have changed."""
        if self.shown is self._own or not changed:
            return changed
        height, width = self.shown.shape[:2]
        shrinks = width < self.size[0] or height < self.size[1]
        way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        cv2.resize(self._own, (width, height), dst=self.shown, interpolation=way)
        return [scaled(place, self.size, (width, height)) for place in changed]
