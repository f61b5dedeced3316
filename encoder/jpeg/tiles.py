"""Pixels of tiles to their entropy-coded bytes, by libjpeg-turbo through OpenCV.

OpenCV's writer takes a restart interval, so that tiles beside each other are
coded in one call: one set of tables, one hand-over to native code.  Its wheels
bring a libjpeg-turbo of their own (measured, a 1080p frame at quality 75: 3.9 ms;
PyTurboJPEG, which can only code band by band, 4.5 to 5.0 ms).
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from webcapd.base.process.late import NDArray, cv2, np
from webcapd.base.processors import processors
from webcapd.capture.bands import BAND_ROWS
from webcapd.capture.picture import BandKey, Picture
from webcapd.encoder.jpeg.bitstream import entropy_coded, header_of, intervals, restart_interval

# Handing bands to another thread costs two wake-ups, about 50 us: as much as
# one band of 1920 pixels takes to encode.  From 8 bands on it halves the time.
_PARALLEL_FROM = 8

# Qualities and views that are watched at a time, mostly.
_MOST_PARAMS = 4

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
        gray = self.subsampling == "gray"
        sampling = None if gray else _sampling_factor(self.subsampling)
        return [
            *(cv2.IMWRITE_JPEG_QUALITY, quality),
            *(cv2.IMWRITE_JPEG_RST_INTERVAL, interval),
            *((cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling) if sampling is not None else ()),
        ]


@functools.cache
def _sampling_factor(subsampling: str) -> int:
    """Give OpenCV's number for a subsampling of colours."""
    return {
        "444": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
        "422": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
        "420": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    }[subsampling]


class _Coded:
    """What was coded of a picture, for whoever wants the same of it."""

    def __init__(self, picture: Picture, coded: dict[TileRun, list[bytes]]) -> None:
        # The list is used for the next picture.
        self._keys, self._coded = list(picture.keys), coded

    def of(
        self, picture: Picture, runs: Sequence[TileRun], params: JpegParams
    ) -> dict[TileRun, list[bytes]]:
        """Give what is known of these runs: what looked the same at the same place."""
        return {
            run: self._coded[run]
            for run in runs
            if run in self._coded
            and (shown := _shown(picture.keys, run, params))
            and shown == _shown(self._keys, run, params)
        }


def _shown(keys: Sequence[BandKey], run: TileRun, params: JpegParams) -> BandKey:
    """Say what a run shows; nothing where that is not known."""
    key = keys[run.band] if keys else ()
    # Where a band is one tile, its key may yet be of several.
    return key if params.columns == 1 else key[run.first : run.last + 1]


class TileEncoder:
    """Encodes tiles, in several threads where that pays.

    The encoder thread calls; workers only ever see pixels it waits for.
    """

    def __init__(self, workers: int | None = None) -> None:
        """``workers`` counts the threads that help (one fewer than processors unless given)."""
        self._workers = processors() - 1 if workers is None else workers
        self._pool = ThreadPoolExecutor(max(1, self._workers), thread_name_prefix="coder")
        self._latest: dict[JpegParams, _Coded] = {}
        """What was coded last, with the parameters that were used last."""

    def header(self, picture: Picture, params: JpegParams) -> bytes:
        """Give what stands before the entropy-coded bytes of a JPEG of the first band."""
        return header_of(_jpeg(picture.pixels[:BAND_ROWS], params))

    def encode(
        self, picture: Picture, runs: Sequence[TileRun], params: JpegParams
    ) -> dict[TileRun, list[bytes]]:
        """Give, of each run, the entropy-coded bytes of its tiles.

        What another consumer has had coded of the same picture is not coded again.
        """
        latest = self._latest.pop(params, None)
        shared = latest.of(picture, runs, params) if latest else {}
        rest = [run for run in runs if run not in shared] if shared else runs
        coded = shared | self._coded(picture, rest, params)
        if picture.keys:
            self._latest[params] = _Coded(picture, coded)
            if len(self._latest) > _MOST_PARAMS:
                del self._latest[next(iter(self._latest))]
        return coded

    def _coded(
        self, picture: Picture, runs: Sequence[TileRun], params: JpegParams
    ) -> dict[TileRun, list[bytes]]:
        # Runs of the same columns in bands below each other are coded in one call.
        runs = sorted(runs, key=lambda run: (run.first, run.last, run.band))

        def encode_some(some: Sequence[TileRun]) -> dict[TileRun, list[bytes]]:
            coded = {}
            for block in _blocks(some):
                segments = _encode(picture, block, params)
                across = block[0].last - block[0].first + 1
                for number, run in enumerate(block):
                    coded[run] = segments[number * across : (number + 1) * across]
            return coded

        if self._workers < 1 or _tiles(runs) < _PARALLEL_FROM * params.columns:
            return encode_some(runs)
        share = -(-len(runs) // (self._workers + 1))
        try:
            helped = [
                self._pool.submit(encode_some, runs[start : start + share])
                for start in range(share, len(runs), share)
            ]
        except RuntimeError:
            # The system gives no more threads: from now on this one does it all.
            self._workers = 0
            return encode_some(runs)
        coded = encode_some(runs[:share])
        for future in helped:
            coded |= future.result()
        return coded

    def close(self) -> None:
        self._pool.shutdown()


def _tiles(runs: Sequence[TileRun]) -> int:
    return sum(last - first + 1 for _, first, last in runs)


def _blocks(runs: Sequence[TileRun]) -> Iterator[Sequence[TileRun]]:
    """Cut sorted runs into blocks of the same columns in bands below each other."""
    begin = 0
    for end, run in enumerate(runs, 1):
        band, *columns = run
        if end == len(runs) or runs[end] != (band + 1, *columns):
            yield runs[begin:end]
            begin = end


def _encode(picture: Picture, block: Sequence[TileRun], params: JpegParams) -> list[bytes]:
    """Encode the tiles of a block, band by band."""
    (top, first, last), bottom = block[0], block[-1].band
    left, right = first * params.tile_width, (last + 1) * params.tile_width
    first_row, end_row = picture.layout.rows(top, bottom)
    # No copy here: the writer makes one where pixels do not lie beside each other.
    rows = picture.pixels[first_row:end_row]
    whole = params.columns == 1
    segments = intervals(entropy_coded(_jpeg(rows if whole else rows[:, left:right], params)))
    count = len(block) * (last - first + 1)
    if len(segments) != count:
        raise EncodeError(f"OpenCV's JPEG writer made {len(segments)} intervals of {count} tiles")
    return segments


def _jpeg(pixels: NDArray[np.uint8], params: JpegParams) -> memoryview:
    gray = params.subsampling == "gray"
    planes = cv2.cvtColor(pixels, cv2.COLOR_BGRA2GRAY) if gray else pixels
    done, jpeg = cv2.imencode(".jpg", planes, params.parameters())
    if not done:
        raise EncodeError(f"OpenCV cannot write a JPEG of {params.width} pixels across")
    return jpeg.data


class TileCache:
    """Encoded tiles by what they show, so that what was seen before costs no encode.

    A caret that blinks, a menu that opens and closes, a return to the rest quality:
    all of them come back to what was encoded already.  The least recently used
    are forgotten first.  Encoder thread only.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Hashable, Sequence[bytes]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable) -> Sequence[bytes] | None:
        """Give the encoded tiles of a key that says all they depend on."""
        coded = self._kept.get(key)
        if coded is not None:
            self._kept.move_to_end(key)
        return coded

    def put(self, key: Hashable, coded: Sequence[bytes]) -> None:
        """Remember the tiles of a run, and forget old ones beyond the bound."""
        self._bytes += _size(coded) - _size(self._kept.pop(key, ()))
        self._kept[key] = coded
        while self._bytes > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= _size(oldest)


def _size(coded: Sequence[bytes]) -> int:
    return sum(map(len, coded))
