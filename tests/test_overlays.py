"""What is painted over the screen for viewers leaves the screen itself as it is."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pointer import blend_slowly, lay_over_slowly

from webcapd.capture.bands import BAND_ROWS
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.overlay import Sprite, SpriteImage, blend_premultiplied
from webcapd.capture.pixelformat import BGRX

WIDTH, HEIGHT = 37, 50

bytes_ = st.integers(0, 255)
values = st.integers(0, 0xFFFFFFFF)
# Reaching beyond each edge, and lying quite outside of it.
places = st.tuples(st.integers(-30, WIDTH + 20), st.integers(-30, HEIGHT + 20))
sizes = st.tuples(st.integers(1, 20), st.integers(1, 20))


@settings(deadline=None)
@given(st.lists(st.tuples(bytes_, bytes_, bytes_, values), min_size=1, max_size=60))
def test_blending_is_exact_for_any_pixel(pairs: list[tuple[int, int, int, int]]) -> None:
    """Also where a colour exceeds its alpha, as a server may hand it out."""
    pixels = np.array([[[*pair[:3], 99] for pair in pairs]], np.uint8)
    image = np.array([[pair[3] for pair in pairs]], "<u4").view(np.uint8).reshape(1, -1, 4)
    blend_premultiplied(pixels, image)
    assert pixels[0, :, :3].tolist() == [blend_slowly(pair[:3], pair[3]) for pair in pairs]
    assert (pixels[0, :, 3] == 99).all()


def test_blending_is_exact_for_every_shade_and_alpha() -> None:
    shades, alphas = np.mgrid[0:256, 0:256].astype(np.uint8)
    zero = np.zeros_like(shades)
    pixels = np.dstack([shades, shades, shades, zero])
    blend_premultiplied(pixels, np.dstack([zero, zero, zero, alphas]))
    for shade in range(256):
        expected = [blend_slowly([shade] * 3, alpha << 24) for alpha in range(256)]
        assert pixels[shade, :, :3].tolist() == expected


def frame_buffer(seed: int = 0) -> FrameBuffer:
    """Make a settled frame buffer of noise."""
    noise = np.random.default_rng(seed).integers(0, 256, (HEIGHT, 4 * WIDTH), np.uint8)
    made = FrameBuffer(noise, WIDTH, BGRX)
    made.rehash(range(made.layout.count))
    return made


def sprite(size: tuple[int, int], place: tuple[int, int], seed: int = 0) -> Sprite:
    """Make an overlay whose upper left corner is at ``place``; by odd seeds it is cut out."""
    width, height = size
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    if seed % 2:
        is_there = pixels[:, :, 3:] < 128
        pixels = np.where(is_there, pixels | np.array([0, 0, 0, 255], np.uint8), np.uint8(0))
    return SpriteImage(pixels).at(*place)


def bands_under(size: tuple[int, int], place: tuple[int, int]) -> set[int]:
    """Look at every pixel."""
    return {
        y // BAND_ROWS
        for x in range(place[0], place[0] + size[0])
        for y in range(place[1], place[1] + size[1])
        if 0 <= x < WIDTH and 0 <= y < HEIGHT
    }


@settings(deadline=None)
@given(sizes, places, st.integers(0, 9))
def test_overlay_is_seen_while_composed_and_gone_afterwards(
    size: tuple[int, int], place: tuple[int, int], seed: int
) -> None:
    screen, shown = frame_buffer(), sprite(size, place, seed)
    clean, hashes = screen.raw.copy(), list(screen.hashes)
    screen.set_overlays([shown])
    bands = range(screen.layout.count)
    argb = shown.image.pixels.reshape(-1, 4).copy().view("<u4").ravel().tolist()
    expected = lay_over_slowly(screen.pixels[:, :, :3], argb, size[0], *place)
    with screen.composed():
        assert np.array_equal(screen.pixels[:, :, :3], expected)
    assert np.array_equal(screen.raw, clean)
    # Nothing was drawn on the screen.
    assert screen.rehash(bands) == {}
    assert screen.hashes == hashes


@settings(deadline=None)
@given(st.lists(st.tuples(sizes, places, st.integers(0, 2)), max_size=8))
def test_moving_overlay_changes_just_the_bands_it_leaves_and_enters(
    moves: Sequence[tuple[tuple[int, int], tuple[int, int], int]],
) -> None:
    screen = frame_buffer()
    keys = list(screen.keys)
    clean = list(keys)
    left: set[int] = set()
    before = None
    for move in moves:
        size, place, seed = move
        entered = bands_under(size, place)
        expected = sorted(left | entered) if move != before else []
        assert screen.set_overlays([sprite(size, place, seed)]) == expected
        assert [band for band, key in enumerate(screen.keys) if key != keys[band]] == expected
        keys, left, before = list(screen.keys), entered, move
    assert screen.set_overlays([]) == sorted(left)
    assert screen.keys == clean


def test_overlays_over_each_other_are_all_restored() -> None:
    screen = frame_buffer()
    clean = screen.raw.copy()
    screen.set_overlays([sprite((20, 20), (5, 5), 1), sprite((20, 20), (10, 10), 2)])
    with screen.composed():
        assert not np.array_equal(screen.raw, clean)
    assert np.array_equal(screen.raw, clean)


@settings(deadline=None)
@given(sizes, places, st.integers(0, 9))
def test_pointer_is_apart_and_its_view_differs_only_under_it(
    size: tuple[int, int], place: tuple[int, int], seed: int
) -> None:
    screen, pointer = frame_buffer(), sprite(size, place, seed)
    bands = sorted(bands_under(size, place))
    screen.set_overlays([sprite((9, 9), (3, 10), 5)])
    assert screen.set_pointer(pointer) == bands
    assert screen.set_pointer(sprite(size, place, seed)) == []
    argb = pointer.image.pixels.reshape(-1, 4).copy().view("<u4").ravel().tolist()
    with screen.composed() as apart:
        without, keys = apart.pixels.copy(), list(apart.keys)
        assert apart.pointer is not None and apart.pointer.key == pointer.key
        with apart.with_pointer() as whole:
            expected = lay_over_slowly(without[:, :, :3], argb, size[0], *place)
            assert np.array_equal(whole.pixels[:, :, :3], expected)
            changed = [band for band, key in enumerate(whole.keys) if key != keys[band]]
            assert changed == bands
        assert np.array_equal(apart.pixels, without)
        assert list(apart.keys) == keys
    assert screen.set_pointer(None) == bands
