"""Pixels of bands to JPEG bytes, several at once where that pays."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from webcapd.encoder.turbojpeg import Compressor

# libjpeg-turbo 2.x obeys these from the environment; each makes bands that
# cannot be spliced.
_HARMFUL = ("TJ_RESTART", "TJ_OPTIMIZE", "TJ_PROGRESSIVE", "TJ_ARITHMETIC")

# Handing bands to another thread costs two wake-ups, about 50 us: as much as
# one band of 1920 pixels takes to encode.  From 8 bands on it halves the time.
_PARALLEL_FROM = 8


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
        self._compressor = Compressor()
        self._workers = (os.cpu_count() or 1) - 1 if workers is None else workers
        self._pool = ThreadPoolExecutor(max(1, self._workers), thread_name_prefix="coder")

    def encode(
        self, bands: Sequence[NDArray[np.uint8]], quality: int, subsampling: str, skip: int = 0
    ) -> list[bytes]:
        """Encode each (rows, width, 4) BGRX array as a JPEG of its own.

        With ``skip``, each without so many first bytes and without its EOI.
        """
        encode = self._compressor.encode

        def encode_some(some: Sequence[NDArray[np.uint8]]) -> list[bytes]:
            return [encode(band, quality, subsampling, skip) for band in some]

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

    def close(self) -> None:
        self._pool.shutdown()
