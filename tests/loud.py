"""A colour that nobody may see: it is under masks and nowhere else."""

from collections.abc import Iterable

import mjpeg
from xserver import Pixels, XServer

from webcapd.capture.geometry import Rectangle

WIDTH, HEIGHT = 320, 240

# At this quality a colour stays what it is, and nothing of it gets across a border.
OPTIONS = ("--quality", "95", "--subsampling", "444", "--keepalive", "0.5", "--fps", "120")

LOUD = {24: 0xFF00FF, 16: 0xF81F}
"""Bright red and blue without green, as a pixel value by depth."""


def assert_silent(picture: Pixels) -> None:
    """See that the loud colour is nowhere."""
    blue, green, red = (picture[:, :, index].astype(int) for index in range(3))
    loud = (blue - green > 90) & (red - green > 90)
    assert not loud.any(), f"{loud.sum()} pixels of what is masked are to be seen"


def expected(server: XServer, masks: Iterable[Rectangle], part: Rectangle | None = None) -> Pixels:
    """Give what a viewer of a part of the screen has to see."""
    pixels = server.pixels()
    for mask in masks:
        pixels[max(0, mask.y) : max(0, mask.bottom), max(0, mask.x) : max(0, mask.right)] = 0
    if part is not None:
        pixels = pixels[part.y : part.bottom, part.x : part.right]
    return mjpeg.decode(mjpeg.encode(pixels, 95, "444"))


def part_options(part: Rectangle) -> list[str]:
    flags = ("--capture-x", "--capture-y", "--width", "--height")
    return [word for flag, value in zip(flags, part, strict=True) for word in (flag, str(value))]
