"""Something that moves, for a first look: a clock and a bouncing ball on an X display.

Core X requests alone, so that it runs on any server.  Everything is drawn on a
pixmap and copied to the window whole, so that no half-drawn picture is seen.
"""

import time
from collections.abc import Iterator

from Xlib import X
from Xlib.display import Display
from Xlib.error import ConnectionClosedError

FRAMES_PER_SECOND = 30
BALL = 64
SPEED = 180.0
"""Pixels a second, along each axis."""

# Seven-segment digits: (t)op, (m)iddle, (u)nder, and the sides a b over c d.
DIGITS = {
    "0": "tuabcd",
    "1": "bd",
    "2": "tmubc",
    "3": "tmubd",
    "4": "mabd",
    "5": "tmuad",
    "6": "tmuacd",
    "7": "tbd",
    "8": "tmuabcd",
    "9": "tmuabd",
}
LINES = (
    "This is webcapd's embedded display, live.",
    "",
    "An existing screen:     script/run --display :0",
    "A program of yours:     script/run --virtual 1280x720 -- PROGRAM",
    "Everything else:        script/run --help",
)

Rectangle = tuple[int, int, int, int]


def segments(text: str, x: int, y: int, size: int) -> Iterator[Rectangle]:
    """Give the bars of digits and colons, ``size`` pixels to a half digit."""
    thick = size // 6
    bars = {
        "t": (0, 0, size, thick),
        "m": (0, size, size, thick),
        "u": (0, 2 * size, size, thick),
        "a": (0, 0, thick, size),
        "b": (size - thick, 0, thick, size),
        "c": (0, size, thick, size + thick),
        "d": (size - thick, size, thick, size + thick),
    }
    for character in text:
        if character == ":":
            yield x, y + size // 2, thick, thick
            yield x, y + size + size // 2, thick, thick
            x += 3 * thick
        else:
            for name in DIGITS[character]:
                dx, dy, width, height = bars[name]
                yield x + dx, y + dy, width, height
            x += size + 2 * thick


def bounce(distance: float, room: int) -> int:
    """Fold a distance travelled into a way there and back."""
    folded = distance % (2 * max(1, room))
    return int(min(folded, 2 * max(1, room) - folded))


class Demo:
    """The window and what is drawn on it."""

    def __init__(self, display: Display) -> None:
        self.display = display
        screen = display.screen()
        self.width, self.height = screen.width_in_pixels, screen.height_in_pixels
        self.window = screen.root.create_window(0, 0, self.width, self.height, 0, screen.root_depth)
        self.window.map()
        self.canvas = self.window.create_pixmap(self.width, self.height, screen.root_depth)
        self.gc = self.canvas.create_gc(font=display.open_font("fixed"))
        self.place = (0, 0)

    def paint_background(self, area: Rectangle) -> None:
        """Paint a part of the gradient."""
        x, y, width, height = area
        for row in range(y, y + height):
            shade = row * 40 // self.height
            self.gc.change(foreground=(16 + shade // 2) << 16 | (22 + shade) << 8 | 48 + shade)
            self.canvas.fill_rectangle(self.gc, x, row, width, 1)

    def paint_clock(self, text: str) -> Rectangle:
        """Paint the time of day; returns the area it takes."""
        size = self.width // 24
        area = (self.width // 12, self.height // 6, self.width * 5 // 6, 2 * size + size // 3)
        self.paint_background(area)
        self.gc.change(foreground=0x8CB8FF)
        bars = [tuple(bar) for bar in segments(text, area[0], area[1], size)]
        self.canvas.poly_fill_rectangle(self.gc, bars)
        return area

    def paint_lines(self) -> None:
        self.gc.change(foreground=0xE8EBF0)
        for number, line in enumerate(LINES):
            y = self.height // 2 + number * 20
            self.canvas.draw_text(self.gc, self.width // 12, y, line)

    def move_ball(self, elapsed: float) -> None:
        """Move the ball to its place at a time, and show both places."""
        # The ball has the lower right of the screen to itself.
        left, top = self.width * 7 // 12, self.height // 2
        area = (left, top, self.width - left, self.height - top)
        x = left + bounce(elapsed * SPEED, area[2] - BALL)
        y = top + bounce(elapsed * SPEED, area[3] - BALL)
        old_x, old_y = self.place if self.place != (0, 0) else (x, y)
        self.paint_background((old_x, old_y, BALL, BALL))
        self.gc.change(foreground=0xFFB454)
        self.canvas.fill_arc(self.gc, x, y, BALL - 1, BALL - 1, 0, 360 * 64)
        self.place = (x, y)
        corner = (min(x, old_x), min(y, old_y))
        self.show((*corner, abs(x - old_x) + BALL, abs(y - old_y) + BALL))

    def show(self, area: Rectangle) -> None:
        x, y, width, height = area
        self.window.copy_area(self.gc, self.canvas, x, y, width, height, x, y)

    def run(self) -> None:
        """Draw until the display goes away."""
        self.paint_background((0, 0, self.width, self.height))
        self.paint_lines()
        self.show((0, 0, self.width, self.height))
        began, shown = time.monotonic(), ""
        while True:
            now = time.strftime("%H:%M:%S")
            if now != shown:
                shown = now
                self.show(self.paint_clock(now))
            self.move_ball(time.monotonic() - began)
            self.display.sync()
            time.sleep(1 / FRAMES_PER_SECOND)


def main() -> None:
    try:
        demo = Demo(Display())
        demo.display.screen().root.change_attributes(event_mask=X.NoEventMask)
        demo.run()
    except (ConnectionClosedError, KeyboardInterrupt):
        pass


if __name__ == "__main__":
    main()
