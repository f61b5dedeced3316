"""Windows that look like something: the server itself repaints what comes out from under others."""

from typing import Any

import numpy as np
from numpy.random import Generator
from Xlib import X
from Xlib.display import Display

_SIDE = 256


def texture(display: Display, random: Generator) -> Any:  # A pixmap; the stubs say None takes it.
    """Give a background of a few greys, no two places of which look alike, as letters do."""
    root = display.screen().root
    greys = random.integers(0, 256, (3, 1), np.uint8).repeat(4, 1)
    # Most is paper.
    strokes = np.maximum(random.integers(-6, 3, (_SIDE, _SIDE // 4)), 0).repeat(4, 1)
    pixmap = root.create_pixmap(_SIDE, _SIDE, 24)
    gc = pixmap.create_gc()
    for top in range(0, _SIDE, 32):
        rows = greys[strokes[top : top + 32]].tobytes()
        pixmap.put_image(gc, 0, top, _SIDE, 32, X.ZPixmap, 24, 0, rows)
    gc.free()
    return pixmap
