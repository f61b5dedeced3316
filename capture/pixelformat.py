"""What the server's pixels look like, and how they become B, G, R, X.

TrueColor and DirectColor servers differ in bits per pixel (8, 16, 24, 32), byte
order, and where the bits of each colour stand: depth 15 and 16 in 16 bits,
24 in 24 or 32, 30 (ten bits a colour) in 32.  The masks tell, not the depth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from webcapd.base.process.late import NDArray, np

Bytes: TypeAlias = "NDArray[np.uint8]"

_BGRX_MASKS = (0xFF0000, 0x00FF00, 0x0000FF)


@dataclass(frozen=True)
class PixelFormat:
    """How the server lays out the pixels of the root window."""

    depth: int
    bits_per_pixel: int
    scanline_pad: int
    little_endian: bool
    masks: tuple[int, int, int]
    """Red, green and blue masks of the root's visual; 0 where it has a palette."""

    def stride(self, width: int) -> int:
        """Bytes per line of a full-width image."""
        bits = width * self.bits_per_pixel
        return -(-bits // self.scanline_pad) * self.scanline_pad // 8

    @property
    def is_bgrx(self) -> bool:
        """Whether pixels are bytes B, G, R, X as they come."""
        return (self.bits_per_pixel, self.little_endian, self.masks) == (32, True, _BGRX_MASKS)

    @property
    def obstacle(self) -> str | None:
        """Say why such pixels cannot be shown, None if they can."""
        if not all(self.masks):
            return f"a palette of colours (depth {self.depth}); webcapd needs depth 15 or more"
        if self.bits_per_pixel not in (8, 16, 24, 32):
            return f"{self.bits_per_pixel} bits a pixel"
        return None

    def __str__(self) -> str:
        order = "LSB" if self.little_endian else "MSB"
        red, green, blue = self.masks
        return (
            f"depth {self.depth} in {self.bits_per_pixel} bits, {order} first, "
            f"masks {red:x}/{green:x}/{blue:x}"
        )


BGRX = PixelFormat(24, 32, 32, True, _BGRX_MASKS)


def converter(form: PixelFormat) -> Callable[[Bytes, Bytes], None]:
    """Make the function that turns raw lines into pixels.

    It takes (rows, stride) raw bytes and fills (rows, width, 4) bytes B, G, R, X.
    """
    channels = [_channel(mask) for mask in reversed(form.masks)]

    def convert(raw: Bytes, pixels: Bytes) -> None:
        values = _values(form, raw, pixels.shape[1])
        for index, (shift, most, table) in enumerate(channels):
            pixels[:, :, index] = table[(values >> shift) & most]

    return convert


def _channel(mask: int) -> tuple[int, int, Bytes]:
    """Give the shift and greatest value of a colour's bits, and their 8-bit meanings."""
    shift = (mask & -mask).bit_length() - 1
    most = mask >> shift
    table = (np.arange(most + 1) * 255 + most // 2) // most
    return shift, most, table.astype(np.uint8)


def _values(form: PixelFormat, raw: Bytes, width: int) -> NDArray[np.uint32]:
    """Read the pixel values out of raw lines, as (rows, width) numbers."""
    size = form.bits_per_pixel // 8
    lines = raw[:, : width * size]
    if size == 3:
        # Give each pixel the fourth byte that it lacks, at its upper end.
        padded = np.zeros((len(raw), width, 4), np.uint8)
        octets = lines.reshape(len(raw), width, 3)
        padded[:, :, :3] = octets if form.little_endian else octets[:, :, ::-1]
        return padded.view("<u4")[:, :, 0].astype(np.uint32)
    order = "<" if form.little_endian else ">"
    values = np.ascontiguousarray(lines).view(f"{order}u{size}")
    return values.astype(np.uint32)
