"""The pointer: an overlay that is kept up to date.

Its image and hot spot come from XFixes; where it is comes with every grab.
"""

from webcapd.capture.control import Control
from webcapd.capture.sprite import Sprite
from webcapd.capture.xfixes import CursorImage


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
