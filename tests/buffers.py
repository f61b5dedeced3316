"""Frame buffers that no X server fills."""

import numpy as np
from xserver import Pixels

from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.pixelformat import PixelFormat

BGRX = PixelFormat(24, 32, 32, True, (0xFF0000, 0x00FF00, 0x0000FF))


def frame_buffer(pixels: Pixels) -> FrameBuffer:
    """Make a frame buffer whose memory is a (height, width, 4) array."""
    height, width = pixels.shape[:2]
    return FrameBuffer(pixels.reshape(height, width * 4), width, BGRX)


def noise(width: int, height: int, seed: int = 1) -> FrameBuffer:
    """Make a settled frame buffer full of reproducible noise."""
    generator = np.random.default_rng(seed)
    screen = frame_buffer(generator.integers(0, 256, (height, width, 4), np.uint8))
    screen.rehash(range(screen.layout.count))
    return screen
