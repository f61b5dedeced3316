"""The picture shown when there is none: what is wrong, and since when.  Pure."""

import textwrap
import time

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from webcapd.capture.decoration import load_font

_BACKGROUND, _TITLE, _TEXT = (20, 23, 28), (255, 157, 122), (232, 235, 240)


def draw_placeholder(width: int, height: int, reason: str, since: float) -> NDArray[np.uint8]:
    """Draw the placeholder as (height, width, 4) bytes B, G, R, X.

    ``since`` is in seconds of CLOCK_REALTIME.
    """
    image = Image.new("RGB", (width, height), _BACKGROUND)
    brush = ImageDraw.Draw(image)
    size = max(8, min(width // 32, height // 12))
    margin = 2 * size
    # Letters are a little more than half as wide as they are high.
    columns = max(8, int((width - 2 * margin) / (0.58 * size)))
    when = time.strftime("since %Y-%m-%d %H:%M:%S", time.localtime(since))
    lines = [("No picture", _TITLE, 1.6)]
    lines += [(line, _TEXT, 1.0) for line in textwrap.wrap(reason, columns)]
    lines += [(when, _TEXT, 1.0)]
    y = max(size, (height - int(1.5 * size * (len(lines) + 1))) // 2)
    for text, colour, scale in lines:
        brush.text((margin, y), text, colour, load_font(round(scale * size)))
        y += int(1.5 * scale * size)
    return np.ascontiguousarray(np.asarray(image.convert("RGBX"))[:, :, (2, 1, 0, 3)])
