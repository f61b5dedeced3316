"""Stripes are what changed of the picture, each decodable by itself, and together all of it."""

import math
import time
from collections.abc import Sequence

import numpy as np
import pytest
from buffers import frame_buffer
from hypothesis import given, settings
from hypothesis import strategies as st
from stripepictures import Canvas, psnr, scene
from xserver import Pixels

from webcapd.base.pace import CREDIT
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.picture import BandKey
from webcapd.encoder.cell import Closed
from webcapd.encoder.consumer import Moment
from webcapd.encoder.jpeg.tiles import TileCache, TileEncoder
from webcapd.encoder.stripes.consumer import StripeConsumer
from webcapd.encoder.stripes.jpeg import JpegStripe
from webcapd.encoder.stripes.layout import Rows, stripes_of
from webcapd.encoder.stripes.part import PartialPicture
from webcapd.encoder.stripes.stripe import StripedFrame, StripeSettings

WIDTH, HEIGHT = 200, 330
MOMENT = Moment(0.0, 0.0, 80)


@given(st.integers(1, 3000), st.integers(1, 64), st.sampled_from([1, 2]))
def test_stripes_are_all_of_the_picture_in_parts_as_equal_as_can_be(
    height: int, most: int, unit: int
) -> None:
    stripes = stripes_of(height, most, unit)
    heights: list[int] = [one.height for one in stripes]
    assert [one.top for one in stripes] == [sum(heights[:n]) for n in range(len(heights))]
    assert sum(heights) == height // unit * unit
    assert len(stripes) == max(1, min(most, height // 64)) or height < unit
    assert all(one % unit == 0 for one in heights)
    assert heights == sorted(heights, reverse=True)
    assert not heights or heights[0] - heights[-1] <= unit


def test_stripes_are_those_of_the_ancestor() -> None:
    """As pixelflux 2.2.1 has them on two processors."""
    assert stripes_of(720, 2) == [(0, 360), (360, 360)]
    assert stripes_of(705, 2) == [(0, 353), (353, 352)]
    assert stripes_of(719, 2, 2) == [(0, 360), (360, 358)]
    assert stripes_of(3, 2) == [(0, 3)]


class Screen:
    """A picture that changes, and the stripes that are made of it."""

    def __init__(self, settings: StripeSettings, most: int = 3, subsampling: str = "420") -> None:
        self.buffer: FrameBuffer = frame_buffer(np.zeros((HEIGHT, WIDTH, 4), np.uint8))
        self.canvas = Canvas(WIDTH, HEIGHT)
        tiles, cache = TileEncoder(0), TileCache(1 << 20)
        self.consumer = StripeConsumer(
            settings,
            lambda rows, width: JpegStripe(rows, tiles, cache, subsampling),
            *(most, 1, lambda: None),
        )

    def draw(self, top: int, bottom: int, left: int, right: int, seed: int) -> None:
        self.buffer.pixels[top:bottom, left:right, :3] = scene(WIDTH, HEIGHT, seed)[
            top:bottom, left:right
        ]
        self.buffer.rehash(range(self.buffer.layout.count))

    def fed(self) -> StripedFrame | None:
        """Feed the picture, and paint what comes out."""
        slot = self.consumer.slot
        assert slot.take(0) is None
        with self.buffer.composed() as picture:
            self.consumer.feed(picture, MOMENT)
        frame = slot.take(0)
        for one in frame.stripes if frame else ():
            top, height = one.rows
            self.canvas.show(top, height, one.data, one.is_video)
        return frame

    def tops(self) -> list[int]:
        """Feed the picture; gives where the stripes begin that come out."""
        frame = self.fed()
        return [one.rows.top for one in frame.stripes] if frame else []


CHANGES = st.lists(
    st.tuples(
        *(st.integers(0, HEIGHT), st.integers(0, HEIGHT)),
        *(st.integers(0, WIDTH), st.integers(0, WIDTH), st.integers(0, 50)),
    ),
    max_size=6,
)


@settings(max_examples=30)
@given(CHANGES, st.sampled_from(["420", "444"]))
def test_stripes_are_what_changed_and_together_the_picture(
    changes: Sequence[tuple[int, int, int, int, int]], subsampling: str
) -> None:
    screen = Screen(StripeSettings(90), subsampling=subsampling)
    screen.draw(0, HEIGHT, 0, WIDTH, 7)
    assert screen.tops() == [0, 110, 220]
    for change in changes:
        before = screen.buffer.pixels.copy()
        screen.draw(*change)
        rows = np.nonzero((before != screen.buffer.pixels).any(axis=(1, 2)))[0]
        changed = {min(2, int(row) // 110) * 110 for row in rows}
        # Other pixels may yet be the same JPEG.
        assert set(screen.tops()) <= changed
    assert psnr(screen.canvas.pixels, screen.buffer.pixels) > 33


def test_stripe_that_rests_is_sent_once_more_and_better() -> None:
    screen = Screen(StripeSettings())
    screen.draw(0, HEIGHT, 0, WIDTH, 7)
    stripe = JpegStripe(Rows(0, 110), TileEncoder(0), TileCache(1 << 20))
    settings = StripeSettings(60, 95, calm=2.0)

    def encode(now: float, whole: bool = False) -> bytes | None:
        with screen.buffer.composed() as picture:
            if stripe.look(picture, settings, now, whole):
                return stripe.encode(picture, 0, now).data
        return None

    assert (moving := encode(1.0)) is not None
    assert stripe.due == 3.0
    assert encode(2.9) is None
    assert encode(2.95, whole=True) == moving
    assert (resting := encode(3.0)) is not None
    assert len(resting) > len(moving)
    assert stripe.due == math.inf
    assert encode(9.0) is None
    assert encode(9.0, whole=True) == resting
    screen.draw(3, 50, 20, 90, 8)
    assert (changed := encode(10.0)) is not None
    assert (len(changed) < len(resting), stripe.due) == (True, 12.0)
    settings = StripeSettings(30)
    assert (lower := encode(10.5)) is not None
    assert (len(lower) < len(changed), stripe.due) == (True, math.inf)


@given(st.integers(0, 200), st.integers(1, 100), st.integers(0, 299), st.integers(0, WIDTH - 1))
def test_equal_keys_of_a_part_mean_equal_pixels(top: int, height: int, y: int, x: int) -> None:
    screen = Screen(StripeSettings())
    screen.draw(0, HEIGHT, 0, WIDTH, 7)
    before = bands_of(screen, Rows(top, height))
    screen.buffer.pixels[y, x] ^= 1
    screen.buffer.rehash(range(screen.buffer.layout.count))
    now = bands_of(screen, Rows(top, height))
    for (old_key, old_rows), (key, rows) in zip(before, now, strict=True):
        assert key != old_key or np.array_equal(rows, old_rows)
    is_in = top <= y < top + height
    assert is_in == any(not np.array_equal(a[1], b[1]) for a, b in zip(before, now, strict=True))


def bands_of(screen: Screen, rows: Rows) -> list[tuple[BandKey, Pixels]]:
    """Give key and pixels of each band of a part of a screen."""
    with screen.buffer.composed() as picture:
        part = PartialPicture(picture, rows)
        bands = [part.layout.rows(band) for band in range(part.layout.count)]
        pixels = [part.pixels[top:bottom].copy() for top, bottom in bands]
        return list(zip(part.keys, pixels, strict=True))


def test_same_bands_read_from_another_row_on_have_other_keys() -> None:
    """What is cached by key would else be shown shifted."""
    screen = Screen(StripeSettings())
    screen.buffer.pixels[:] = np.arange(HEIGHT)[:, None, None] % 16 * 15
    screen.buffer.rehash(range(screen.buffer.layout.count))
    with screen.buffer.composed() as picture:
        one, other = (PartialPicture(picture, Rows(top, 64)).keys for top in (16, 24))
    assert not set(one) & set(other)
    screen.fed()
    assert psnr(screen.canvas.pixels, screen.buffer.pixels) > 33


def test_frames_keep_to_a_rate_on_average() -> None:
    screen = Screen(StripeSettings())
    screen.consumer.fps = 0.01
    for seed in range(CREDIT):
        assert screen.consumer.slot.take(0) is None
        assert screen.consumer.demand().due <= time.monotonic()
        screen.draw(0, HEIGHT, 0, WIDTH, seed)
        assert screen.fed() is not None
    assert screen.consumer.slot.take(0) is None
    assert screen.consumer.demand().due > time.monotonic() + 50
    screen.consumer.fps = math.inf
    assert screen.consumer.demand().due <= time.monotonic()


def test_what_changes_while_nobody_takes_is_encoded_once() -> None:
    """The newest, and as one: so nothing that later stripes build on is ever left out."""
    screen = Screen(StripeSettings())
    consumer = screen.consumer
    assert consumer.demand().due == math.inf
    screen.draw(0, HEIGHT, 0, WIDTH, 7)
    with screen.buffer.composed() as picture:
        consumer.feed(picture, MOMENT)
    assert consumer.number == 0
    assert consumer.slot.take(0) is None
    # It is to be fed again: nothing else may change for long.
    assert consumer.demand().awaited
    screen.draw(0, HEIGHT, 0, WIDTH, 8)
    assert (frame := screen.fed()) is not None
    assert (frame.number, len(frame.stripes)) == (0, 3)
    assert not consumer.demand().awaited
    # It is at work on that until it asks for more.
    assert consumer.demand().due == math.inf
    assert psnr(screen.canvas.pixels, screen.buffer.pixels) > 33
    consumer.slot.close()
    assert consumer.demand().fps == 0
    with pytest.raises(Closed):
        consumer.slot.take(1)
