"""Pixels of bands to JPEG bytes, by libjpeg-turbo through PyTurboJPEG."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import turbojpeg
from numpy.typing import NDArray

# libjpeg-turbo 2.x obeys these from the environment; each makes bands that
# cannot be spliced.
_HARMFUL = ("TJ_RESTART", "TJ_OPTIMIZE", "TJ_PROGRESSIVE", "TJ_ARITHMETIC")

# Handing bands to another thread costs two wake-ups, about 50 us: as much as
# one band of 1920 pixels takes to encode.  From 8 bands on it halves the time.
_PARALLEL_FROM = 8

_SUBSAMPLINGS = {
    "444": turbojpeg.TJSAMP_444,
    "422": turbojpeg.TJSAMP_422,
    "420": turbojpeg.TJSAMP_420,
    "gray": turbojpeg.TJSAMP_GRAY,
}


class CoderError(Exception):
    """libjpeg-turbo cannot be used; the text is one clear sentence."""


class BandCoder:
    """Encodes bands, several at once where that pays.

    The encoder thread calls; workers only ever see pixels it waits for.
    """

    def __init__(self, workers: int | None = None) -> None:
        """Load libjpeg-turbo; raises CoderError.

        ``workers`` counts the threads that help (one fewer than processors
        unless given).
        """
        for name in _HARMFUL:
            os.environ.pop(name, None)
        try:
            self._turbojpeg = turbojpeg.TurboJPEG()
        except (RuntimeError, OSError, AttributeError) as error:
            raise CoderError(f"libjpeg-turbo (libturbojpeg.so.0) is needed: {error}") from None
        self._workers = (os.cpu_count() or 1) - 1 if workers is None else workers
        self._pool = ThreadPoolExecutor(max(1, self._workers), thread_name_prefix="coder")

    def encode(
        self, bands: Sequence[NDArray[np.uint8]], quality: int, subsampling: str
    ) -> list[bytes]:
        """Encode each (rows, width, 4) BGRX array as a JPEG of its own."""

        def encode_some(some: Sequence[NDArray[np.uint8]]) -> list[bytes]:
            return [self._encode(band, quality, subsampling) for band in some]

        if self._workers < 1 or len(bands) < _PARALLEL_FROM:
            return encode_some(bands)
        share = -(-len(bands) // (self._workers + 1))
        helped = [
            self._pool.submit(encode_some, bands[start : start + share])
            for start in range(share, len(bands), share)
        ]
        jpegs = encode_some(bands[:share])
        for future in helped:
            jpegs += future.result()
        return jpegs

    def _encode(self, band: NDArray[np.uint8], quality: int, subsampling: str) -> bytes:
        jpeg: bytes = self._turbojpeg.encode(
            band, quality, turbojpeg.TJPF_BGRX, _SUBSAMPLINGS[subsampling]
        )
        return jpeg

    def close(self) -> None:
        self._pool.shutdown()
