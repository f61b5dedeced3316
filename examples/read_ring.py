#!/usr/bin/env python3
"""Read a ring and write its pixels to standard output; docs/frames.md tells the format.

Needs nothing but Python, and ends with the writer.  To see them:
python3 read_ring.py colours.wcf | ffplay -f rawvideo -pixel_format bgr0 -video_size 640x480 -
"""

import ctypes
import fcntl
import os
import struct
import sys

libc = ctypes.CDLL(None)


def has_writer(ring: int) -> bool:
    """Whether somebody holds the lock of the file."""
    try:
        fcntl.flock(ring, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(ring, fcntl.LOCK_UN)
    return False


def read(ring: int, slots: int, stride: int, last: int) -> tuple[int, bytes]:
    """Give number and payload of the newest frame; those of the last are empty."""
    for _ in range(8):
        (number,) = struct.unpack("<Q", os.pread(ring, 8, 64))
        if number == last:
            break
        slot = 4096 + number % slots * stride
        before, size = struct.unpack("<QI", os.pread(ring, 12, slot))
        payload = os.pread(ring, min(size, stride - 64), slot + 64)
        (after,) = struct.unpack("<Q", os.pread(ring, 8, slot))
        if before == after == 2 * number:
            return number, payload
        # The writer has come round to this slot meanwhile.
    return last, b""


ring = os.open(sys.argv[1], os.O_RDONLY | os.O_NOFOLLOW)
magic, _, slots, stride = struct.unpack("<8sIIQ", os.pread(ring, 24, 0))
if magic != b"WCFRING1" or slots < 2:
    sys.exit(f"{sys.argv[1]} is no ring")
events = libc.inotify_init1(os.O_CLOEXEC)
libc.inotify_add_watch(events, sys.argv[1].encode(), 4 | 8)  # IN_ATTRIB, IN_CLOSE_WRITE
last, alive = 0, True
while alive:
    # First, so that the last frame of one who has ended is read, too.
    alive = has_writer(ring)
    last, payload = read(ring, slots, stride, last)
    sys.stdout.buffer.write(payload)
    sys.stdout.buffer.flush()
    if alive:
        os.read(events, 4096)  # Sleeps until the writer rings, or has ended.
