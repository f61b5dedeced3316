"""Pictures that are an array of pixels, in whatever order their bytes are."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from webcapd.base.process.late import cv2, np
from webcapd.capture.feeds.feed import MAX_PIXELS, MAX_SIDE, FeedPicture
from webcapd.capture.geometry import Rectangle
from webcapd.capture.overlay import Pixels


class PixelOrder(NamedTuple):
    """How the bytes of a pixel lie in memory."""

    bytes_per_pixel: int
    conversion: str | None
    """OpenCV's name of the conversion to B, G, R, X; None where they are that."""


ORDERS: Mapping[str, PixelOrder] = {
    "BGRX": PixelOrder(4, None),
    "BGR": PixelOrder(3, "COLOR_BGR2BGRA"),
    "RGB": PixelOrder(3, "COLOR_RGB2BGRA"),
    "GRAY": PixelOrder(1, "COLOR_GRAY2BGRA"),
}


def size_obstacle(width: int, height: int) -> str | None:
    """Say why no picture of a size can be shown; None if it can."""
    if 1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE and width * height <= MAX_PIXELS:
        return None
    return (
        f"{width}x{height} pixels cannot be shown: at most {MAX_SIDE} a side and "
        f"{MAX_PIXELS // 1_000_000} million together"
    )


def picture_of(
    pixels: Pixels,
    order: str = "BGRX",
    changed: Sequence[Rectangle] | None = None,
    captured: float | None = None,
) -> FeedPicture:
    """Make a picture of (height, width, bytes a pixel) bytes in an order of ORDERS.

    Gray ones may be (height, width).  The array is not copied here.
    """
    height, width = pixels.shape[:2]
    return FeedPicture(width, height, copier(pixels, order), changed, captured)


def copier(pixels: Pixels, order: str) -> Callable[[Pixels, Rectangle], None]:
    """Make FeedPicture.copy_to() for an array."""
    conversion = ORDERS[order].conversion

    def copy_to(target: Pixels, part: Rectangle) -> None:
        source = pixels[part.y : part.bottom, part.x : part.right]
        if conversion is None:
            np.copyto(target, source)
        else:
            # It writes there: size and type are the result's.
            cv2.cvtColor(source, getattr(cv2, conversion), dst=target)

    return copy_to
