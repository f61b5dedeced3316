"""Deterministic things to happen on an X display: ``workload.py NAME``, DISPLAY set.

idle     a desktop picture (text, gradients, a photographic region) that rests
typing   the same, and one 8x16 character cell that changes 10 times a second
video    the same, and 640x360 of photographic content that changes 30 times a second
full     everything changes 30 times a second
"""

import itertools
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from Xlib import X
from Xlib.display import Display
from Xlib.xobject.drawable import Drawable

CELL = (8, 16)
TYPING_PER_SECOND = 10
VIDEO_SIZE = (640, 360)
VIDEO_PER_SECOND = 30


def desktop(width: int, height: int) -> NDArray[np.uint8]:
    """Make a desktop picture, (height, width, 4) bytes B, G, R, X; always the same."""
    generator = np.random.default_rng(1)
    picture = np.zeros((height, width, 4), np.uint8)
    picture[:, :, 0] = np.linspace(40, 120, height)[:, None]
    picture[:, :, 1] = np.linspace(30, 90, width)[None, :]
    # Text: a page of cells, half of whose pixels are ink.
    page = picture[height // 8 : height * 7 // 8, width // 16 : width // 2]
    page[:] = 245
    rows, columns = page.shape[0] // 20, page.shape[1] // 8
    for row in range(rows):
        ink = generator.random((12, columns * 8)) < 0.35
        page[row * 20 + 4 : row * 20 + 16, : columns * 8][ink] = 25
    # A photograph: noise, smoothed, so that it has detail at every scale.
    photograph = picture[height // 4 : height * 3 // 4, width * 9 // 16 : width * 15 // 16]
    noise = generator.integers(0, 256, (*photograph.shape[:2], 3)).astype(np.float64)
    for _ in range(4):
        noise = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1) + np.roll(noise, 2, 0)) / 4
    photograph[:, :, :3] = np.clip((noise - 128) * 3 + 128, 0, 255)
    return picture


def put(
    display: Display, where: Drawable, gc: Any, pixels: NDArray[np.uint8], x: int, y: int
) -> None:
    """Put (height, width, 4) pixels on a window or pixmap."""
    for top in range(0, len(pixels), 16):
        rows = np.ascontiguousarray(pixels[top : top + 16])
        where.put_image(gc, x, y + top, rows.shape[1], len(rows), X.ZPixmap, 24, 0, rows.tobytes())
    display.sync()


def ticks(per_second: float) -> Iterator[int]:
    """Count from 0 at a rate, without drift."""
    moment = time.monotonic()
    for number in itertools.count():
        yield number
        moment += 1 / per_second
        time.sleep(max(0.0, moment - time.monotonic()))


class Workload:
    """A window over the whole screen."""

    def __init__(self, display: Display) -> None:
        screen = display.screen()
        self.display = display
        self.width, self.height = screen.width_in_pixels, screen.height_in_pixels
        self.window = screen.root.create_window(
            0, 0, self.width, self.height, 0, screen.root_depth, override_redirect=True
        )
        self.window.map()
        self.gc = self.window.create_gc()
        self.put(desktop(self.width, self.height), 0, 0)

    def put(self, pixels: NDArray[np.uint8], x: int, y: int) -> None:
        """Put (height, width, 4) pixels."""
        put(self.display, self.window, self.gc, pixels, x, y)

    def idle(self) -> None:
        time.sleep(86400)

    def typing(self) -> None:
        """Change one character cell after the other, along a line."""
        generator = np.random.default_rng(2)
        width, height = CELL
        cells = generator.integers(0, 2, (64, height, width, 1), np.uint8).repeat(4, 3) * 220
        for number in ticks(TYPING_PER_SECOND):
            column = number % (self.width // 2 // width)
            self.put(cells[number % 64], column * width, self.height // 3 + 5)

    def video(self) -> None:
        self.play(*VIDEO_SIZE)

    def full(self) -> None:
        self.play(self.width, self.height)

    def play(self, width: int, height: int) -> None:
        """Show a picture that wanders, in the lower right corner: no two frames are alike.

        It lies in the server's memory, four times beside and below itself;
        showing a part costs the server a copy and us nothing.
        """
        tile = desktop(width, height)
        wide = self.window.create_pixmap(2 * width, 2 * height, 24)
        for x, y in ((0, 0), (width, 0), (0, height), (width, height)):
            put(self.display, wide, self.gc, tile, x, y)
        x, y = self.width - width, self.height - height
        for number in ticks(VIDEO_PER_SECOND):
            left, top = 37 * number % width, 23 * number % height
            self.window.copy_area(self.gc, wide, left, top, width, height, x, y)
            self.display.sync()


def main() -> None:
    workload = Workload(Display())
    print("drawing", flush=True)
    getattr(workload, sys.argv[1])()


if __name__ == "__main__":
    main()
