"""Draws on a real X display."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from Xlib import X
from Xlib.display import Display
from xserver import Pixels, XServer


class Painter:
    """A window that covers the screen, and what is drawn on it.

    Everything drawn is on the screen when the call returns.
    """

    def __init__(self, display: Display) -> None:
        screen = display.screen()
        self.display = display
        self.width, self.height = screen.width_in_pixels, screen.height_in_pixels
        self.window = screen.root.create_window(
            0, 0, self.width, self.height, 0, screen.root_depth, override_redirect=True
        )
        self.window.map()
        self.gc = self.window.create_gc()
        self.fill(0x808080)

    def rectangle(self, colour: int, x: int, y: int, width: int, height: int) -> None:
        """Fill a rectangle with a 0xRRGGBB colour."""
        self.gc.change(foreground=colour)
        self.window.fill_rectangle(self.gc, x, y, width, height)
        self.display.sync()

    def fill(self, colour: int) -> None:
        self.rectangle(colour, 0, 0, self.width, self.height)

    def image(self, pixels: Pixels, x: int = 0, y: int = 0) -> None:
        """Put a (height, width, 3) B, G, R image."""
        height, width = pixels.shape[:2]
        padded = np.dstack([pixels, np.zeros((height, width), np.uint8)])
        for top in range(0, height, 32):
            rows = padded[top : top + 32]
            self.window.put_image(
                self.gc, x, y + top, width, len(rows), X.ZPixmap, 24, 0, rows.tobytes()
            )
        self.display.sync()

    def noise(self, seed: int) -> None:
        """Cover the screen with reproducible noise."""
        generator = np.random.default_rng(seed)
        self.image(generator.integers(0, 256, (self.height, self.width, 3), np.uint8))


@contextmanager
def painter(server: XServer) -> Iterator[Painter]:
    """Give a painter on a display; what it drew goes away with it."""
    with server.connected() as display:
        yield Painter(display)
