"""The watermark: a picture over the screen, at a place or moving about."""

import math
from collections.abc import Sequence

from PIL import Image, UnidentifiedImageError

from webcapd.capture.overlay import Sprite, SpriteImage

# The seed library's numbers, 0 to 6, name the same places.
LOCATIONS = ("none", "tl", "tr", "bl", "br", "middle", "animated")


def load_watermark(path: str) -> SpriteImage:
    """Read a picture; raises ValueError with a sentence."""
    try:
        with Image.open(path) as image:
            return SpriteImage.of_image(image)
    except UnidentifiedImageError:
        raise ValueError(f"{path} is no picture that can be read") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"the picture {path} cannot be read: {reason}") from None


def location_name(text: str) -> str:
    """Give the name of a location given by name or number."""
    return LOCATIONS[int(text)] if text.isdigit() else text


class Watermark:
    """A picture, and where it is at a time."""

    def __init__(self, image: SpriteImage, location: str, speed: float) -> None:
        """``location`` is one of LOCATIONS; ``speed`` is in pixels a second along each axis."""
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


def _bounced(way: float, room: int) -> int:
    """Fold a way into a course there and back; both are in pixels."""
    if room == 0:
        return 0
    course = math.fmod(way, 2 * room)
    return int(min(course, 2 * room - course))
