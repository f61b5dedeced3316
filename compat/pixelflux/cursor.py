"""What the callback of set_cursor_callback() is given."""

from collections.abc import Callable

from webcapd.capture.overlay import Sprite
from webcapd.encoder.updates.pointer import pointer_png

Cursor = tuple[str, bytes, int, int]
"""png or hide, the PNG, and which of its pixels points."""

OnCursor = Callable[[str, bytes, int, int], object]


def cursor_of(pointer: Sprite, max_side: int) -> Cursor:
    """Give a pointer's image; one that is too large is made smaller."""
    image = pointer.image.pixels
    if not image[..., 3].any():
        return "hide", b"", 0, 0
    data, hot_spot = pointer_png(pointer.hot_spot, image, max_side)
    return "png", data, *hot_spot
