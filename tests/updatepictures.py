"""Pictures that updates are tested with: text, photographs, and what may happen on a screen."""

import cv2
import numpy as np

from webcapd.encoder.updates.pixels import Pixels


def photograph(generator: np.random.Generator, height: int, width: int) -> Pixels:
    """Many colours, but alike in hue, so that JPEG of quality 100 is nearly exact."""
    grey = generator.integers(20, 236, (height, width, 1))
    hue = generator.integers(-6, 7, (-(-height // 32), -(-width // 32), 4))
    hue = hue.repeat(32, 0).repeat(32, 1)[:height, :width]
    return (grey + hue).astype(np.uint8)


def text(generator: np.random.Generator, height: int, width: int) -> Pixels:
    ink = generator.random((height, width)) < 0.3
    ink &= (np.arange(height) % 20 > 6)[:, None]
    shades = generator.integers(0, 256, (generator.integers(2, 40), 4), np.uint8)
    return shades[np.where(ink, generator.integers(0, len(shades), (height, width)), 0)]


def film(
    generator: np.random.Generator, height: int, width: int, frames: int = 100
) -> list[Pixels]:
    """Give what moves and is no copy: two photographs that go by each other, to and fro."""
    size = width + 2 * frames, height + 2 * frames
    small = photograph(generator, size[1] // 8, size[0] // 8)
    large = (cv2.resize(small, size, interpolation=cv2.INTER_CUBIC) / 2).astype(np.uint8)
    made = []
    for at in range(0, 2 * frames, 2):
        down = large[at:, at:][:height, :width]
        made.append(down + large[size[1] - height - at :, at:][:height, :width])
    return made + made[::-1]


def random_part(generator: np.random.Generator, picture: Pixels) -> tuple[slice, slice]:
    height, width = picture.shape[:2]
    top, left = generator.integers(0, height), generator.integers(0, width)
    return (
        slice(top, generator.integers(top, height) + 1),
        slice(left, generator.integers(left, width) + 1),
    )


def draw(generator: np.random.Generator, picture: Pixels) -> None:
    part = random_part(generator, picture)
    height, width = picture[part].shape[:2]
    kind = generator.integers(0, 6)
    if kind == 0:
        picture[part] = generator.integers(0, 256, 4)
    elif kind == 1:
        picture[part] = photograph(generator, height, width)
    elif kind == 2:
        picture[part] = text(generator, height, width)
    elif kind == 3:
        picture[part] = np.roll(picture[part], generator.integers(-30, 31), 0)
    elif kind == 4:
        # A window: what it leaves is one colour.
        taken = picture[part].copy()
        picture[part] = 90
        top = generator.integers(0, 1 + picture.shape[0] - height)
        left = generator.integers(0, 1 + picture.shape[1] - width)
        picture[top : top + height, left : left + width] = taken
    else:
        picture[part][0, 0] ^= 255
