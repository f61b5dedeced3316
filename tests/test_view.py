"""Views of the screen: each alone and composed, kept up to date bit by bit."""

import cv2
import numpy as np
from buffers import frame_buffer, noise
from hypothesis import given, settings
from hypothesis import strategies as st
from xserver import Pixels

from webcapd.capture.bands import BAND_ROWS
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.geometry import Rectangle
from webcapd.encoder.transform import UPRIGHT, TransformedPicture, View

sides = st.integers(1, 90)
crops = st.none() | st.builds(
    Rectangle, st.integers(-9, 60), st.integers(-9, 60), st.integers(1, 80), st.integers(1, 80)
)
views = st.builds(
    View,
    quarter_turns=st.integers(0, 3),
    fit=st.tuples(st.integers(0, 70), st.integers(0, 70)),
    scale=st.sampled_from([1.0, 0.5, 0.25, 0.3]),
    crop=crops,
    flip=st.sampled_from(["", "h", "v", "hv"]),
)
unscaled = st.builds(
    View,
    quarter_turns=st.integers(0, 3),
    crop=crops,
    flip=st.sampled_from(["", "h", "v", "hv"]),
)


def follow(buffer: TransformedPicture, screen: FrameBuffer) -> None:
    """Have a view take over what changed on a screen."""
    with buffer.following(screen):
        pass


def shown(buffer: TransformedPicture, screen: FrameBuffer) -> Pixels:
    """Have a view follow a screen, and put its bands together."""
    with buffer.following(screen):
        picture = buffer.pixels.copy()
    assert picture.shape == (buffer.height, buffer.width, 4)
    return picture


def seen_slowly(screen: Pixels, view: View) -> Pixels:
    """Rotate, crop and flip pixel by pixel."""
    rows = screen.tolist()
    for _ in range(view.quarter_turns):
        rows = [list(column) for column in zip(*rows[::-1], strict=True)]
    if view.crop is not None:
        everything = Rectangle(0, 0, len(rows[0]), len(rows))
        last = Rectangle(everything.width - 1, everything.height - 1, 1, 1)
        part = view.crop.within(everything) or last
        rows = [row[part.x : part.right] for row in rows[part.y : part.bottom]]
    if "v" in view.flip:
        rows = rows[::-1]
    if "h" in view.flip:
        rows = [row[::-1] for row in rows]
    return np.array(rows, np.uint8)


@settings(deadline=None, max_examples=60)
@given(sides, sides, unscaled)
def test_rotation_crop_and_flip_show_the_right_pixels(width: int, height: int, view: View) -> None:
    screen = noise(width, height)
    buffer = TransformedPicture(view)
    follow(buffer, screen)
    assert np.array_equal(shown(buffer, screen), seen_slowly(screen.pixels, view))


@settings(deadline=None)
@given(sides, sides, views, st.lists(st.tuples(sides, sides, sides, sides), max_size=5))
def test_view_kept_up_to_date_equals_the_view_of_the_whole(
    width: int, height: int, view: View, drawn: list[tuple[int, int, int, int]]
) -> None:
    screen = noise(width, height)
    kept = TransformedPicture(view)
    follow(kept, screen)
    for seed, (x, y, wide, tall) in enumerate(drawn):
        area = screen.pixels[y : y + tall, x : x + wide]
        area[:] = np.random.default_rng(seed).integers(0, 256, area.shape)
        screen.rehash(range(screen.layout.count))
        follow(kept, screen)
    whole = TransformedPicture(view)
    follow(whole, screen)
    assert np.array_equal(shown(kept, screen), shown(whole, screen))
    assert kept.keys == whole.keys


@settings(deadline=None, max_examples=50)
@given(sides, sides, st.sampled_from([0.5, 0.25, 0.3, 0.77]))
def test_scaling_is_what_opencv_does_with_the_whole(width: int, height: int, scale: float) -> None:
    screen = noise(width, height)
    buffer = TransformedPicture(View(scale=scale))
    follow(buffer, screen)
    rows, columns = buffer.height, buffer.width
    expected = cv2.resize(screen.pixels, (columns, rows), interpolation=cv2.INTER_AREA)
    difference = np.abs(shown(buffer, screen).astype(int) - expected.astype(int))
    assert difference.max() <= 1


def test_view_never_enlarges() -> None:
    screen = noise(40, 30)
    for view in (View(scale=1.0), View(fit=(400, 0)), View(fit=(0, 300)), View(fit=(40, 30))):
        buffer = TransformedPicture(view)
        follow(buffer, screen)
        assert np.array_equal(shown(buffer, screen), screen.pixels)


def test_fit_keeps_the_shape_and_stays_in_the_box() -> None:
    screen = noise(160, 90)
    for view, size in (
        (View(fit=(80, 0)), (80, 45)),
        (View(fit=(0, 45)), (80, 45)),
        (View(fit=(80, 80)), (80, 45)),
        (View(fit=(80, 9)), (16, 9)),
        (View(1, fit=(45, 0)), (45, 80)),
        (View(1, fit=(0, 80)), (45, 80)),
        (View(1), (90, 160)),
    ):
        buffer = TransformedPicture(view)
        follow(buffer, screen)
        assert (buffer.width, buffer.height) == size


def test_only_bands_that_look_different_get_another_key() -> None:
    screen = noise(64, BAND_ROWS * 8)
    for view, band in ((View(scale=0.5), 1), (View(2), 5), (View(flip="v"), 5), (UPRIGHT, 2)):
        buffer = TransformedPicture(view)
        follow(buffer, screen)
        before = list(buffer.keys)
        screen.pixels[BAND_ROWS * 2 + 3] ^= 255
        screen.rehash([2])
        follow(buffer, screen)
        assert [i for i, key in enumerate(buffer.keys) if key != before[i]] == [band]


def test_view_follows_a_screen_of_another_size() -> None:
    buffer = TransformedPicture(View(1, scale=0.5, crop=Rectangle(0, 0, 20, 20)))
    for size in ((60, 40), (40, 60), (8, 8), (60, 40)):
        screen: FrameBuffer = noise(*size)
        follow(buffer, screen)
        fresh = TransformedPicture(View(1, scale=0.5, crop=Rectangle(0, 0, 20, 20)))
        follow(fresh, screen)
        assert np.array_equal(shown(buffer, screen), shown(fresh, screen))


def test_crop_of_what_is_no_longer_there_shows_one_pixel() -> None:
    screen = frame_buffer(np.full((10, 10, 4), 7, np.uint8))
    screen.rehash([0])
    buffer = TransformedPicture(View(crop=Rectangle(50, 50, 10, 10)))
    follow(buffer, screen)
    assert (buffer.width, buffer.height) == (1, 1)


def test_screens_are_left_alone_and_forgotten() -> None:
    """Of two screens that scale to one size, one as it is, neither's memory is written to."""
    buffer = TransformedPicture(View(fit=(64, 0)))
    for width, height in ((64, 48), (128, 96), (64, 48), (32, 24), (128, 96)):
        screen = noise(width, height)
        clean = screen.pixels.copy()
        fresh = TransformedPicture(View(fit=(64, 0)))
        assert np.array_equal(shown(buffer, screen), shown(fresh, screen))
        assert np.array_equal(screen.pixels, clean)
        assert not any(
            np.shares_memory(value, screen.pixels)
            for value in vars(buffer).values()
            if isinstance(value, np.ndarray)
        )
