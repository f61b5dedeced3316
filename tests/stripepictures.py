"""What stripes show once all are put together, each at its place, by decoders that are not ours."""

import importlib.util
import math

import av
import cv2
import numpy as np
import pytest
from av.codec.context import Flags
from xserver import Pixels

needs_real = pytest.mark.skipif(
    importlib.util.find_spec("pixelflux") is None,
    reason="pixelflux is not installed (script/setup --test), as it has no wheel for this machine",
)


class Canvas:
    """A picture that stripes are painted on, as who gets them does."""

    def __init__(self, width: int, height: int) -> None:
        self.pixels = np.zeros((height, width, 3), np.uint8)
        self._decoders: dict[int, av.VideoCodecContext] = {}
        """By where their stripes begin: each is a stream of its own."""

    def show(self, top: int, height: int | None, data: bytes, is_video: bool) -> None:
        """Paint a stripe; what stands before a JPEG or H.264 has been taken off."""
        shown = self._video(top, data) if is_video else _still(data)
        assert height in (None, shown.shape[0])
        self.pixels[top : top + shown.shape[0], : shown.shape[1]] = shown

    def _video(self, top: int, data: bytes) -> Pixels:
        """Decode the next picture of a stream, which must come out at once."""
        decoder = self._decoders.get(top)
        if decoder is None:
            decoder = self._decoders[top] = av.CodecContext.create("h264", "r")
            decoder.thread_count = 1
            decoder.flags |= Flags.low_delay
        (frame,) = decoder.decode(av.Packet(data))
        return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def _still(data: bytes) -> Pixels:
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    return np.asarray(shown, np.uint8)


def psnr(one: Pixels, other: Pixels) -> float:
    """Tell how alike two (height, width, 3 or more) pictures are, in dB."""
    assert one.shape[:2] == other.shape[:2]
    error = np.square(one[:, :, :3].astype(float) - other[:, :, :3]).mean()
    return math.inf if not error else 10 * math.log10(255**2 / error)


def scene(width: int, height: int, seed: int = 0) -> Pixels:
    """Draw something like a desktop, another for each seed, as (height, width, 3) B, G, R."""
    y, x = np.mgrid[:height, :width]
    slopes = [x + 3 * seed, y + x // 2, 2 * y - seed]
    pixels = np.stack([128 + 90 * np.sin(one / 60) for one in slopes], axis=2).astype(np.uint8)
    pixels[20 : height // 2, 30 : width // 2] = 240
    for row in range(30, height // 2 - 10, 14):
        ends = 40 + (row * 37 + seed * 11) % max(1, width // 2 - 80)
        pixels[row : row + 2, 40:ends] = 30
        pixels[row : row + 8, 40:ends:9] = 30
    return pixels
