"""Colours are right whatever way the server writes its pixels."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from painter import Painter, painter
from program import run_to_end, webcapd
from reader import Reader, reader
from waiting import wait_until
from xserver import Pixels, XServer, xvfb

from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.pixelformat import PixelFormat, converter

RGB = (0xFF0000, 0x00FF00, 0x0000FF)
BGR = (0x0000FF, 0x00FF00, 0xFF0000)
RGB565 = (0xF800, 0x07E0, 0x001F)


@st.composite
def formats(draw: st.DrawFn) -> PixelFormat:
    """Any place and width of three colours in a pixel."""
    bits = draw(st.sampled_from([8, 16, 24, 32]))
    borders = sorted(
        draw(st.lists(st.integers(0, bits), min_size=6, max_size=6, unique=True)), reverse=True
    )
    # A colour has at most 12 bits, as the tables for more would be slow to make.
    masks = [
        ((1 << min(12, high - low)) - 1) << low
        for high, low in zip(borders[::2], borders[1::2], strict=True)
    ]
    red, green, blue = draw(st.permutations(masks))
    pad = draw(st.sampled_from([8, 16, 32]))
    return PixelFormat(bits, bits, pad, draw(st.booleans()), (red, green, blue))


def convert_slowly(form: PixelFormat, lines: Pixels, width: int) -> list[list[list[int]]]:
    """Read pixel by pixel; gives rows of B, G, R."""
    size = form.bits_per_pixel // 8
    order = "little" if form.little_endian else "big"

    def colour(value: int, mask: int) -> int:
        while not mask & 1:
            value, mask = value >> 1, mask >> 1
        return round((value & mask) * 255 / mask)

    rows = []
    for line in lines.tolist():
        octets = [bytes(line[x * size : (x + 1) * size]) for x in range(width)]
        values = [int.from_bytes(some, order) for some in octets]  # type: ignore[arg-type]
        rows.append([[colour(value, mask) for mask in reversed(form.masks)] for value in values])
    return rows


def noise(form: PixelFormat, width: int, height: int) -> Pixels:
    return np.random.default_rng(width).integers(0, 256, (height, form.stride(width)), np.uint8)


def assert_converts(form: PixelFormat, width: int, height: int) -> None:
    lines = noise(form, width, height)
    pixels = np.zeros((height, width, 4), np.uint8)
    converter(form)(lines, pixels)
    assert pixels[:, :, :3].tolist() == convert_slowly(form, lines, width)


@given(formats(), st.integers(1, 13), st.integers(1, 4))
def test_any_format_is_converted_exactly(form: PixelFormat, width: int, height: int) -> None:
    assert form.obstacle is None
    assert_converts(form, width, height)


@pytest.mark.parametrize("little_endian", [True, False])
@pytest.mark.parametrize("masks", [RGB, BGR])
@pytest.mark.parametrize("bits", [24, 32])
@pytest.mark.parametrize("width", [1, 2, 3, 4, 33])
def test_three_and_four_bytes_a_pixel_are_read_in_either_order(
    bits: int, masks: tuple[int, int, int], little_endian: bool, width: int
) -> None:
    assert_converts(PixelFormat(24, bits, 32, little_endian, masks), width, 3)


@pytest.mark.parametrize("little_endian", [True, False])
@pytest.mark.parametrize("masks", [RGB565, (0x7C00, 0x03E0, 0x001F)])
def test_two_bytes_a_pixel_are_read_in_either_order(
    masks: tuple[int, int, int], little_endian: bool
) -> None:
    assert_converts(PixelFormat(16, 16, 32, little_endian, masks), 33, 3)


@pytest.mark.parametrize(
    ("width", "bits", "pad", "stride"),
    [(1, 24, 32, 4), (4, 24, 32, 12), (5, 24, 32, 16), (3, 16, 32, 8), (3, 16, 16, 6)],
)
def test_lines_are_as_long_as_the_server_pads_them(
    width: int, bits: int, pad: int, stride: int
) -> None:
    assert PixelFormat(24, bits, pad, True, RGB).stride(width) == stride


def test_only_the_common_format_is_taken_as_it_comes() -> None:
    assert PixelFormat(24, 32, 32, True, RGB).is_bgrx
    for form in (
        PixelFormat(24, 32, 32, False, RGB),
        PixelFormat(24, 32, 32, True, BGR),
        PixelFormat(24, 24, 32, True, RGB),
        PixelFormat(30, 32, 32, True, (0x3FF00000, 0xFFC00, 0x3FF)),
    ):
        assert not form.is_bgrx


@pytest.mark.parametrize("form", [PixelFormat(8, 8, 32, True, (0, 0, 0))])
def test_palette_is_named_as_an_obstacle(form: PixelFormat) -> None:
    assert "palette" in str(form.obstacle)


COLOURS = [
    *((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (255, 255, 0)),
    *((0, 255, 255), (255, 0, 255), (128, 128, 128), (64, 32, 192), (200, 100, 50), (9, 17, 33)),
]
BAR, HEIGHT = 24, 48


@contextmanager
def shown(server: XServer) -> Iterator[tuple[Painter, Reader]]:
    options = ("--quality", "95", "--subsampling", "444", "--keepalive", "0.5")
    with (
        painter(server) as brush,
        webcapd("--display", server.name, *options) as program,
        reader(program) as viewer,
    ):
        yield brush, viewer


def paint_bar(brush: Painter, index: int, colour: tuple[int, int, int]) -> list[int]:
    """Paint a bar; returns the B, G, R that the server says it has."""
    red, green, blue = (257 * part for part in colour)
    found = brush.display.screen().default_colormap.alloc_color(red, green, blue)
    brush.rectangle(found.pixel, BAR * index, 0, BAR, HEIGHT)
    return [found.blue >> 8, found.green >> 8, found.red >> 8]


@pytest.mark.parametrize("depth", [15, 16, 24, 30])
def test_colours_of_a_server_of_any_depth_are_right(depth: int) -> None:
    with (
        xvfb(BAR * len(COLOURS), HEIGHT, depth=depth) as server,
        shown(server) as (brush, viewer),
    ):
        for turn in range(3):
            colours = COLOURS[turn:] + COLOURS[:turn]
            expected = [paint_bar(brush, *bar) for bar in enumerate(colours)]

            def looks_right(expected: list[list[int]] = expected) -> bool:
                if not (viewer.check() and viewer.parts):
                    return False
                middles = viewer.latest[:, BAR // 2 :: BAR].astype(int)
                return bool((abs(middles - expected) <= 4).all())

            wait_until(f"the colours {expected}", looks_right)


@pytest.mark.parametrize("depth", [8])
def test_server_with_a_palette_is_refused_in_one_sentence(depth: int) -> None:
    with xvfb(64, 48, depth=depth) as server:
        status, said = run_to_end("--port", "0", "--display", server.name)
    assert (status, said.count("\n")) == (1, 0)
    assert "palette" in said
    assert "depth 8" in said


def test_frame_buffer_of_another_format_shows_what_was_settled() -> None:
    form = PixelFormat(16, 16, 32, True, RGB565)
    lines = noise(form, 21, 40)
    screen = FrameBuffer(lines, 21, form)
    assert list(screen.rehash([0, 2])) == [0, 2]
    expected = convert_slowly(form, lines, 21)
    assert screen.pixels[:16, :, :3].tolist() == expected[:16]
    assert not screen.pixels[16:32].any()
    assert screen.pixels[32:, :, :3].tolist() == expected[32:]
