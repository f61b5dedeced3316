"""What the user has laid over the screen: a picture (watermark) and a line of text (caption).

Encoder thread only.
"""

from __future__ import annotations

import functools
import math
import re
import time
from collections.abc import Sequence

from webcapd.base.option import read_text
from webcapd.base.process.late import Image, ImageDraw, ImageFont
from webcapd.capture.overlay import Sprite, SpriteImage

_INK, _GROUND = (255, 255, 255, 255), (0, 0, 0, 150)

# A field of strftime as the C library knows it, with its flags.
_FIELD = re.compile("%[-_0^#]*[0-9]*[EO]?[a-zA-Z%+]", re.ASCII)

# Pillow's own font knows little beyond ASCII; these know most of the world, where
# they are installed.
_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf")


class Decoration:
    """The overlays that the options ask for, and when they look different next."""

    def __init__(self, watermark: str, location: str, speed: float, caption: str) -> None:
        """Load what is needed; raises ValueError with a sentence.

        ``watermark`` is a file's path, ``caption`` a template; empty for none.  Location and
        speed are Watermark's.
        """
        self._watermark: Watermark | None = None
        if watermark:
            self._watermark = Watermark(load_watermark(watermark), location, speed)
        self._caption = Caption(caption) if caption else None

    def overlays(self, width: int, height: int) -> list[Sprite]:
        """Give what to lay over a screen of a size, in pixels, just now."""
        found: list[Sprite] = []
        if self._watermark is not None:
            found += self._watermark.overlays(width, height, time.monotonic())
        if self._caption is not None:
            found += self._caption.overlays(width, height, time.time())
        return found

    def seconds_until_due(self) -> float:
        """Seconds until something may look different."""
        if self._watermark is not None and self._watermark.moves:
            return 0.0
        return math.inf if self._caption is None else self._caption.seconds_until_due(time.time())


class Watermark:
    """A picture, and where it is at a time."""

    def __init__(self, image: SpriteImage, location: str, speed: float) -> None:
        """``location`` is one of LOCATIONS (options.py), ``speed`` in pixels a second an axis."""
        self._image = image
        self._location = location
        self._speed = speed

    @property
    def moves(self) -> bool:
        return self._location == "animated"

    def overlays(self, width: int, height: int, now: float) -> Sequence[Sprite]:
        """Give what to lay over a screen of a size at ``now``, in seconds of any clock."""
        if self._location == "none":
            return ()
        # Of a picture larger than the screen, the upper left part is seen.
        room_x, room_y = max(0, width - self._image.width), max(0, height - self._image.height)
        x, y = {
            "tl": (0, 0),
            "tr": (room_x, 0),
            "bl": (0, room_y),
            "br": (room_x, room_y),
            "middle": (room_x // 2, room_y // 2),
            "animated": (_bounced(now * self._speed, room_x), _bounced(now * self._speed, room_y)),
        }[self._location]
        return (self._image.at(x, y),)


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


def load_watermark(path: str) -> SpriteImage:
    """Read a picture; raises ValueError with a sentence."""
    from PIL import UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return SpriteImage.of_image(image)
    except UnidentifiedImageError:
        raise ValueError(f"{path} is no picture that can be read") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"the picture {path} cannot be read: {reason}") from None


def read_caption(typed: str) -> str:
    """Read a template; raises ValueError with a sentence if it is none."""
    template = read_text(typed)
    text = _filled(template, 0.0)
    if len(text) > 300 or not text.isprintable():
        raise ValueError("a caption is one line of at most 300 characters")
    return template


@functools.lru_cache(maxsize=16)
def load_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Load the best font at hand, letters about ``size`` pixels high."""
    for name in _FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def _bounced(way: float, room: int) -> int:
    """Fold a way into a course there and back; both are in pixels."""
    if room == 0:
        return 0
    course = math.fmod(way, 2 * room)
    return int(min(course, 2 * room - course))


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
