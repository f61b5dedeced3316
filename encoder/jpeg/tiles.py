"""Pixels of tiles to their entropy-coded bytes, by libjpeg-turbo through OpenCV.

OpenCV's writer takes a restart interval, so that tiles beside each other are
coded in one call: one set of tables, one hand-over to native code.  Its wheels
bring a libjpeg-turbo of their own (measured, a 1080p frame at quality 75: 3.9 ms;
PyTurboJPEG, which can only code band by band, 4.5 to 5.0 ms).
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from webcapd.base.processors import processors
from webcapd.capture.bands import BAND_ROWS
from webcapd.capture.picture import Picture
from webcapd.encoder.jpeg.bitstream import entropy_coded, header_of, intervals, restart_interval

# Handing bands to another thread costs two wake-ups, about 50 us: as much as
# one band of 1920 pixels takes to encode.  From 8 bands on it halves the time.
_PARALLEL_FROM = 8

_SAMPLING_FACTORS = {
    "444": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "422": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "420": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
}

# The tables of these hold FF D9 or FF D8, and some readers look for nothing else.
_MISLEADING = (6, 18)


class EncodeError(Exception):
    """A picture cannot be encoded; the text is one clear sentence."""


class TileRun(NamedTuple):
    """Neighbouring tiles of one band: those of columns ``first`` to ``last``."""

    band: int
    first: int
    last: int


class JpegParams(NamedTuple):
    """How all tiles of a frame are coded: one quality, one subsampling, one size."""

    width: int
    """Of the frame."""
    quality: int
    subsampling: str
    """444, 422, 420 or gray."""
    columns: int
    """Tiles in a band."""
    tile_width: int

    def parameters(self) -> list[int]:
        """Say it to OpenCV; raises JpegError if a band is too wide."""
        quality = self.quality + 1 if self.quality in _MISLEADING else self.quality
        interval = restart_interval(self.width, BAND_ROWS, self.subsampling, self.columns)
        sampling = _SAMPLING_FACTORS.get(self.subsampling)
        return [
            *(cv2.IMWRITE_JPEG_QUALITY, quality),
            *(cv2.IMWRITE_JPEG_RST_INTERVAL, interval),
            *((cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling) if sampling is not None else ()),
        ]


class TileEncoder:
    """Encodes tiles, in several threads where that pays.

    The encoder thread calls; workers only ever see pixels it waits for.
    """

    def __init__(self, workers: int | None = None) -> None:
        """``workers`` counts the threads that help (one fewer than processors unless given)."""
        self._workers = processors() - 1 if workers is None else workers
        self._pool = ThreadPoolExecutor(max(1, self._workers), thread_name_prefix="coder")

    def header(self, picture: Picture, coding: JpegParams) -> bytes:
        """Give what stands before the entropy-coded bytes of a JPEG of the first band."""
        return header_of(_jpeg(picture.pixels[:BAND_ROWS], coding))

    def encode(
        self, picture: Picture, strips: Sequence[TileRun], coding: JpegParams
    ) -> dict[TileRun, list[bytes]]:
        """Give, of each strip, the entropy-coded bytes of its tiles."""
        # Strips of the same columns in bands below each other are coded in one call.
        strips = sorted(strips, key=lambda strip: (strip.first, strip.last, strip.band))

        def encode_some(some: Sequence[TileRun]) -> dict[TileRun, list[bytes]]:
            coded = {}
            for block in _blocks(some):
                segments = _encode(picture, block, coding)
                across = block[0].last - block[0].first + 1
                for number, strip in enumerate(block):
                    coded[strip] = segments[number * across : (number + 1) * across]
            return coded

        if self._workers < 1 or _tiles(strips) < _PARALLEL_FROM * coding.columns:
            return encode_some(strips)
        share = -(-len(strips) // (self._workers + 1))
        try:
            helped = [
                self._pool.submit(encode_some, strips[start : start + share])
                for start in range(share, len(strips), share)
            ]
        except RuntimeError:
            # The system gives no more threads: from now on this one does it all.
            self._workers = 0
            return encode_some(strips)
        coded = encode_some(strips[:share])
        for future in helped:
            coded |= future.result()
        return coded

    def close(self) -> None:
        self._pool.shutdown()


def _tiles(strips: Sequence[TileRun]) -> int:
    return sum(last - first + 1 for _, first, last in strips)


def _blocks(strips: Sequence[TileRun]) -> Iterator[Sequence[TileRun]]:
    """Cut sorted strips into blocks of the same columns in bands below each other."""
    begin = 0
    for end, strip in enumerate(strips, 1):
        band, *columns = strip
        if end == len(strips) or strips[end] != (band + 1, *columns):
            yield strips[begin:end]
            begin = end


def _encode(picture: Picture, block: Sequence[TileRun], coding: JpegParams) -> list[bytes]:
    """Encode the tiles of a block, band by band."""
    (top, first, last), bottom = block[0], block[-1].band
    left, right = first * coding.tile_width, (last + 1) * coding.tile_width
    first_row, end_row = picture.layout.rows(top, bottom)
    # No copy here: the writer makes one where pixels do not lie beside each other.
    rows = picture.pixels[first_row:end_row]
    whole = coding.columns == 1
    segments = intervals(entropy_coded(_jpeg(rows if whole else rows[:, left:right], coding)))
    count = len(block) * (last - first + 1)
    if len(segments) != count:
        raise EncodeError(f"OpenCV's JPEG writer made {len(segments)} intervals of {count} tiles")
    return segments


def _jpeg(pixels: NDArray[np.uint8], coding: JpegParams) -> memoryview:
    gray = coding.subsampling == "gray"
    planes = cv2.cvtColor(pixels, cv2.COLOR_BGRA2GRAY) if gray else pixels
    done, jpeg = cv2.imencode(".jpg", planes, coding.parameters())
    if not done:
        raise EncodeError(f"OpenCV cannot write a JPEG of {coding.width} pixels across")
    return jpeg.data
