"""WCFRING1 read and written slowly and obviously, as docs/frames.md tells it.

Against these all others are tested.  They keep to the letter of the document and share
nothing with base/ring/.
"""

import fcntl
import os
import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple


class Frame(NamedTuple):
    number: int
    fourcc: bytes
    width: int
    height: int
    stride: int
    flags: int
    monotonic: int
    realtime: int
    crc: int
    dirty: tuple[int, int, int, int]
    payload: bytes


def number_at(data: bytes, offset: int, size: int) -> int:
    return int.from_bytes(data[offset : offset + size], "little")


def read_newest(path: Path) -> Frame | None:
    """Read the newest frame; None if there is none, or the writer was faster."""
    data = path.read_bytes()
    assert data[:8] == b"WCFRING1"
    assert number_at(data, 8, 4) == 4096
    slots, stride = number_at(data, 12, 4), number_at(data, 16, 8)
    assert 2 <= slots <= 64
    assert len(data) == 4096 + slots * stride
    number = number_at(data, 64, 8)
    if number == 0:
        return None
    slot = data[4096 + number % slots * stride :][:stride]
    # The writer may be at it: what was read before and after is compared.
    again = path.read_bytes()[4096 + number % slots * stride :][:8]
    if not number_at(slot, 0, 8) == number_at(again, 0, 8) == 2 * number:
        return None
    assert slot[60:64] == bytes(4)
    payload = slot[64 : 64 + number_at(slot, 8, 4)]
    crc = number_at(slot, 48, 4)
    assert crc in (0, zlib.crc32(payload))
    return Frame(
        number=number,
        fourcc=slot[12:16],
        width=number_at(slot, 16, 4),
        height=number_at(slot, 20, 4),
        stride=number_at(slot, 24, 4),
        flags=number_at(slot, 28, 4),
        monotonic=number_at(slot, 32, 8),
        realtime=number_at(slot, 40, 8),
        crc=crc,
        dirty=(
            number_at(slot, 52, 2),
            number_at(slot, 54, 2),
            number_at(slot, 56, 2),
            number_at(slot, 58, 2),
        ),
        payload=payload,
    )


class Writer:
    """Writes a ring by whole steps that tests may stop between."""

    def __init__(
        self, path: Path, capacity: int, slots: int = 2, mode: int = 0, **header: Any
    ) -> None:
        """``header`` overrides fields of it: magic, slots, stride, header_size."""
        self.slots = slots
        self.stride = (64 + capacity + 4095) // 4096 * 4096
        self.latest = 0
        unnamed = path.with_name(f"{path.name}.reference")
        self.file = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o640)
        os.posix_fallocate(self.file, 0, 4096 + slots * self.stride)
        fcntl.flock(self.file, fcntl.LOCK_EX)
        self.write(0, header.get("magic", b"WCFRING1"))
        self.write(8, struct.pack("<I", header.get("header_size", 4096)))
        self.write(12, struct.pack("<I", header.get("claimed_slots", slots)))
        self.write(16, struct.pack("<Q", header.get("claimed_stride", self.stride)))
        self.write(24, os.urandom(8))
        self.write(32, struct.pack("<I", os.getpid()))
        self.write(36, struct.pack("<I", mode))
        self.write(40, b"reference".ljust(24, b"\0"))
        os.rename(unnamed, path)

    def write(self, offset: int, data: bytes) -> None:
        assert os.pwrite(self.file, data, offset) == len(data)

    def begin(self) -> int:
        """Begin the next frame; gives where its slot is."""
        number = self.latest + 1
        slot = 4096 + number % self.slots * self.stride
        self.write(slot, struct.pack("<Q", 2 * number - 1))
        return slot

    def fill(
        self,
        slot: int,
        payload: bytes,
        fourcc: bytes,
        width: int,
        height: int,
        stride: int,
        flags: int = 0,
        dirty: tuple[int, int, int, int] = (0, 0, 0, 0),
        crc: int = 0,
    ) -> None:
        self.write(slot + 8, struct.pack("<I", len(payload)))
        self.write(slot + 12, fourcc)
        self.write(slot + 16, struct.pack("<IIII", width, height, stride, flags))
        self.write(slot + 32, struct.pack("<QQI", 0, 0, crc))
        self.write(slot + 52, struct.pack("<HHHH", *dirty))
        self.write(slot + 60, bytes(4))
        self.write(slot + 64, payload)

    def end(self, slot: int) -> None:
        self.latest += 1
        self.write(slot, struct.pack("<Q", 2 * self.latest))
        self.write(64, struct.pack("<Q", self.latest))
        os.utime(self.file)

    def put(self, payload: bytes, fourcc: bytes, width: int, height: int, *more: Any) -> None:
        slot = self.begin()
        self.fill(slot, payload, fourcc, width, height, *more)
        self.end(slot)

    def close(self) -> None:
        os.close(self.file)
