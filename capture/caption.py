"""The caption: a line of text over the screen, with the time if wanted."""

import math
import re
import time
from collections.abc import Sequence

from PIL import Image, ImageDraw

from webcapd.base.option import read_text
from webcapd.capture.font import load_font
from webcapd.capture.overlay import Sprite, SpriteImage

_INK, _GROUND = (255, 255, 255, 255), (0, 0, 0, 150)


# A field of strftime as the C library knows it, with its flags.
_FIELD = re.compile("%[-_0^#]*[0-9]*[EO]?[a-zA-Z%+]", re.ASCII)


def read_caption(typed: str) -> str:
    """Read a template; raises ValueError with a sentence if it is none."""
    template = read_text(typed)
    text = _filled(template, 0.0)
    if len(text) > 300 or not text.isprintable():
        raise ValueError("a caption is one line of at most 300 characters")
    return template


class Caption:
    """Text with strftime fields, in the lower left corner; drawn anew when it reads anew."""

    def __init__(self, template: str) -> None:
        self._template = template
        self._good_until = -math.inf
        self._drawn: tuple[str, int] | None = None
        self._image: SpriteImage | None = None

    def seconds_until_due(self, now: float) -> float:
        """Seconds from ``now`` until the text may read differently than when last drawn."""
        return max(0.0, self._good_until - now)

    def overlays(self, width: int, height: int, now: float) -> Sequence[Sprite]:
        """Give what to lay over a screen of a size at ``now``, in seconds of CLOCK_REALTIME."""
        # No strftime field is finer than a second.
        self._good_until = math.floor(now) + 1 if "%" in self._template else math.inf
        size = max(10, height // 40)
        text = _filled(self._template, now)
        if self._image is None or self._drawn != (text, size):
            self._drawn = (text, size)
            self._image = _draw(text, size)
        return (self._image.at(0, max(0, height - self._image.height)),)


def _filled(template: str, now: float) -> str:
    moment = time.localtime(now)
    # Of the fields alone: strftime fails at letters that the locale does not have.
    return _FIELD.sub(lambda field: time.strftime(field[0], moment), template)


def _draw(text: str, size: int) -> SpriteImage:
    """Draw a line of text on a dark ground; ``size`` is the letters' height in pixels."""
    font = load_font(size)
    left, top, right, bottom = font.getbbox(text)
    margin = size // 2
    box = (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin)
    image = Image.new("RGBA", box, _GROUND)
    ImageDraw.Draw(image).text((margin - left, margin - top), text, _INK, font)
    return SpriteImage.of_image(image)
