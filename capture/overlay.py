"""An image with transparency, laid over the screen at a place."""

from collections.abc import Hashable

import numpy as np
import xxhash
from PIL import Image

from webcapd.capture.framebuffer import Bytes
from webcapd.capture.geometry import Rectangle


class SpriteImage:
    """Pixels (height, width, 4) of bytes B, G, R, A; the colours bear their alpha."""

    def __init__(self, pixels: Bytes) -> None:
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]
        self.identity: Hashable = (xxhash.xxh3_64_intdigest(pixels.data), pixels.shape)
        """Equal for equal pixels, whatever server or file they are from."""

    @classmethod
    def of_image(cls, image: Image.Image) -> "SpriteImage":
        """Take over a picture of any mode; its colours do not bear their alpha yet."""
        straight = np.asarray(image.convert("RGBA"))
        alpha = straight[:, :, 3:].astype(np.uint16)
        pixels = np.empty_like(straight)
        pixels[:, :, :3] = (straight[:, :, 2::-1] * alpha + 127) // 255
        pixels[:, :, 3] = straight[:, :, 3]
        return cls(pixels)

    def at(self, x: int, y: int) -> "Sprite":
        """Put the upper left corner at x, y of the frame buffer."""
        return Sprite(self, x, y)


class Sprite:
    """An overlay: an image at a place of the frame buffer.  Never changed."""

    def __init__(self, image: SpriteImage, x: int, y: int) -> None:
        self._image = image
        self.area = Rectangle(x, y, image.width, image.height)
        self.key: Hashable = (image.identity, x, y)

    def paint(self, pixels: Bytes, visible: Rectangle) -> None:
        left, top = visible.x - self.area.x, visible.y - self.area.y
        part = self._image.pixels[top : top + visible.height, left : left + visible.width]
        blend_premultiplied(pixels, part)


def blend_premultiplied(pixels: Bytes, image: Bytes) -> None:
    """Lay B, G, R, A over B, G, R, X, both (height, width, 4); colours bear their alpha.

    result = image + pixels * (255 - alpha) / 255, rounded, at most 255.
    """
    under = pixels[:, :, :3].astype(np.uint16)
    through = 255 - image[:, :, 3:].astype(np.uint16)
    blended = image[:, :, :3] + (under * through + 127) // 255
    pixels[:, :, :3] = np.minimum(blended, 255)
