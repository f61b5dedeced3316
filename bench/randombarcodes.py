"""Barcodes that change at random moments, over whatever else happens; DISPLAY set.

They have a window and a connection of their own, so that they are not in step
with a workload.  Each change comes with a line on standard output: the number
and the moment (monotonic, in seconds).
"""

import itertools
import time

import numpy as np
from Xlib.display import Display

import barcode
from workload import draw_barcode

_SECONDS = (0.08, 0.16)
"""From one to the next; never sooner than two frames, or some would not be seen."""


def main() -> None:
    display = Display()
    screen = display.screen()
    size = (barcode.WIDTH, barcode.BLOCK)
    place = (0, barcode.place(screen.height_in_pixels))
    window = screen.root.create_window(*place, *size, 0, screen.root_depth, override_redirect=True)
    window.map()
    black, white = (window.create_gc(foreground=colour) for colour in (0, 0xFFFFFF))
    display.sync()
    print("drawing", flush=True)
    generator = np.random.default_rng(5)
    for number in itertools.count(1):
        draw_barcode(window, black, white, number, 0)
        moment = time.monotonic()
        display.sync()
        print(number, moment, flush=True)
        time.sleep(generator.uniform(*_SECONDS))


if __name__ == "__main__":
    main()
