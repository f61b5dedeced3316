"""What updates cost: bytes and milliseconds each, by what happens on a 1080p screen.

.venv/bin/python bench/updates.py

Pictures come one after the other, as the screen would show them; no display and
no network.  "Found" is comparing, searching for copies and coding exactly; "JPEG"
is coding tiles of the rest, which the server does for its other viewers anyway.
Both are CPU time.
"""

import itertools
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from picture import LINE_ROWS, Pixels, desktop, film, film_frame, text

sys.path.append(str(Path(__file__).resolve().parent.parent))

from updatestream import UpdateStream
from webcapd.encoder.updates.difference import CopySearch

SIZE = (1920, 1080)
UPDATES = 30
BUDGET = 100_000
"""Pixels of an update that are coded exactly."""
_CELL = (8, 16)
_LETTERS = "The quick brown fox jumps over the lazy dog, 0123456789 times. "


def glyph(letter: str, ink: tuple[int, int, int], paper: tuple[int, int, int]) -> Pixels:
    """Draw an antialiased character; colours are B, G, R."""
    cell = Image.new("RGB", _CELL, paper)
    ImageDraw.Draw(cell).text((0, 0), letter, font=ImageFont.load_default(13), fill=ink)
    return np.dstack((np.asarray(cell), np.zeros(_CELL[::-1], np.uint8)))


def typing(
    picture: Pixels, ink: tuple[int, int, int] = (0, 0, 0), paper: tuple[int, int, int] = (245,) * 3
) -> Iterator[Pixels]:
    """Type a line, with a caret behind it that blinks each half second."""
    (width, height), y = _CELL, 365
    picture[y : y + height, : 100 * width, :3] = paper
    for number in range(UPDATES):
        x = number * width
        picture[y : y + height, x : x + width] = glyph(_LETTERS[number], ink, paper)
        caret = ink if number // 5 % 2 else paper
        picture[y : y + height, x + width : x + width + 2, :3] = caret
        yield picture


def coloured(picture: Pixels) -> Iterator[Pixels]:
    """Type in red on blue-black."""
    return typing(picture, (40, 40, 200), (46, 30, 30))


def scroll(picture: Pixels) -> Iterator[Pixels]:
    """Move 1200x800 of text up by a line."""
    page = text(1200, 800 + (UPDATES + 1) * LINE_ROWS)
    for number in range(UPDATES):
        picture[:800, :1200] = page[number * LINE_ROWS :][:800]
        yield picture


def move(picture: Pixels) -> Iterator[Pixels]:
    """Move a window of 640x400 of text over the desktop."""
    window, below = text(640, 400), picture.copy()
    for number in range(UPDATES):
        x, y = 100 + 11 * number, 80 + 7 * number
        picture[:] = below
        picture[y : y + 400, x : x + 640] = window
        yield picture


def video(picture: Pixels) -> Iterator[Pixels]:
    """Show 640x360 of photographic content that wanders, as the benchmark's workload does."""
    return _film(picture, 640, 360)


def full(picture: Pixels) -> Iterator[Pixels]:
    """Do the same on the whole screen."""
    return _film(picture, *SIZE)


def _film(picture: Pixels, width: int, height: int) -> Iterator[Pixels]:
    pictures = film(width, height)
    for number in range(UPDATES):
        picture[-height:, -width:] = film_frame(pictures, number)
        yield picture


WORKLOADS = {
    "typing": (typing, 10),
    "typing, coloured": (coloured, 10),
    "scroll": (scroll, 15),
    "window moved": (move, 30),
    "video 640x360": (video, 30),
    "full": (full, 30),
}


def measure(name: str) -> str:
    """Run a workload; returns its line of the table."""
    workload, rate = WORKLOADS[name]
    pictures = [picture.copy() for picture in workload(desktop(*SIZE))]
    stream = UpdateStream(pictures[0], 75, CopySearch(), BUDGET)
    # What hashes tell the server is not counted here.
    candidates = [stream.tiles.differing(*pair) for pair in itertools.pairwise(pictures)]
    stream.whole(pictures[0])
    sizes, coded, parts = [], [], np.zeros(3, int)
    began = time.thread_time()
    for picture, places in zip(pictures[1:], candidates, strict=True):
        sizes.append(len(stream.update(picture, places)))
        coded.append([(rect, picture) for rect, _ in stream.jpegs])
        parts += len(stream.last.copies), len(stream.last.exact), len(stream.jpegs)
    half = time.thread_time()
    for rect, picture in itertools.chain.from_iterable(coded):
        stream.coded(rect.of(picture))
    jpeg, total = time.thread_time() - half, half - began
    count, size = len(sizes), statistics.mean(sizes)
    times = (1000 * (total - jpeg) / count, 1000 * jpeg / count)
    return (
        f"{name:17} {size:9.0f} {size * rate / 1000:9.1f} {times[0]:9.2f} {times[1]:8.2f}"
        f"   {parts[0] / count:6.1f} {parts[1] / count:6.1f} {parts[2] / count:6.1f}"
    )


def main() -> None:
    print("workload            B/update      KB/s  found ms  JPEG ms   copies  exact  JPEGs")
    for name in WORKLOADS:
        print(measure(name))


if __name__ == "__main__":
    main()
