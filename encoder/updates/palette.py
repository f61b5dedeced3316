"""The colours of a rectangle, if they are few: found fast, and packed small.

np.unique sorts, a millisecond for 320x64 pixels.  So colours are first looked
for in a sample; then each pixel finds its index by a table that is addressed by
a hash of its colour, and what the table does not know is added.
"""

from __future__ import annotations

from typing import TypeAlias

from webcapd.base.process.late import NDArray, np
from webcapd.encoder.updates.pixels import Words

MAX_COLOURS = 256

Bytes: TypeAlias = "NDArray[np.uint8]"

# Up to here sorting is faster.
_SMALL = 1024
_SAMPLES = 512
_ROUNDS = 6
# Odd numbers; some do not send two of the colours to one place.
_MULTIPLIERS = (
    0x9E3779B1,
    0x85EBCA77,
    0xC2B2AE3D,
    0x27D4EB2F,
    0x165667B1,
    0x7FEB352D,
    0x846CA68B,
    0x58F38DED,
)


def palette_of(values: Words) -> tuple[Words, Bytes] | None:
    """Give the colours in rising order, and each pixel's index; None if they are too many."""
    if values.size <= _SMALL:
        return _sorted(values)
    flat = values.ravel()
    # An odd step does not fall in step with the width.
    missing = flat[:: flat.size // _SAMPLES | 1]
    known = np.empty(0, np.uint32)
    for _ in range(_ROUNDS):
        known = np.union1d(known, missing)
        if len(known) > MAX_COLOURS:
            return None
        indices = _indices(flat, known)
        if indices is None:
            return _sorted(values)
        missing = flat[known.take(indices) != flat]
        if not missing.size:
            return known, indices.reshape(values.shape)
        if missing.size > _SMALL:
            missing = missing[:: missing.size // _SAMPLES | 1]
    return _sorted(values)


def _sorted(values: Words) -> tuple[Words, Bytes] | None:
    known, indices = np.unique(values, return_inverse=True)
    if len(known) > MAX_COLOURS:
        return None
    return known, indices.reshape(values.shape).astype(np.uint8)


def _indices(flat: Words, known: Words) -> Bytes | None:
    """Give each pixel the index of its colour, and any index if its colour is not known."""
    table = np.zeros(1 << 16, np.uint8)
    for multiplier in map(np.uint32, _MULTIPLIERS):
        places = known * multiplier >> 16
        table[places] = np.arange(len(known), dtype=np.uint8)
        if (table[places] == np.arange(len(known))).all():
            indices: Bytes = table.take(flat * multiplier >> 16)
            return indices
    return None


def is_grey(known: Words) -> bool:
    blue = known & 255
    return bool(((known >> 8 & 255 == blue) & (known >> 16 == blue)).all())


def colour_planes(known: Words, grey: bool) -> bytes:
    """Write colours as red, green and blue apart, each the difference to the one before.

    Antialiased text blends two colours: then the differences are alike, and deflate well.
    """
    shifts = (0,) if grey else (16, 8, 0)
    planes = np.array([known >> shift & 255 for shift in shifts], np.uint8)
    return np.diff(planes, axis=1, prepend=np.uint8(0)).tobytes()


def bits_of(count: int) -> int:
    """Give how many bits tell so many colours apart."""
    return max(1, (count - 1).bit_length())


def pack(indices: Bytes, bits: int) -> bytes:
    """Write indices with so many bits each, first bit first, each row from a byte on."""
    if bits == 8:
        return indices.tobytes()
    height, width = indices.shape
    if bits == 1:
        return np.packbits(indices, axis=1).tobytes()
    apart = np.unpackbits(indices[..., None], axis=2)[:, :, 8 - bits :]
    return np.packbits(apart.reshape(height, width * bits), axis=1).tobytes()
