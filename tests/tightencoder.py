"""Rectangles in Tight, coded as VNC servers do, for tests: basic, with a palette or without."""

import zlib

import numpy as np
from xserver import Pixels


def compact(length: int) -> bytes:
    """Write a length as Tight does."""
    if length < 1 << 7:
        return bytes([length])
    if length < 1 << 14:
        return bytes([length & 127 | 128, length >> 7])
    return bytes([length & 127 | 128, length >> 7 & 127 | 128, length >> 14])


class TightEncoder:
    """Codes rectangles in Tight, each stream going on from one to the next."""

    def __init__(self) -> None:
        self._streams = [zlib.compressobj() for _ in range(4)]

    def basic(self, pixels: Pixels, stream: int, reset: bool) -> bytes:
        """Code with a palette if that goes, or else as they are."""
        if reset:
            self._streams[stream] = zlib.compressobj()
        control = stream << 4 | reset << stream
        colours, indices = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True)
        indices = indices.reshape(pixels.shape[:2]).astype(np.uint8)
        if not 2 <= len(colours) <= 256:
            return bytes([control]) + self._data(pixels.tobytes(), stream)
        plain = np.packbits(indices, axis=1) if len(colours) == 2 else indices
        head = bytes([control | 0x40, 1, len(colours) - 1]) + colours.astype(np.uint8).tobytes()
        return head + self._data(plain.tobytes(), stream)

    def _data(self, data: bytes, stream: int) -> bytes:
        if len(data) < 12:
            return data
        deflater = self._streams[stream]
        coded = deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH)
        return compact(len(coded)) + coded
