"""Characters in boxes of one size, drawn once, so that each frame only copies them."""

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw

from webcapd.capture.decoration import load_font
from webcapd.capture.geometry import Rectangle
from webcapd.capture.overlay import Pixels

Colour = tuple[int, int, int]
"""B, G, R."""


class Glyphs:
    """Some characters in one colour; ``width`` and ``height`` are of all their boxes."""

    def __init__(self, characters: str, size: int, ink: Colour, ground: Colour) -> None:
        """``size`` is the height of letters, in pixels."""
        font = load_font(size)
        self.width = max(1, *(round(font.getbbox(character)[2]) for character in characters))
        self.height = size + size // 4
        self._images: Mapping[str, Pixels] = {}
        for character in characters:
            image = Image.new("L", (self.width, self.height))
            left, _, right, _ = font.getbbox(character)
            place = ((self.width - right - left) / 2, 0)
            ImageDraw.Draw(image).text(place, character, 255, font)
            self._images[character] = _blend(np.asarray(image), ink, ground)

    def put(self, pixels: Pixels, x: int, y: int, character: str) -> list[Rectangle]:
        """Paint a character; gives where it is, within the picture, if it is there at all."""
        box = Rectangle(x, y, self.width, self.height)
        place = box.within(Rectangle(0, 0, pixels.shape[1], pixels.shape[0]))
        if not place:
            return []
        part = place.moved(-x, -y)
        image = self._images[character][part.y : part.bottom, part.x : part.right]
        pixels[place.y : place.bottom, place.x : place.right] = image
        return [place]


def _blend(image: Pixels, ink: Colour, ground: Colour) -> Pixels:
    """Colour a gray image, (height, width): 255 becomes ink, 0 ground."""
    share = image[:, :, None].astype(np.uint16)
    colours = np.array(ink, np.uint16) * share + np.array(ground, np.uint16) * (255 - share)
    blended = np.zeros((*image.shape, 4), np.uint8)
    blended[:, :, :3] = (colours + 127) // 255
    return blended
