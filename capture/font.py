"""The font of what is written over or instead of the screen."""

import functools

from PIL import ImageFont

# Pillow's own knows little beyond ASCII; these know most of the world, where
# they are installed.
_WANTED = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf")


@functools.lru_cache(maxsize=16)
def load_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Load the best font at hand, letters about ``size`` pixels high."""
    for name in _WANTED:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
