"""The pointer: an overlay that is kept up to date.

Its image and hot spot come from XFixes; where it is comes with every grab.
"""

import math

from webcapd.capture.overlay import Sprite
from webcapd.capture.x11.control import Control
from webcapd.capture.x11.xfixes import CursorImage

# A pointer that moves is asked for with each frame, and for so long afterwards.
_RESTLESS_SECONDS = 2.0

# Another one so often that its first move is shown in 0.2 s.
_RESTING_PERIOD = 0.17

Place = tuple[int, int]


class PointerWatch:
    """When to ask where the pointer is.

    A hand's motion is reported.  That of a program (XWarpPointer: xdotool, games,
    tests) is reported to nobody, and nothing but asking tells of it.  No clock of
    its own: the caller brings the time.
    """

    def __init__(self) -> None:
        self._place: Place | None = None
        self._asked = self._moved = -math.inf

    def wait(self, now: float, fps: float) -> float:
        """Seconds until it is to be asked for again, where so many frames a second are wanted."""
        period = _RESTING_PERIOD
        if now - self._moved < _RESTLESS_SECONDS:
            period = min(period, 1 / fps)
        return max(0.0, self._asked + period - now)

    def seen(self, place: Place | None, now: float) -> bool:
        """Note where it is; tells whether that is another place."""
        self._asked = now
        if place == self._place:
            return False
        self._place, self._moved = place, now
        return True


class Pointer:
    """Follows the pointer: its image when that is another, its place at each look.

    Encoder thread only.
    """

    def __init__(self, control: Control) -> None:
        self._control = control
        self._image: CursorImage | None = None
        self._stale = True

    def changed(self) -> None:
        """Hear that the server shows another image."""
        self._stale = True

    def overlays(self, x: int, y: int) -> list[Sprite]:
        """Give what to lay over the screen for a pointer at x, y of the frame buffer."""
        if self._stale:
            self._image = self._control.cursor_image()
            self._stale = False
        if self._image is None:
            return []
        hot_x, hot_y = self._image.hot
        return [self._image.image.at(x - hot_x, y - hot_y)]
