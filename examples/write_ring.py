#!/usr/bin/env python3
"""Write moving colours into a ring that webcapd shows; docs/frames.md tells the format.

Started by python3 write_ring.py /run/user/1000/colours.wcf [WIDTH HEIGHT FPS FRAMES], it is
shown by webcapd --source wcf:/run/user/1000/colours.wcf
"""

import fcntl
import itertools
import os
import struct
import sys
import time

import numpy as np

SLOTS = 3


def make(path: str, capacity: int) -> tuple[int, int]:
    """Make the file and lock it for life; gives its descriptor and the bytes of a slot."""
    stride = -(-(64 + capacity) // 4096) * 4096
    ring = os.open(path + ".new", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    os.posix_fallocate(ring, 0, 4096 + SLOTS * stride)
    fcntl.flock(ring, fcntl.LOCK_EX)
    run = time.time_ns()
    header = struct.pack("<8sIIQQII", b"WCFRING1", 4096, SLOTS, stride, run, os.getpid(), 0)
    os.pwrite(ring, header + b"colours", 0)
    os.rename(path + ".new", path)
    return ring, stride


def put(ring: int, stride: int, number: int, pixels: np.ndarray) -> None:
    """Write frame ``number``, (height, width, 4) bytes B, G, R, X, and wake the readers."""
    height, width = pixels.shape[:2]
    slot = 4096 + number % SLOTS * stride
    head = struct.pack("<I4sIIII", pixels.nbytes, b"XR24", width, height, 4 * width, 0)
    head += struct.pack("<QQ16x", time.monotonic_ns(), time.time_ns())
    os.pwrite(ring, struct.pack("<Q", 2 * number - 1), slot)
    os.pwritev(ring, [head, pixels.data], slot + 8)
    os.pwrite(ring, struct.pack("<Q", 2 * number), slot)
    os.pwrite(ring, struct.pack("<Q", number), 64)
    os.utime(ring)


def main() -> None:
    path, *numbers = sys.argv[1:]
    width, height, fps, frames = map(int, [*numbers, *("640", "480", "30", "0")[len(numbers) :]])
    pixels = np.zeros((height, width, 4), np.uint8)
    ring, stride = make(path, pixels.nbytes)
    for number in range(1, frames + 1) if frames else itertools.count(1):
        pixels[:, :, 0] = np.arange(width) + number & 255
        pixels[:, :, 1] = (np.arange(height) + number & 255)[:, np.newaxis]
        pixels[:, :, 2] = number & 255
        put(ring, stride, number, pixels)
        time.sleep(1 / fps)


main()
