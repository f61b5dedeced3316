"""How high a band should be: cost of a whole frame, and of one band, by band height.

.venv/bin/python bench/bands.py
"""

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

import cv2

from picture import desktop

REPEATS = 40


def milliseconds(work: Callable[[], object]) -> float:
    """Median time of one call."""
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def main() -> None:
    picture = desktop(1920, 1080)

    def encode(tops: Sequence[int], rows: int) -> None:
        for top in tops:
            band = picture[top : top + rows]
            cv2.imencode(".jpg", band, [cv2.IMWRITE_JPEG_QUALITY, 75])

    whole = milliseconds(partial(encode, [0], 1080))
    print(f"whole frame at once {whole:.2f} ms")
    print("band rows   all bands   of whole   one band")
    for rows in (16, 32, 64, 128):
        everything = milliseconds(partial(encode, range(0, 1080, rows), rows))
        one = milliseconds(partial(encode, [512], rows))
        print(f"{rows:9}   {everything:6.2f} ms   {everything / whole:8.2f}   {one:5.3f} ms")


if __name__ == "__main__":
    main()
