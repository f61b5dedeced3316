"""WCFRING1, frames in a file of shared memory, as bytes.  Pure.

The format is a standard of its own, told in docs/frames.md.  A file is a header
and some slots; frame n (they count from 1) lies in slot n modulo their number.
All integers are little-endian and unsigned.
"""

import struct
from enum import IntFlag
from typing import NamedTuple

MAGIC = b"WCFRING1"
HEADER_BYTES = 4096
SLOT_HEADER_BYTES = 64
MIN_SLOTS, MAX_SLOTS = 2, 64
DEFAULT_SLOTS = 3
MAX_SIDE = 16384
"""Width and height in pixels."""
MAX_PIXELS = 1 << 26
"""So that a header alone cannot make its reader take gigabytes."""
MAX_DATA_BYTES, MAX_JPEG_BYTES = 1 << 28, 1 << 26
"""Of a payload."""

_FILE = struct.Struct("<8sIIQQII24sQ")
_FRAME = struct.Struct("<QI4sIIIIQQI4HI")
COUNTER = struct.Struct("<Q")

LATEST_OFFSET = _FILE.size - COUNTER.size

PIXEL_BYTES = {"RGB3": 3, "BGR3": 3, "XR24": 4, "GREY": 1}
"""Bytes a pixel of each FourCC that is rows of pixels."""
JPEG = "JPEG"
FOURCCS = (*PIXEL_BYTES, JPEG)


class RingError(Exception):
    """A ring that cannot be read or written; the text is one clear sentence, without its path."""


class Mode(IntFlag):
    """What a writer wants of all readers."""

    EVERY_FRAME = 1
    """They should skip no frame."""


class Flags(IntFlag):
    """What a frame is."""

    TOP_FIELD = 1
    """Only lines 0, 2, 4 … count; the others stay as they are."""
    BOTTOM_FIELD = 2
    """Only lines 1, 3, 5 … count."""
    SAME = 4
    """The picture is the one of the frame before."""
    NO_SIGNAL = 8
    """The writer has no picture; what is in it is a placeholder."""


class RingHeader(NamedTuple):
    """The header of the file."""

    slots: int
    slot_stride: int
    """Bytes from a slot to the next."""
    run: int
    """Differs after the writer was started anew."""
    pid: int
    mode: Mode = Mode(0)
    label: str = ""
    latest: int = 0
    """Number of the newest complete frame; 0 if there is none."""

    @property
    def capacity(self) -> int:
        """Most bytes of a payload."""
        return self.slot_stride - SLOT_HEADER_BYTES

    @property
    def file_bytes(self) -> int:
        return HEADER_BYTES + self.slots * self.slot_stride

    def offset(self, frame: int) -> int:
        """Give where in the file the slot of a frame begins."""
        return HEADER_BYTES + frame % self.slots * self.slot_stride


def slot_stride_for(capacity: int) -> int:
    """Give the least slot stride whose slots hold payloads of so many bytes."""
    return -(-(SLOT_HEADER_BYTES + capacity) // 4096) * 4096


def pack_header(header: RingHeader) -> bytes:
    """Write the header of a file; what follows in its HEADER_BYTES is zero."""
    return _FILE.pack(
        MAGIC,
        HEADER_BYTES,
        header.slots,
        header.slot_stride,
        header.run,
        header.pid,
        header.mode,
        _label_bytes(header.label),
        header.latest,
    )


def _label_bytes(label: str) -> bytes:
    """Give as many whole characters of a label as there is room for."""
    return label.encode()[:24].decode(errors="ignore").encode()


def parse_header(data: bytes, file_bytes: int) -> RingHeader:
    """Read the header of a file of so many bytes; raises RingError."""
    if len(data) < _FILE.size or file_bytes < HEADER_BYTES:
        raise RingError("is too short for a ring")
    magic, size, slots, stride, run, pid, mode, label, latest = _FILE.unpack_from(data)
    if magic[:7] != MAGIC[:7]:
        raise RingError("is no ring: it does not begin with WCFRING1")
    if magic != MAGIC:
        raise RingError(f"is a ring of layout {magic[7:]!r}, and only WCFRING1 is known")
    if size != HEADER_BYTES:
        raise RingError(f"is a broken ring: its header claims {size} bytes")
    if not MIN_SLOTS <= slots <= MAX_SLOTS:
        raise RingError(f"is a broken ring: it claims {slots} slots")
    header = RingHeader(
        slots, stride, run, pid, Mode(mode), label.rstrip(b"\0").decode(errors="replace"), latest
    )
    if stride < SLOT_HEADER_BYTES or stride % 8 or header.file_bytes > file_bytes:
        raise RingError(
            f"is a broken ring: it has {file_bytes} bytes, and claims {slots} slots of {stride}"
        )
    return header


class FrameHeader(NamedTuple):
    """The header of a slot, without its sequence number."""

    fourcc: str
    width: int
    height: int
    """Of the whole picture, of a field, too."""
    stride: int = 0
    """Bytes a line; 0 for JPEG."""
    size: int = 0
    """Bytes of the payload."""
    flags: Flags = Flags(0)
    monotonic: int = 0
    """When it was captured: nanoseconds of CLOCK_MONOTONIC; 0 if it is not said."""
    realtime: int = 0
    """Nanoseconds of CLOCK_REALTIME."""
    crc: int = 0
    """CRC-32 of the payload; 0 if there is none."""
    dirty: tuple[int, int, int, int] = (0, 0, 0, 0)
    """x, y, width, height of what may differ from the frame before; all 0 for everything."""

    @property
    def field(self) -> int | None:
        """The first of the lines that count, if only every second one does."""
        fields = self.flags & (Flags.TOP_FIELD | Flags.BOTTOM_FIELD)
        if fields not in (Flags.TOP_FIELD, Flags.BOTTOM_FIELD):
            return None
        return 0 if fields == Flags.TOP_FIELD else 1

    @property
    def lines(self) -> int:
        """Lines of pixels in the payload: a field's may be without the others."""
        if self.field is not None and self.size < self.height * self.stride:
            return (self.height + 1 - self.field) // 2
        return self.height

    @property
    def pixel_data_bytes(self) -> int:
        """Bytes of the payload that are rows of pixels."""
        return self.lines * self.stride


def pack_frame(header: FrameHeader, sequence: int) -> bytes:
    """Write the header of a slot."""
    return _FRAME.pack(
        sequence,
        header.size,
        header.fourcc.encode(),
        header.width,
        header.height,
        header.stride,
        header.flags,
        header.monotonic,
        header.realtime,
        header.crc,
        *header.dirty,
        0,
    )


def parse_frame(data: bytes, capacity: int) -> tuple[int, FrameHeader]:
    """Read the header of a slot, and its sequence number; it is still to be checked."""
    sequence, size, code, width, height, stride, flags, *rest = _FRAME.unpack_from(data)
    monotonic, realtime, crc, *dirty, _ = rest
    # Names that no format has are shown as they are, and refused by the check.
    fourcc = code.decode("latin-1")
    x, y, wide, high = dirty
    return sequence, FrameHeader(
        *(fourcc, width, height, stride, min(size, capacity), Flags(flags)),
        *(monotonic, realtime, crc, (x, y, wide, high)),
    )


def check_frame(header: FrameHeader) -> None:
    """See that a frame is one, whose payload holds what its header says; raises RingError."""
    width, height, stride = header.width, header.height, header.stride
    if header.fourcc not in FOURCCS:
        raise RingError(f"has frames of an unknown format, {header.fourcc!r}")
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS):
        raise RingError(f"has frames of {width}x{height} pixels, which is no size")
    if header.fourcc == JPEG:
        if not 0 < header.size <= MAX_JPEG_BYTES:
            raise RingError(f"has JPEG frames of {header.size} bytes")
        return
    if not width * PIXEL_BYTES[header.fourcc] <= stride <= 2 * MAX_SIDE * 4:
        raise RingError(f"has lines of {stride} bytes for {width} pixels of {header.fourcc}")
    if header.size > MAX_DATA_BYTES:
        raise RingError(f"has frames of {header.size} bytes, which is too much")
    if header.pixel_data_bytes > header.size:
        raise RingError(
            f"has frames of {header.size} bytes, too few for {width}x{height} {header.fourcc}"
        )
