"""Patterns that stand still: to check colours, geometry and sharpness."""

from collections.abc import Sequence

import numpy as np

from webcapd.capture.geometry import Rectangle
from webcapd.capture.patterns.painter import Painter

# White, yellow, cyan, green, magenta, red, blue and black at 75 %, as B, G, R.
_BARS = [
    (191, 191, 191),
    (0, 191, 191),
    (191, 191, 0),
    (0, 191, 0),
    (191, 0, 191),
    (0, 0, 191),
    (191, 0, 0),
    (0, 0, 0),
]


class _Still(Painter):
    fps = 0.0

    def advance(self, before: int | None, frame: int, moment: float) -> Sequence[Rectangle]:
        return []


class Bars(_Still):
    """Colour bars, and a gray scale of 16 steps below them."""

    def begin(self) -> None:
        columns = np.arange(self.width)
        self.pixels[:, :, :3] = np.array(_BARS, np.uint8)[columns * len(_BARS) // self.width]
        scale = columns * 16 // self.width * 17
        self.pixels[self.height * 3 // 4 :, :, :3] = scale.astype(np.uint8)[:, None]


class Grid(_Still):
    """White lines on black, 32 pixels apart, with a frame around and a diagonal cross."""

    def begin(self) -> None:
        pixels = self.pixels
        pixels[::32, :, :3] = pixels[:, ::32, :3] = 96
        pixels[[0, -1], :, :3] = pixels[:, [0, -1], :3] = 255
        steps = np.arange(max(self.width, self.height))
        y, x = steps * self.height // len(steps), steps * self.width // len(steps)
        pixels[y, x, :3] = pixels[y, self.width - 1 - x, :3] = 255


class Checker(_Still):
    """A chessboard with fields of 8 pixels; beside it, in the right half, of one pixel."""

    def begin(self) -> None:
        y, x = np.ogrid[: self.height, : self.width]
        size = np.where(x < self.width // 2, 8, 1)
        self.pixels[:, :, :3] = ((y // size + x // size) % 2 * 255).astype(np.uint8)[:, :, None]


class Gradient(_Still):
    """Red rises to the right, green downwards, blue to the left."""

    def begin(self) -> None:
        across = np.linspace(0, 255, self.width).round().astype(np.uint8)
        down = np.linspace(0, 255, self.height).round().astype(np.uint8)
        self.pixels[:, :, 2], self.pixels[:, :, 0] = across, across[::-1]
        self.pixels[:, :, 1] = down[:, None]
