"""Stripes of H.264: each a stream of its own, which any decoder follows without a drift."""

import math
from collections.abc import Sequence

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stripepictures import Canvas, psnr
from test_stripes import CHANGES, HEIGHT, MOMENT, WIDTH, Screen

from webcapd.encoder.stripes.consumer import StripeConsumer
from webcapd.encoder.stripes.h264 import H264Stripe
from webcapd.encoder.stripes.layout import Rows
from webcapd.encoder.stripes.stripe import Stripe, StripeSettings

TOPS = [0, 110, 220]


class VideoScreen(Screen):
    """A picture that changes, and the streams that are made of it."""

    def __init__(self, wanted: StripeSettings, full_color: bool = False, most: int = 3) -> None:
        super().__init__(wanted)
        self.consumer = StripeConsumer(
            wanted, lambda rows, width: H264Stripe(rows, width, full_color), most, 2, lambda: None
        )

    def likeness(self) -> float:
        """Tell how like the picture is to what is shown, in dB."""
        return psnr(self.canvas.pixels, self.buffer.pixels)


@settings(max_examples=20)
@given(CHANGES)
def test_streams_are_sent_where_the_picture_changed(
    changes: Sequence[tuple[int, int, int, int, int]],
) -> None:
    screen = VideoScreen(StripeSettings(crf=16))
    screen.draw(0, HEIGHT, 0, WIDTH, 7)
    assert screen.tops() == TOPS
    assert screen.likeness() > 31
    for change in changes:
        before = screen.buffer.pixels.copy()
        screen.draw(*change)
        rows = np.nonzero((before != screen.buffer.pixels).any(axis=(1, 2)))[0]
        assert set(screen.tops()) == {int(row) // 110 * 110 for row in rows}
    assert screen.likeness() > 31


@pytest.mark.parametrize(("row", "top"), [(100, 0), (109, 0), (110, 110), (111, 110)])
def test_of_a_band_in_two_stripes_one_may_change(row: int, top: int) -> None:
    screen = VideoScreen(StripeSettings(crf=16))
    screen.draw(0, HEIGHT, 0, WIDTH, 7)
    screen.fed()
    for seed in (8, 9):
        screen.draw(row, row + 1, 0, WIDTH, seed)
        assert screen.tops() == [top]


def test_each_stripe_builds_on_the_one_before_at_its_place() -> None:
    screen = VideoScreen(StripeSettings(crf=16))
    screen.draw(0, HEIGHT, 0, WIDTH, 7)
    first = screen.fed()
    screen.draw(0, 50, 0, WIDTH, 8)
    second = screen.fed()
    screen.draw(0, 200, 0, WIDTH, 9)
    third = screen.fed()
    assert first and second and third
    assert [(one.is_key, one.reference) for one in first.stripes] == [(True, -1)] * 3
    assert [(one.is_key, one.reference) for one in second.stripes] == [(False, 0)]
    assert [(one.is_key, one.reference) for one in third.stripes] == [(False, 1), (False, 0)]
    assert screen.consumer.slot.take(0) is None
    screen.consumer.request_all()
    assert screen.consumer.demand().awaited
    whole = screen.fed()
    assert whole and all(one.is_key for one in whole.stripes)
    assert len(whole.stripes) == 3
    # Who comes then needs nothing that was before.
    late = Canvas(WIDTH, HEIGHT)
    for one in whole.stripes:
        late.show(one.rows.top, one.rows.height, one.data, True)
    assert psnr(late.pixels, screen.buffer.pixels) > 31


def test_who_was_slow_is_where_all_others_are() -> None:
    """What passed meanwhile was never encoded, so that nothing is lacking in the stream."""
    screen = VideoScreen(StripeSettings(crf=16))
    for seed in range(40):
        screen.draw(0, HEIGHT, 0, WIDTH, seed)
        if seed % 4:
            with screen.buffer.composed() as picture:
                screen.consumer.feed(picture, MOMENT)
        else:
            assert (frame := screen.fed()) is not None
            assert all(one.is_key == (seed == 0) for one in frame.stripes)
            assert screen.likeness() > 31
    # The next one: what was fed in vain is in it.
    assert screen.tops() == TOPS
    assert screen.likeness() > 31


class Stream:
    """One stripe, by a clock of its own."""

    def __init__(self, wanted: StripeSettings) -> None:
        self.screen = VideoScreen(wanted)
        self.wanted = wanted
        self.stripe = H264Stripe(Rows(0, HEIGHT), WIDTH, full_color=False)
        self.number = 0

    def at(self, now: float) -> Stripe | None:
        """Have the picture looked at, and give what is sent."""
        with self.screen.buffer.composed() as picture:
            if not self.stripe.look(picture, self.wanted, now, False):
                return None
            self.number += 1
            made = self.stripe.encode(picture, self.number, now)
        self.screen.canvas.show(0, HEIGHT, made.data, True)
        return made


def test_what_moves_is_light_and_what_rests_is_sharp() -> None:
    stream = Stream(StripeSettings(crf=40, paint_over_crf=15, calm=0.5))
    screen = stream.screen
    screen.draw(0, HEIGHT, 0, WIDTH, 0)
    first = stream.at(10.0)
    assert first and first.is_key
    assert screen.likeness() > 38
    # A little that changes is no motion, and is as sharp.
    for step in range(1, 61):
        screen.draw(200, 220, 100, 120, step)
        small = stream.at(11 + step / 30)
        assert small and not small.is_key
    assert (stream.stripe.due, screen.likeness() > 38) == (math.inf, True)
    kinds = []
    for step in range(60):
        screen.draw(0, HEIGHT, 0, WIDTH, step)
        moving = stream.at(14 + step / 30)
        assert moving
        kinds.append(moving.is_key)
    # One key, where it went over to the other quality.
    assert sum(kinds) == 1
    assert not kinds[0] and not kinds[-1]
    assert screen.likeness() < 38
    end = 14 + 59 / 30
    assert stream.stripe.due == pytest.approx(end + 0.5)
    assert stream.at(end + 0.4) is None
    sharp = stream.at(end + 0.51)
    assert sharp and sharp.is_key
    assert screen.likeness() > 38
    assert (stream.stripe.due, stream.at(end + 9)) == (math.inf, None)
    stream.wanted = StripeSettings(crf=45)
    other = stream.at(end + 10)
    assert other and other.is_key and len(other.data) < len(sharp.data)
    stream.stripe.close()


def test_colours_are_kept_at_full_resolution_if_wanted() -> None:
    screen = VideoScreen(StripeSettings(crf=12), full_color=True, most=1)
    screen.buffer.pixels[:, ::2] = (20, 200, 20, 0)
    screen.buffer.pixels[:, 1::2] = (200, 20, 200, 0)
    screen.buffer.rehash(range(screen.buffer.layout.count))
    frame = screen.fed()
    assert frame is not None
    decoder = av.CodecContext.create("h264", "r")
    shown = [*decoder.decode(av.Packet(frame.stripes[0].data)), *decoder.decode(None)]
    assert shown[0].format.name in ("yuv444p", "yuvj444p")
    assert screen.likeness() > 30


@given(st.integers(2, 70), st.integers(2, 140))
@settings(max_examples=10)
def test_of_odd_sizes_the_last_is_cut(width: int, height: int) -> None:
    from buffers import frame_buffer

    screen = VideoScreen(StripeSettings())
    screen.buffer = frame_buffer(np.full((height, width, 4), 90, np.uint8))
    screen.buffer.rehash(range(screen.buffer.layout.count))
    screen.canvas = Canvas(width, height)
    frame = screen.fed()
    assert frame is not None
    heights = [one.rows.height for one in frame.stripes]
    assert (sum(heights), frame.stripes[0].width) == (height // 2 * 2, width // 2 * 2)
    assert all(one % 2 == 0 for one in heights)
