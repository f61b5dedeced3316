"""Filters that put pixels elsewhere: crop, scale, rotate, flip, polar."""

from webcapd.base.process.late import cv2, np
from webcapd.capture.feeds.pixels import size_obstacle
from webcapd.capture.filters.filter import Filter
from webcapd.capture.geometry import Rectangle, scaled
from webcapd.capture.overlay import Pixels
from webcapd.capture.source import SourceError


def part_of(pixels: Pixels, place: Rectangle) -> Pixels:
    """Give a part of a picture, as a view."""
    return pixels[place.y : place.bottom, place.x : place.right]


class Crop(Filter):
    """A part of the picture."""

    def __init__(self, area: Rectangle) -> None:
        self._area = area

    def size(self, width: int, height: int) -> tuple[int, int]:
        if self._area.within(Rectangle(0, 0, width, height)) != self._area:
            raise SourceError(
                f"the filter crop={self._area} is not within the picture, which is {width}x{height}"
            )
        return self._area.size

    def apply(self, source: Pixels, out: Pixels, changed: Rectangle) -> Rectangle:
        seen = changed.within(self._area)
        place = seen.moved(-self._area.x, -self._area.y)
        if seen:
            part_of(out, place)[:] = part_of(source, seen)
        return place


class Scale(Filter):
    """The picture by a factor, or in a size of its own."""

    def __init__(self, factor: float = 1.0, size: tuple[int, int] | None = None) -> None:
        self._factor, self._fixed = factor, size

    def size(self, width: int, height: int) -> tuple[int, int]:
        factor = self._factor
        size = self._fixed or (max(1, round(width * factor)), max(1, round(height * factor)))
        if obstacle := size_obstacle(*size):
            raise SourceError(f"the filter scale would make {obstacle}")
        return size

    def apply(self, source: Pixels, out: Pixels, changed: Rectangle) -> Rectangle:
        (height, width), (out_height, out_width) = source.shape[:2], out.shape[:2]
        shrinks = out_width < width or out_height < height
        way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        cv2.resize(source, (out_width, out_height), dst=out, interpolation=way)
        return scaled(changed, (width, height), (out_width, out_height))


class Turn(Filter):
    """The picture flipped, and turned by quarters."""

    def __init__(self, quarters: int = 0, flip: str = "") -> None:
        """``quarters`` are clockwise; ``flip`` is h (left for right), v or both, and is first."""
        self._quarters, self._flip = quarters, flip
        self._size = (0, 0)

    def size(self, width: int, height: int) -> tuple[int, int]:
        self._size = width, height
        return (height, width) if self._quarters % 2 else (width, height)

    def apply(self, source: Pixels, out: Pixels, changed: Rectangle) -> Rectangle:
        place = self._moved(changed)
        part = part_of(source, changed)
        part = part[:: -1 if "v" in self._flip else 1, :: -1 if "h" in self._flip else 1]
        part_of(out, place)[:] = np.rot90(part, -self._quarters)
        return place

    def _moved(self, place: Rectangle) -> Rectangle:
        """Give where a part of the picture comes to lie."""
        width, height = self._size
        if "h" in self._flip:
            place = place._replace(x=width - place.right)
        if "v" in self._flip:
            place = place._replace(y=height - place.bottom)
        for _ in range(self._quarters):
            place = Rectangle(height - place.bottom, place.x, place.height, place.width)
            width, height = height, width
        return place


class Polar(Filter):
    """Rows become rays of a disc, as skyscreen's renderer showed its vanes.

    The first row points upwards, the others follow clockwise; the first pixel of a row is the
    innermost.  In the middle there is a hole, an eighth as wide as the disc.
    """

    def __init__(self, side: int) -> None:
        """``side`` is width and height of the result, in pixels."""
        self._side = side

    def size(self, width: int, height: int) -> tuple[int, int]:
        offset = np.arange(self._side) - (self._side - 1) / 2
        radius = np.hypot(offset[:, None], offset)
        outer = self._side / 2
        turn = np.arctan2(offset[None, :], -offset[:, None]) / (2 * np.pi) % 1
        ray = np.minimum((turn * height).astype(np.int32), height - 1)
        step = np.floor((radius - outer / 8) / (outer - outer / 8) * width).astype(np.int32)
        is_disc = (step >= 0) & (step < width)
        # Where each pixel of the disc comes from; all others are black, as is pixel 0 behind it.
        self._from = np.where(is_disc, ray * width + step, width * height)
        self._pixels = np.zeros(width * height + 1, np.uint32)
        return self._side, self._side

    def apply(self, source: Pixels, out: Pixels, changed: Rectangle) -> Rectangle:
        self._pixels[:-1] = np.ascontiguousarray(source).view(np.uint32).reshape(-1)
        np.take(self._pixels, self._from, out=out.view(np.uint32)[:, :, 0], mode="clip")
        return Rectangle(0, 0, self._side, self._side)
