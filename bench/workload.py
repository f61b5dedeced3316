"""Deterministic things to happen on an X display: ``workload.py NAME [--numbered]``, DISPLAY set.

idle     a desktop picture (text, gradients, a photographic region) that rests
typing   the same, and an 8x16 character that changes 10 times a second, with a blinking caret
cursor   the same, and the pointer that moves, 60 times a second
scroll   the same, and 1200x800 of text that moves by a line 15 times a second
video    the same, and a film of 640x360, 30 frames a second: nothing of one is in the next
full     such a film on the whole screen
redraw   the same, and 640x360 that is painted again, with the same pixels, 60 times a second
status   the same, and 40 characters that change each 5 s, as the figures of a status screen do

Numbered, each change comes with the next number as a barcode, and a line with
the number and the moment (monotonic, in seconds) goes to standard output.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from Xlib import X, Xcursorfont
from Xlib.display import Display
from Xlib.ext import xtest
from Xlib.xobject.cursor import Cursor
from Xlib.xobject.drawable import Drawable, Pixmap
from Xlib.xobject.fontable import Font

import barcode
from picture import CELL, LINE_ROWS, Pixels, characters, desktop, film, text, wandered

NAMES = ("idle", "typing", "cursor", "scroll", "video", "full", "redraw")
APART = ("status",)
"""Not among what is measured side by side."""

# What is measured has a clock of 30 a second, too.  Lest chance should give a
# run one phase between the two for good, a change comes late every now and
# then, by the golden section of that clock's period: so all phases come about.
_STEADY_SECONDS = 0.4
_PAUSE = 0.382 / 30

VIDEO = (640, 360)
_PAGE = (1200, 800)
_TEXT_LINES = 300
_CHARACTERS = 64
_FIGURES, _STATUS_SECONDS = 40, 5
_CARET_TICKS = 5


def put(display: Display, where: Drawable, gc: Any, pixels: Pixels, x: int, y: int) -> None:
    """Put pixels on a window or pixmap."""
    # A request holds a quarter of a megabyte.
    at_once = 260_000 // (4 * pixels.shape[1])
    for top in range(0, len(pixels), at_once):
        rows = np.ascontiguousarray(pixels[top : top + at_once])
        where.put_image(gc, x, y + top, rows.shape[1], len(rows), X.ZPixmap, 24, 0, rows.tobytes())
    display.sync()


def draw_barcode(where: Drawable, black: Any, white: Any, number: int, y: int) -> None:
    """Draw a number as a barcode at row ``y``; sent with the next flush."""
    size = barcode.BLOCK
    blocks = [(column * size, y, size, size) for column in barcode.blocks(number)]
    where.fill_rectangle(black, 0, y, barcode.WIDTH, size)
    where.poly_fill_rectangle(white, blocks)


def rate(per_second: float) -> float:
    """Give how many ticks there are in a second, with the pauses."""
    return 1 / (1 / per_second + _PAUSE / round(_STEADY_SECONDS * per_second))


def say_drawing() -> None:
    """Say that from now on things happen: whatever takes long (films of large screens) is done."""
    print("drawing", flush=True)


FULL_FPS = rate(30)
"""Of *full* and of *video*."""


def ticks(per_second: float) -> Iterator[int]:
    """Count from 0, without drift, but with a pause after some ticks; says that it begins."""
    say_drawing()
    moment = time.monotonic()
    for number in itertools.count(1):
        yield number - 1
        moment += 1 / per_second
        if number % max(1, round(_STEADY_SECONDS * per_second)) == 0:
            moment += _PAUSE
        time.sleep(max(0.0, moment - time.monotonic()))


class Workload:
    """A window over the whole screen, and what happens there."""

    def __init__(self, display: Display, numbered: bool) -> None:
        screen = display.screen()
        self.display = display
        self.numbered = numbered
        self.width, self.height = screen.width_in_pixels, screen.height_in_pixels
        self.window = screen.root.create_window(
            0, 0, self.width, self.height, 0, screen.root_depth, override_redirect=True
        )
        self.window.change_attributes(cursor=self._arrow())
        self.window.map()
        self.gc = self.window.create_gc()
        self.black, self.white = (
            self.window.create_gc(foreground=colour) for colour in (0, 0xFFFFFF)
        )
        put(display, self.window, self.gc, desktop(self.width, self.height), 0, 0)
        self.number = 0

    def _arrow(self) -> Cursor:
        font = self.display.open_font("cursor")
        assert isinstance(font, Font), "the X server has no font of cursors"
        shape = Xcursorfont.left_ptr
        black, white = (0, 0, 0), (0xFFFF, 0xFFFF, 0xFFFF)
        return font.create_glyph_cursor(font, shape, shape + 1, black, white)

    def pixmap(self, pixels: Pixels, down: int = 1) -> Pixmap:
        """Put pixels in the server's memory, several times below themselves.

        Showing a part then costs the server a copy and us nothing.
        """
        height, width = pixels.shape[:2]
        tiled: Pixmap = self.window.create_pixmap(width, down * height, 24)
        for row in range(down):
            put(self.display, tiled, self.gc, pixels, 0, row * height)
        return tiled

    def happen(self, change: Callable[[], None]) -> None:
        """Have a change happen, with its number."""
        change()
        if self.numbered:
            self.number += 1
            # In one write with the change: the server carries both out before
            # anybody else has a turn.
            self._draw_number()
        moment = time.monotonic()
        self.display.sync()
        if self.numbered:
            print(self.number, moment, flush=True)

    def _draw_number(self) -> None:
        draw_barcode(self.window, self.black, self.white, self.number, barcode.place(self.height))

    def idle(self) -> None:
        """Rest; numbered, show a number now and then, never sooner than a frame after another."""
        say_drawing()
        if not self.numbered:
            time.sleep(86400)
        generator = np.random.default_rng(4)
        while True:
            self.happen(lambda: None)
            time.sleep(generator.uniform(0.08, 0.16))

    def typing(self) -> None:
        """Change one character after the other, along a line, with a caret behind it."""
        width, height = CELL
        glyphs = self.pixmap(characters(_CHARACTERS))
        y = self.height // 3 + 5
        for number in ticks(10):
            x = number % (self.width // 2 // width) * width
            row = number % _CHARACTERS * height
            caret = self.black if number // _CARET_TICKS % 2 else self.white

            def change(x: int = x, row: int = row, caret: Any = caret) -> None:
                self.window.copy_area(self.gc, glyphs, 0, row, width, height, x, y)
                self.window.fill_rectangle(caret, x + width, y, 2, height)

            self.happen(change)

    def status(self) -> None:
        """Change characters at 40 places, all at once."""
        width, height = CELL
        glyphs = self.pixmap(characters(_CHARACTERS))
        generator = np.random.default_rng(5)
        places = [
            (int(x) * width, int(y) * height)
            for x, y in zip(
                generator.integers(0, self.width // width, _FIGURES),
                generator.integers(0, self.height // height, _FIGURES),
                strict=True,
            )
        ]
        for number in ticks(1 / _STATUS_SECONDS):

            def change(number: int = number) -> None:
                for index, (x, y) in enumerate(places):
                    row = (number + index) % _CHARACTERS * height
                    self.window.copy_area(self.gc, glyphs, 0, row, width, height, x, y)

            self.happen(change)

    def cursor(self) -> None:
        """Move the pointer, as a hand does: by input, not by a warp, along a figure of eight."""
        for number in ticks(60):
            x = self.width * (0.5 + 0.4 * np.sin(number / 40))
            y = self.height * (0.5 + 0.4 * np.sin(number / 20))
            xtest.fake_input(self.display, X.MotionNotify, x=int(x), y=int(y))
            self.display.sync()

    def scroll(self) -> None:
        """Show another part of a long text, one line further down each time."""
        width, height = min(_PAGE[0], self.width), min(_PAGE[1], self.height)
        page = self.pixmap(text(width, _TEXT_LINES * LINE_ROWS), down=2)
        for number in ticks(15):
            self.show(page, (0, number % _TEXT_LINES * LINE_ROWS), (width, height), (0, 0))

    def video(self) -> None:
        self._film(*VIDEO)

    def full(self) -> None:
        self._film(self.width, self.height)

    def _film(self, width: int, height: int) -> None:
        """Show a film in the lower right corner: nothing of a frame is in the one before."""
        pixmaps = [self.pixmap(picture) for picture in film(width, height)]
        left, top = self.width - width, self.height - height
        for number in ticks(30):
            picture, x, y = wandered(number, width, height)
            # What is wrapped around comes from the other side.
            across = ((x, 0, width - x), (0, width - x, x))
            down = ((y, 0, height - y), (0, height - y, y))

            def change(picture: int = picture, parts: Any = (across, down)) -> None:
                for (x, to_x, wide), (y, to_y, tall) in itertools.product(*parts):
                    if wide and tall:
                        place = left + to_x, top + to_y
                        self.window.copy_area(self.gc, pixmaps[picture], x, y, wide, tall, *place)

            self.happen(change)

    def redraw(self) -> None:
        """Paint the middle of the picture again."""
        (width, height), picture = VIDEO, desktop(self.width, self.height)
        x, y = (self.width - width) // 2, (self.height - height) // 2
        same = self.pixmap(picture[y : y + height, x : x + width])
        for _ in ticks(60):
            self.show(same, (0, 0), (width, height), (x, y))

    def show(
        self, what: Pixmap, part: tuple[int, int], size: tuple[int, int], at: tuple[int, int]
    ) -> None:
        """Show a part of a pixmap."""
        self.happen(lambda: self.window.copy_area(self.gc, what, *part, *size, *at))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", choices=(*NAMES, *APART))
    parser.add_argument("--numbered", action="store_true")
    given = parser.parse_args()
    getattr(Workload(Display(), given.numbered), given.name)()


if __name__ == "__main__":
    main()
