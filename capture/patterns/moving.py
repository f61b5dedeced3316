"""Patterns that move all over, or in one place."""

from collections.abc import Sequence

import numpy as np

from webcapd.capture.geometry import Rectangle
from webcapd.capture.patterns.painter import Painter

_BANDS = 12
_BAND_STEP = 4
"""Pixels a frame."""

_GROUND, _INK = (48, 38, 30), (90, 200, 250)


class Noise(Painter):
    """Each pixel another in each frame: the most that there is to encode."""

    def advance(self, before: int | None, frame: int, moment: float) -> Sequence[Rectangle]:
        generator = np.random.Generator(np.random.SFC64([self.seed, frame]))
        values = generator.integers(0, 2**32, self.width * self.height, np.uint32)
        self.pixels[:] = values.view(np.uint8).reshape(self.pixels.shape)
        return [self.area]


class Bands(Painter):
    """Upright bands of colour that move to the left."""

    def begin(self) -> None:
        generator = np.random.default_rng(self.seed)
        width = max(1, self.width // _BANDS)
        colours = generator.integers(0, 256, (_BANDS, 4), np.uint8)
        self._colours = colours.view(np.uint32)[:, 0].repeat(width)

    def advance(self, before: int | None, frame: int, moment: float) -> Sequence[Rectangle]:
        columns = (np.arange(self.width) + frame * _BAND_STEP) % len(self._colours)
        self.pixels.view(np.uint32)[:, :, 0] = self._colours[columns]
        return [self.area]


class Ball(Painter):
    """A ball that bounces off the edges: little changes, in one place."""

    def begin(self) -> None:
        self.pixels[:, :, :3] = _GROUND
        size = self._size = max(1, min(self.width, self.height) // 6)
        offset = np.arange(size) - (size - 1) / 2
        self._disc = np.hypot(offset[:, None], offset) <= size / 2
        generator = np.random.default_rng(self.seed)
        self._start = generator.integers(0, 4096, 2).tolist()
        self._step = generator.integers(3, 9, 2).tolist()

    def advance(self, before: int | None, frame: int, moment: float) -> Sequence[Rectangle]:
        changed = []
        if before is not None:
            place = self._place(before)
            self.pixels[place.y : place.bottom, place.x : place.right, :3] = _GROUND
            changed.append(place)
        place = self._place(frame)
        self.pixels[place.y : place.bottom, place.x : place.right, :3][self._disc] = _INK
        return [*changed, place]

    def _place(self, frame: int) -> Rectangle:
        rooms = (self.width - self._size, self.height - self._size)
        x, y = (
            bounced(start + step * frame, room)
            for start, step, room in zip(self._start, self._step, rooms, strict=True)
        )
        return Rectangle(x, y, self._size, self._size)


def bounced(way: int, room: int) -> int:
    """Fold a way into a course there and back; both are in pixels."""
    if room == 0:
        return 0
    course = way % (2 * room)
    return min(course, 2 * room - course)
