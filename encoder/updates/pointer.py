"""The pointer's image as readers want it: a PNG whose colours are not yet mixed with its alpha."""

from typing import TypeAlias

from webcapd.base.process.late import NDArray, cv2, np
from webcapd.encoder.updates import records

MAX_SIDE = 256

Sprite: TypeAlias = "NDArray[np.uint8]"
"""(height, width, 4) bytes B, G, R, A, as X gives them: colours are multiplied by alpha."""


def pointer_record(number: int, hot_spot: tuple[int, int], sprite: Sprite) -> bytes:
    """Give the record that sends a pointer's image; one that is too large is made smaller."""
    data, hot_spot = pointer_png(hot_spot, sprite, MAX_SIDE)
    return records.pointer_image(number, hot_spot, data)


def pointer_png(
    hot_spot: tuple[int, int], sprite: Sprite, max_side: int
) -> tuple[bytes, tuple[int, int]]:
    """Give a pointer's image, and which of its pixels points; both sides are bounded."""
    height, width = sprite.shape[:2]
    scale = min(1.0, max_side / max(height, width))
    if scale < 1:
        size = max(1, int(width * scale)), max(1, int(height * scale))
        # Mixed with alpha, colours may be averaged.
        sprite = cv2.resize(sprite, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        hot_spot = int(hot_spot[0] * scale), int(hot_spot[1] * scale)
    done, data = cv2.imencode(".png", unmixed(sprite))
    if not done:
        raise ValueError(f"OpenCV cannot write a PNG of {width}x{height}")
    return data.tobytes(), hot_spot


def unmixed(sprite: Sprite) -> Sprite:
    """Divide colours by alpha."""
    alpha = sprite[..., 3:].astype(np.uint16)
    colours = sprite[..., :3].astype(np.uint16) * 255 + alpha // 2
    colours //= np.maximum(alpha, 1)
    colours[alpha[..., 0] == 0] = 0
    return np.dstack((np.minimum(colours, 255), alpha)).astype(np.uint8)
