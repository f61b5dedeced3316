"""The pointer: an overlay, and who keeps it up to date.

Its image and hot spot come from XFixes; where it is comes with every grab.
"""

from collections.abc import Hashable

import numpy as np

from webcapd.capture.control import Control
from webcapd.capture.framebuffer import Bytes
from webcapd.capture.rectangle import Rectangle
from webcapd.capture.xfixes import CursorImage


class Cursor:
    """A pointer's image at a place of the frame buffer.  Never changed."""

    def __init__(self, image: CursorImage, x: int, y: int) -> None:
        """Put the image's hot spot at x, y of the frame buffer."""
        self._image = image
        height, width = image.pixels.shape[:2]
        self.area = Rectangle(x - image.hot[0], y - image.hot[1], width, height)
        self.key: Hashable = (image.identity, self.area)

    def paint(self, pixels: Bytes, visible: Rectangle) -> None:
        left, top = visible.x - self.area.x, visible.y - self.area.y
        image = self._image.pixels[top : top + visible.height, left : left + visible.width]
        blend_premultiplied(pixels, image)


def blend_premultiplied(pixels: Bytes, image: Bytes) -> None:
    """Lay B, G, R, A over B, G, R, X, both (height, width, 4); colours bear their alpha.

    result = image + pixels * (255 - alpha) / 255, rounded, at most 255.
    """
    under = pixels[:, :, :3].astype(np.uint16)
    through = 255 - image[:, :, 3:].astype(np.uint16)
    blended = image[:, :, :3] + (under * through + 127) // 255
    pixels[:, :, :3] = np.minimum(blended, 255)


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

    def overlays(self, x: int, y: int) -> list[Cursor]:
        """Give what to lay over the screen for a pointer at x, y of the frame buffer."""
        if self._stale:
            self._image = self._control.cursor_image()
            self._stale = False
        return [] if self._image is None else [Cursor(self._image, x, y)]
