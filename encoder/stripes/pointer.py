"""The pointer's image apart from the picture, for who shows one of his own."""

import math
import time
from collections.abc import Callable, Hashable

from webcapd.base.pace import Pace
from webcapd.capture.overlay import Sprite
from webcapd.capture.picture import Picture
from webcapd.encoder.consumer import NO_DEMAND, Demand, Moment


class PointerImages:
    """A consumer that has the newest image of the pointer; take() and close() are for any thread.

    A pointer that is not over the picture keeps the image that it had there.
    """

    takes_pointer = False
    takes_small = True

    def __init__(self, on_image: Callable[[], None]) -> None:
        """``on_image`` is called in the encoder thread when take() has another one."""
        self._on_image = on_image
        self.pace = Pace()
        self.fps = math.inf
        """The most times a second that it is looked at; any thread."""
        self._own_pace = Pace()
        self.behind = True
        self._closed = False
        self._seen: Hashable = None
        """What was over the picture last; encoder thread only."""
        self._new: Sprite | None = None
        """Replaced whole: by the encoder thread when there is one, and when it is taken."""

    def __str__(self) -> str:
        return "the pointer"

    def demand(self) -> Demand:
        if self._closed:
            return NO_DEMAND
        now = time.monotonic()
        return Demand(self.fps, False, now + self._own_pace.wait(now, self.fps))

    def feed(self, picture: Picture, moment: Moment) -> None:
        self._own_pace.took_place(time.monotonic(), self.fps)
        pointer = picture.pointer
        if pointer is None:
            return
        before, self._seen = self._seen, (pointer.image.identity, pointer.hot_spot)
        if self._seen != before:
            self._new = pointer
            self._on_image()

    def take(self) -> Sprite | None:
        """Give the newest image, once; None if it was taken.  Its place counts for nothing."""
        new, self._new = self._new, None
        return new

    def expire(self) -> None: ...

    def close(self) -> None:
        self._closed = True
