"""A clock with frame numbers: shows how old a picture is, and whether it is torn or stands."""

import time
from collections.abc import Sequence

from webcapd.capture.geometry import Rectangle
from webcapd.capture.overlay import Pixels
from webcapd.capture.patterns.glyphs import Colour, Glyphs
from webcapd.capture.patterns.painter import Painter

_INK, _DIM, _GROUND = (235, 232, 230), (160, 140, 120), (40, 30, 24)
_CHARACTERS = "0123456789:.- "


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
            f"{frame:>10}",
        )
        lines = zip(self._lines, texts, strict=True)
        return [place for line, text in lines for place in line.write(text)]


class _Line:
    """A line of characters that are all equally wide, in the middle of a picture."""

    def __init__(self, pixels: Pixels, top: int, size: int, characters: int, ink: Colour) -> None:
        """``size`` is the height in pixels, made less where so many characters have no room."""
        size = max(4, min(size, pixels.shape[1] * 3 // 2 // characters))
        self._glyphs = Glyphs(_CHARACTERS, size, ink, _GROUND)
        self._left = (pixels.shape[1] - self._glyphs.width * characters) // 2
        self._top, self._pixels, self._text = top, pixels, " " * characters

    def write(self, text: str) -> list[Rectangle]:
        """Paint the characters that differ from what is there; gives where."""
        text = text.ljust(len(self._text))[: len(self._text)]
        changed = []
        for number, (character, there) in enumerate(zip(text, self._text, strict=True)):
            if character != there:
                x = self._left + number * self._glyphs.width
                changed += self._glyphs.put(self._pixels, x, self._top, character)
        self._text = text
        return changed
