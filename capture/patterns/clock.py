"""A clock with frame numbers: shows how old a picture is, and whether it is torn or stands."""

import time
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from webcapd.capture.decoration import load_font
from webcapd.capture.geometry import Rectangle
from webcapd.capture.overlay import Pixels
from webcapd.capture.patterns.painter import Painter, blend

_INK, _DIM, _GROUND = (235, 232, 230), (160, 140, 120), (40, 30, 24)
_CHARACTERS = "0123456789:.-# "


class Clock(Painter):
    """Wall time to a hundredth of a second, the date, and the number of the frame.

    Only characters that read otherwise are painted.
    """

    def begin(self) -> None:
        self.pixels[:, :, :3] = _GROUND
        size = max(8, min(self.height // 5, self.width // 8))
        top = max(0, (self.height - 3 * size) // 2)
        self._lines = (
            _Line(self.pixels, top, size, 11, _INK),
            _Line(self.pixels, top + size * 3 // 2, size // 2, 10, _DIM),
            _Line(self.pixels, top + size * 9 // 4, size // 2, 10, _DIM),
        )

    def advance(self, before: int | None, frame: int, moment: float) -> Sequence[Rectangle]:
        now = time.localtime(moment)
        texts = (
            time.strftime("%H:%M:%S", now) + f".{int(moment % 1 * 100):02d}",
            time.strftime("%Y-%m-%d", now),
            f"#{frame}",
        )
        lines = zip(self._lines, texts, strict=True)
        return [place for line, text in lines for place in line.write(text)]


class _Line:
    """A line of characters that are all equally wide, in the middle of a picture."""

    def __init__(
        self, pixels: Pixels, top: int, size: int, characters: int, ink: tuple[int, int, int]
    ) -> None:
        """``size`` is the height in pixels, made less where so many characters have no room."""
        size = max(4, min(size, pixels.shape[1] * 3 // 2 // characters))
        self._glyphs = _drawn(size, ink)
        width = self._glyphs["0"].shape[1]
        self._left, self._top, self._width = (pixels.shape[1] - width * characters) // 2, top, width
        self._pixels, self._text = pixels, " " * characters

    def write(self, text: str) -> list[Rectangle]:
        """Paint the characters that differ from what is there; gives where."""
        text = text.ljust(len(self._text))[: len(self._text)]
        changed = []
        for number, (character, there) in enumerate(zip(text, self._text, strict=True)):
            if character != there:
                changed += self._put(number, self._glyphs[character])
        self._text = text
        return changed

    def _put(self, number: int, glyph: Pixels) -> list[Rectangle]:
        height, width, _ = glyph.shape
        x = self._left + number * self._width
        everything = Rectangle(0, 0, self._pixels.shape[1], self._pixels.shape[0])
        place = Rectangle(x, self._top, width, height).within(everything)
        if not place:
            return []
        part = glyph[: place.height, place.x - x : place.right - x]
        self._pixels[place.y : place.bottom, place.x : place.right] = part
        return [place]


def _drawn(size: int, ink: tuple[int, int, int]) -> Mapping[str, Pixels]:
    """Draw each character in a box of its own, all of one size."""
    font = load_font(size)
    width = max(round(font.getbbox(character)[2]) for character in _CHARACTERS)
    images = {}
    for character in _CHARACTERS:
        image = Image.new("L", (width, size + size // 4))
        left, _, right, _ = font.getbbox(character)
        ImageDraw.Draw(image).text(((width - right - left) / 2, 0), character, 255, font)
        images[character] = blend(np.asarray(image), ink, _GROUND)
    return images
