"""The desktop picture that workloads show: text, gradients, a photographic region.  Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""(height, width, 4) bytes B, G, R, X."""

CELL = (8, 16)
"""Width and height of a character."""
LINE_ROWS = 20
_PAPER, _INK = 245, 25
# As bright as the paper may become.
_BRIGHTNESSES = 8


def desktop(width: int, height: int) -> Pixels:
    """Make a desktop picture; always the same."""
    generator = np.random.default_rng(1)
    picture = np.zeros((height, width, 4), np.uint8)
    picture[:, :, 0] = np.linspace(40, 120, height)[:, None]
    picture[:, :, 1] = np.linspace(30, 90, width)[None, :]
    _write(picture[height // 8 : height * 7 // 8, width // 16 : width // 2], generator)
    # A photograph: noise, smoothed, so that it has detail at every scale.
    photograph = picture[height // 4 : height * 3 // 4, width * 9 // 16 : width * 15 // 16]
    noise = generator.integers(0, 256, (*photograph.shape[:2], 3)).astype(np.float64)
    for _ in range(4):
        noise = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1) + np.roll(noise, 2, 0)) / 4
    photograph[:, :, :3] = np.clip((noise - 128) * 3 + 128, 0, 255)
    return picture


def film(width: int, height: int) -> list[Pixels]:
    """Make the pictures of a film, each a little brighter than the one before; always the same."""
    first = desktop(width, height)
    return [first + np.array((step, step, step, 0), np.uint8) for step in range(_BRIGHTNESSES)]


def wandered(number: int, width: int, height: int) -> tuple[int, int, int]:
    """Say of frame ``number`` of a film which picture it is, and what stands in its corner.

    The picture wanders, and is another each time: no part of a frame recurs in the next,
    neither at its place nor elsewhere, so that nobody can copy what really is new.
    """
    return number % _BRIGHTNESSES, 37 * number % width, 23 * number % height


def film_frame(pictures: Sequence[Pixels], number: int) -> Pixels:
    """Give frame ``number`` of a film."""
    height, width = pictures[0].shape[:2]
    picture, x, y = wandered(number, width, height)
    return np.roll(pictures[picture], (-y, -x), (0, 1))


def text(width: int, height: int) -> Pixels:
    """Make a page of text; always the same."""
    page = np.zeros((height, width, 4), np.uint8)
    _write(page, np.random.default_rng(3))
    return page


def characters(count: int) -> Pixels:
    """Make characters, one below the other; always the same."""
    width, height = CELL
    generator = np.random.default_rng(2)
    return generator.integers(0, 2, (count * height, width, 1), np.uint8).repeat(4, 2) * 220


def _write(page: Pixels, generator: np.random.Generator) -> None:
    """Fill a page with lines of cells, a third of whose pixels are ink."""
    page[:] = _PAPER
    rows, columns = page.shape[0] // LINE_ROWS, page.shape[1] // 8
    for row in range(rows):
        ink = generator.random((12, columns * 8)) < 0.35
        page[row * LINE_ROWS + 4 : row * LINE_ROWS + 16, : columns * 8][ink] = _INK
