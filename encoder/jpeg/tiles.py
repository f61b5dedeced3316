"""Pixels of tiles to their entropy-coded bytes, by libjpeg-turbo through OpenCV.

OpenCV's writer takes a restart interval, so that tiles beside each other are
coded in one call: one set of tables, one hand-over to native code.  Its wheels
bring a libjpeg-turbo of their own (measured, a 1080p frame at quality 75: 3.9 ms;
PyTurboJPEG, which can only code band by band, 4.5 to 5.0 ms).
"""

from __future__ import annotations

import functools
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from webcapd.base.process.late import NDArray, cv2, np
from webcapd.base.processors import processors
from webcapd.capture.bands import BAND_ROWS
from webcapd.capture.picture import BandKey, Picture
from webcapd.encoder.jpeg.bitstream import (
    entropy_coded,
    header_of,
    intervals,
    join_scans,
    restart_interval,
)
from webcapd.encoder.jpeg.shared import CodedTiles, CodedWhole, TileRun

_Share = TypeVar("_Share")
_Made = TypeVar("_Made")

# What takes no longer is coded in one thread, as is least work: halves in two take 9 % more
# together (2 processors, all of 1920x1080, 4.65 ms), and to hand them over takes 50 us.  Beyond,
# what several threads hide is a good part of a frame's time.
_LONG_SECONDS = 0.008

# So much has to be coded at once to tell how long it takes.
_TELLING_PIXELS = 1 << 17

# What a run takes that is remembered, beside its bytes (sys.getsizeof(), and 16 for malloc).
_ENTRY_BYTES, _TILE_BYTES = 640, 56

# Qualities and views that are watched at a time, mostly.
_MOST_PARAMS = 4

# The tables of these hold FF D9 or FF D8, and some readers look for nothing else.
_MISLEADING = (6, 18)


class EncodeError(Exception):
    """A picture cannot be encoded; the text is one clear sentence."""


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


@functools.lru_cache(maxsize=64)
def _told(params: JpegParams) -> tuple[int, ...]:
    """Say to OpenCV how tiles are coded; raises JpegError if a band is too wide."""
    quality = params.quality + 1 if params.quality in _MISLEADING else params.quality
    interval = restart_interval(params.width, BAND_ROWS, params.subsampling, params.columns)
    samplings = {
        "444": (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
        "422": (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422),
        "420": (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420),
        "gray": (),
    }
    return (
        *(cv2.IMWRITE_JPEG_QUALITY, quality),
        *(cv2.IMWRITE_JPEG_RST_INTERVAL, interval),
        *samplings[params.subsampling],
    )


class TileEncoder:
    """Encodes tiles, in several threads where that pays.

    The encoder thread calls; workers only ever see pixels it waits for.
    """

    def __init__(self, workers: int | None = None) -> None:
        """``workers`` counts the threads that help (one fewer than processors unless given)."""
        self._workers = processors() - 1 if workers is None else workers
        self._pool = ThreadPoolExecutor(max(1, self._workers), thread_name_prefix="coder")
        self._latest: dict[JpegParams, CodedTiles] = {}
        """What was coded last, with the parameters that were used last."""
        self._pixel_seconds = 0.0
        """Processor time that a pixel took when there were many."""

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
        shared = latest.of(picture, runs, params.columns) if latest else {}
        rest = [run for run in runs if run not in shared] if shared else runs
        coded = shared | self._coded(picture, rest, params)
        if picture.keys:
            self._keep(params, CodedTiles(picture, coded))
        return coded

    def whole(self, picture: Picture, params: JpegParams) -> bytes | None:
        """Give the JPEG of a picture, of which all is new, in as few calls as pay.

        None where another consumer has had its tiles coded: they are to be joined.
        """
        latest = self._latest.pop(params, None)
        if latest is None or not _is_shared(latest, picture):
            latest = CodedWhole(picture, self._in_few_calls(picture, params), params.columns)
        self._keep(params, latest)
        return latest.jpeg if isinstance(latest, CodedWhole) else None

    def _keep(self, params: JpegParams, coded: CodedTiles) -> None:
        self._latest[params] = coded
        if len(self._latest) > _MOST_PARAMS:
            del self._latest[next(iter(self._latest))]

    def _in_few_calls(self, picture: Picture, params: JpegParams) -> bytes:
        height, share = picture.height, picture.width * picture.height
        shares = [picture.pixels]
        if self._workers > 0 and share * self._pixel_seconds > _LONG_SECONDS:
            rows = BAND_ROWS * _bands_of_share(picture, params, self._workers + 1)
            shares = [picture.pixels[top : top + rows] for top in range(0, height, rows)]
            share = picture.width * rows
        began = time.thread_time()
        jpegs = self._all_of(lambda pixels: _jpeg(pixels, params), shares)
        self._pixel_seconds = (time.thread_time() - began) / share
        return jpegs[0].tobytes() if len(jpegs) == 1 else join_scans(jpegs, height)

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

        pixels = _tiles(runs) * params.tile_width * BAND_ROWS
        shares = [runs]
        if self._workers > 0 and pixels * self._pixel_seconds > _LONG_SECONDS:
            share = -(-len(runs) // (self._workers + 1))
            shares = [runs[start : start + share] for start in range(0, len(runs), share)]
        began = time.thread_time()
        coded: dict[TileRun, list[bytes]] = {}
        for some in self._all_of(encode_some, shares):
            coded |= some
        if pixels >= _TELLING_PIXELS:
            self._pixel_seconds = (time.thread_time() - began) * len(shares) / pixels
        return coded

    def _all_of(self, work: Callable[[_Share], _Made], shares: Sequence[_Share]) -> list[_Made]:
        """Do the work of all shares, each in a thread of its own."""
        try:
            helped = [self._pool.submit(work, share) for share in shares[1:]]
        except RuntimeError:
            # The system gives no more threads: from now on this one does it all.
            self._workers = 0
            return [work(share) for share in shares]
        return [work(shares[0]), *(future.result() for future in helped)]

    def close(self) -> None:
        self._pool.shutdown()


def _is_shared(coded: CodedTiles, picture: Picture) -> bool:
    """Tell whether most of what was coded shows what the picture does."""
    keys = picture.keys
    if isinstance(coded, CodedWhole) or len(keys) != len(coded.keys):
        return keys == coded.keys
    same = sum(mine == theirs for mine, theirs in zip(keys, coded.keys, strict=True))
    return 2 * same > len(keys)


def _bands_of_share(picture: Picture, params: JpegParams, shares: int) -> int:
    """Give how many bands make one of some shares: intervals by eights, as markers count."""
    step = 8 // math.gcd(8, params.columns)
    return step * -(-picture.layout.count // (step * shares))


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
    done, jpeg = cv2.imencode(".jpg", planes, _told(params))
    if not done:
        raise EncodeError(f"OpenCV cannot write a JPEG of {params.width} pixels across")
    return jpeg.data


class TileName(NamedTuple):
    """All that the coded bytes of a run depend on."""

    shown: BandKey
    first: int
    last: int
    rows: int
    params: JpegParams


class TileCache:
    """Encoded tiles by what they show, so that what was seen before costs no encode.

    A caret that blinks, a menu that opens and closes, a return to the rest quality:
    all of them come back to what was encoded already.  The least recently used
    are forgotten first.  Encoder thread only.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[TileName, Sequence[bytes]] = OrderedDict()
        self._bytes = 0

    def get(self, key: TileName) -> Sequence[bytes] | None:
        """Give the encoded tiles of a name."""
        coded = self._kept.get(key)
        if coded is not None:
            self._kept.move_to_end(key)
        return coded

    def put(self, key: TileName, coded: Sequence[bytes]) -> None:
        """Remember the tiles of a run, and forget old ones beyond the bound."""
        self._forget(key)
        self._kept[key] = coded
        self._bytes += _size(coded)
        while self._bytes > self._most_bytes:
            self._forget(next(iter(self._kept)))

    def forget_width(self, width: int) -> None:
        """Forget the tiles of frames so wide, which nothing shows any more."""
        for key in [key for key in self._kept if key.params.width == width]:
            self._forget(key)

    def _forget(self, key: TileName) -> None:
        coded = self._kept.pop(key, None)
        if coded is not None:
            self._bytes -= _size(coded)


def _size(coded: Sequence[bytes]) -> int:
    """Tell what remembering a run takes: bytes, and the objects about them."""
    return _ENTRY_BYTES + sum(map(len, coded)) + len(coded) * _TILE_BYTES
