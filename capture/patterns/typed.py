"""Somebody types: one character a frame, page after page."""

from collections.abc import Sequence

import numpy as np

from webcapd.capture.geometry import Rectangle
from webcapd.capture.patterns.glyphs import Glyphs
from webcapd.capture.patterns.painter import Painter

_LETTERS = "eeeeetttaaaooinnsshhrrdlucmfwygpbvk"
_CHARACTERS = "abcdefghijklmnopqrstuvwxyz,. "
_INK, _GROUND = (30, 30, 30), (250, 250, 250)


class Text(Painter):
    """Words of random letters."""

    fps = 10.0

    def begin(self) -> None:
        self._glyphs = Glyphs(_CHARACTERS, max(8, self.height // 40), _INK, _GROUND)
        self._columns = max(1, self.width // self._glyphs.width)
        self._capacity = self._columns * max(1, self.height // self._glyphs.height)
        self._page, self._words = -1, ""

    def advance(self, before: int | None, frame: int, moment: float) -> Sequence[Rectangle]:
        page, end = divmod(frame, self._capacity)
        begin = 0 if before is None else before % self._capacity + 1
        if page != self._page or begin > end + 1:
            self._page, self._words, begin = page, self._page_of(page), 0
            self.pixels[:, :, :3] = _GROUND
        changed = [place for at in range(begin, end + 1) for place in self._type(at)]
        return [self.area] if begin == 0 else changed

    def _type(self, at: int) -> list[Rectangle]:
        row, column = divmod(at, self._columns)
        x, y = column * self._glyphs.width, row * self._glyphs.height
        return self._glyphs.put(self.pixels, x, y, self._words[at])

    def _page_of(self, page: int) -> str:
        """Give as many characters as a page has room for."""
        generator = np.random.default_rng([self.seed, page])
        letters = generator.choice(list(_LETTERS), self._capacity)
        # A blank after each word of up to nine letters, perhaps behind a stop.
        ends = np.cumsum(generator.integers(2, 11, self._capacity))
        ends = ends[ends < self._capacity]
        letters[ends] = " "
        stops = ends[generator.random(len(ends)) < 0.1] - 1
        letters[stops] = generator.choice(list(",."), len(stops))
        return "".join(letters)
