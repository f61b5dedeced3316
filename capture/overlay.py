"""An image with transparency, laid over the screen at a place."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import xxhash

from webcapd.base.process.late import Image, NDArray, np
from webcapd.capture.geometry import Rectangle

Pixels: TypeAlias = "NDArray[np.uint8]"
"""(height, width, 4) bytes B, G, R and one more."""


class SpriteImage:
    """Pixels (height, width, 4) of bytes B, G, R, A; the colours bear their alpha."""

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]
        self.identity: Hashable = (xxhash.xxh3_64_intdigest(pixels.data), pixels.shape)
        """Equal for equal pixels, whatever server or file they are from."""
        solid = pixels[:, :, 3:] == 255
        is_cut_out = bool((solid | ~pixels.any(axis=2, keepdims=True)).all())
        self._solid = solid if is_cut_out else None
        """Where it hides what is beneath, if it leaves that as it is everywhere else."""

    @classmethod
    def of_image(cls, image: Image.Image) -> SpriteImage:
        """Take over a picture of any mode; its colours do not bear their alpha yet."""
        straight = np.asarray(image.convert("RGBA"))
        alpha = straight[:, :, 3:].astype(np.uint16)
        pixels = np.empty_like(straight)
        pixels[:, :, :3] = (straight[:, :, 2::-1] * alpha + 127) // 255
        pixels[:, :, 3] = straight[:, :, 3]
        return cls(pixels)

    def paint(self, pixels: Pixels, left: int, top: int) -> None:
        """Lay the part that begins at left, top, and is as large as these pixels, over them."""
        height, width = pixels.shape[:2]
        part = (slice(top, top + height), slice(left, left + width))
        if self._solid is None:
            blend_premultiplied(pixels, self.pixels[part])
        else:
            # Most pointers are cut out, and this is a fifth of the work.
            np.copyto(pixels[:, :, :3], self.pixels[part][:, :, :3], where=self._solid[part])

    def at(self, x: int, y: int, hot_spot: tuple[int, int] = (0, 0)) -> Sprite:
        """Put the upper left corner at x, y of the frame buffer."""
        return Sprite(self, x, y, hot_spot)


class Sprite:
    """An overlay: an image at a place of the frame buffer.  Never changed."""

    def __init__(self, image: SpriteImage, x: int, y: int, hot_spot: tuple[int, int]) -> None:
        self.image = image
        self.hot_spot = hot_spot
        """The pixel of the image that points, where it is a pointer's."""
        self.area = Rectangle(x, y, image.width, image.height)
        """Where it is; it may reach beyond the frame buffer."""
        self.key: Hashable = (image.identity, x, y)
        """Differs whenever it looks different or is elsewhere."""

    def paint(self, pixels: Pixels, visible: Rectangle) -> None:
        """Paint the part that lies in ``visible`` on just these pixels."""
        self.image.paint(pixels, visible.x - self.area.x, visible.y - self.area.y)


@contextmanager
def painted(pixels: Pixels, sprites: Iterable[Sprite]) -> Iterator[None]:
    """Have sprites over the pixels of a frame buffer for as long as the context lasts."""
    everything = Rectangle(0, 0, pixels.shape[1], pixels.shape[0])
    saved: list[tuple[Pixels, Pixels]] = []
    try:
        for sprite in sprites:
            if visible := sprite.area.within(everything):
                view = pixels[visible.y : visible.bottom, visible.x : visible.right]
                saved.append((view, view.copy()))
                sprite.paint(view, visible)
        yield
    finally:
        for view, clean in reversed(saved):
            view[:] = clean


def blend_premultiplied(pixels: Pixels, image: Pixels) -> None:
    """Lay B, G, R, A over B, G, R, X, both (height, width, 4); colours bear their alpha.

    result = image + pixels * (255 - alpha) / 255, rounded, at most 255.
    """
    under = pixels[:, :, :3].astype(np.uint16)
    through = 255 - image[:, :, 3:].astype(np.uint16)
    blended = image[:, :, :3] + (under * through + 127) // 255
    pixels[:, :, :3] = np.minimum(blended, 255)
