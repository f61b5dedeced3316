#!/usr/bin/env python3
"""Take pictures out of a ring as NumPy arrays, each as soon as it is there; see docs/frames.md.

Needs NumPy and nothing else, and ends with the writer:
webcapd --ring /run/user/1000/screen.wcf & python3 see_ring.py /run/user/1000/screen.wcf
"""

import ctypes
import fcntl
import os
import struct
import sys

import numpy as np

PIXELS = {b"XR24": (4, (2, 1, 0)), b"RGB3": (3, (0, 1, 2)), b"BGR3": (3, (2, 1, 0))}
libc = ctypes.CDLL(None)


def picture(ring, slots, slot_bytes, last):
    """Give number, flags and (height, width, 3) R, G, B of the newest frame; None if it is old."""
    for _ in range(8):
        (number,) = struct.unpack("<Q", os.pread(ring, 8, 64))
        slot = 4096 + number % slots * slot_bytes
        head = struct.unpack("<QI4sIIII", os.pread(ring, 32, slot))
        sequence, size, fourcc, width, height, line, flags = head
        payload = os.pread(ring, size, slot + 64)
        if number == last:
            return None
        if sequence == 2 * number == struct.unpack("<Q", os.pread(ring, 8, slot))[0]:
            each, order = PIXELS[fourcc]
            rows = np.frombuffer(payload, np.uint8)[: height * line].reshape(height, line)
            return number, flags, rows[:, : width * each].reshape(height, width, each)[:, :, order]
        # The writer has come round to this slot meanwhile.
    return None


ring = os.open(sys.argv[1], os.O_RDONLY | os.O_NOFOLLOW)
magic, _, slots, slot_bytes = struct.unpack("<8sIIQ", os.pread(ring, 24, 0))
bell = libc.inotify_init1(os.O_CLOEXEC)
libc.inotify_add_watch(bell, sys.argv[1].encode(), 4 | 8)  # IN_ATTRIB, IN_CLOSE_WRITE
last, alive = 0, magic == b"WCFRING1"
while alive:
    try:
        fcntl.flock(ring, fcntl.LOCK_SH | fcntl.LOCK_NB)
        alive = False  # Nobody has it locked any more.
    except BlockingIOError:
        pass
    if found := picture(ring, slots, slot_bytes, last):
        last, flags, rgb = found
        means = ",".join(str(round(mean)) for mean in rgb.mean(axis=(0, 1)))
        text = "no picture" if flags & 8 else f"rgb({means})"
        print(last, f"{rgb.shape[1]}x{rgb.shape[0]}", text, flush=True)
    if alive:
        os.read(bell, 4096)  # Sleeps until the writer rings, or has ended.
