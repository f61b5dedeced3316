"""A feed as a source: what changed is found, what is masked is never there, rest costs nothing."""

import dataclasses
import itertools
import os
import select
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from givenfeed import Given, ended, opened
from hypothesis import given
from hypothesis import strategies as st
from mjpeg import decode, encode
from xserver import Pixels

from webcapd.capture.decoration import Decoration
from webcapd.capture.feeds.fed import FeedSource
from webcapd.capture.feeds.feed import FeedPicture
from webcapd.capture.feeds.newest import NewestCell
from webcapd.capture.feeds.pixels import ORDERS, picture_of
from webcapd.capture.geometry import Rectangle
from webcapd.capture.open import open_source
from webcapd.capture.options import CaptureOptions
from webcapd.capture.source import SourceChanged, SourceError
from webcapd.encoder.consumer import Moment
from webcapd.encoder.jpeg.tiles import TileCache, TileEncoder
from webcapd.encoder.variant import PLAIN, Variant, VariantSpec

WIDTH, HEIGHT = 72, 50


def noise(seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)


places = st.builds(
    Rectangle,
    st.integers(0, WIDTH - 1),
    st.integers(0, HEIGHT - 1),
    st.integers(1, WIDTH),
    st.integers(1, HEIGHT),
)
areas = places.map(lambda place: place.within(Rectangle(0, 0, WIDTH, HEIGHT)))
histories = st.lists(st.lists(areas, max_size=3), max_size=5)


@given(histories, areas, st.lists(areas, max_size=2), st.booleans())
def test_frame_buffer_follows_what_is_told_to_have_changed(
    history: Sequence[Sequence[Rectangle]],
    area: Rectangle,
    masks: Sequence[Rectangle],
    tells: bool,
) -> None:
    """And what is masked is black in it, whether damage is known or not."""
    current = noise(0)
    feed = Given(picture_of(current))
    options = CaptureOptions(
        capture_x=area.x,
        capture_y=area.y,
        width=area.width,
        height=area.height,
        mask=tuple(masks),
    )
    source = opened(feed, options)
    try:
        for number, changes in enumerate([[], *history]):
            for place in changes:
                current[place.y : place.bottom, place.x : place.right] = noise(number + 1)[
                    place.y : place.bottom, place.x : place.right
                ]
            feed.give(picture_of(current, changed=changes if tells else None))
            before = list(source.frame_buffer.keys)
            bands = source.refresh()
            keys = source.frame_buffer.keys
            assert bands == [band for band, key in enumerate(keys) if key != before[band]]
            wanted = current.copy()
            for mask in masks:
                wanted[mask.y : mask.bottom, mask.x : mask.right] = 0
            shown = wanted[area.y : area.bottom, area.x : area.right]
            assert np.array_equal(source.frame_buffer.pixels, shown)
    finally:
        ended(source)


@pytest.mark.parametrize("order", sorted(ORDERS))
def test_pixels_of_any_order_become_those_of_the_frame_buffer(order: str) -> None:
    wanted = noise(1)
    if order == "GRAY":
        wanted[:] = wanted[:, :, :1]
    given_as = {"BGRX": wanted, "BGR": wanted[:, :, :3], "GRAY": wanted[:, :, 0]}
    given_as["RGB"] = wanted[:, :, 2::-1]
    source = opened(Given(picture_of(np.ascontiguousarray(given_as[order]), order)))
    try:
        source.refresh()
        assert np.array_equal(source.frame_buffer.pixels[:, :, :3], wanted[:, :, :3])
    finally:
        ended(source)


def test_unwatched_feed_wakes_once_and_a_still_one_never() -> None:
    feed = Given(picture_of(noise(0)))
    source = opened(feed)
    try:
        source.refresh()
        assert not source.pending()
        events = source.descriptors().events
        assert not readable(events)
        feed.give(picture_of(noise(1)))
        assert readable(events)
        assert source.pending()
        for number in range(3):
            feed.give(picture_of(noise(number)))
            assert source.pending()
            assert not readable(events)
        source.refresh()
        assert not source.pending()
        feed.give(picture_of(noise(9)))
        assert readable(events)
    finally:
        ended(source)


def readable(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


def test_another_size_has_the_source_opened_again() -> None:
    feed = Given(picture_of(noise(0)))
    source = opened(feed)
    try:
        source.refresh()
        feed.give(picture_of(noise(1)[:20, :30]))
        with pytest.raises(SourceChanged):
            source.refresh()
        source.close()
        source.open(lambda: None)
        assert (source.frame_buffer.width, source.frame_buffer.height) == (30, 20)
        source.refresh()
        assert np.array_equal(source.frame_buffer.pixels, noise(1)[:20, :30])
    finally:
        ended(source)


def test_region_outside_the_picture_is_refused_in_one_sentence() -> None:
    feed = Given(picture_of(noise(0)))
    with pytest.raises(
        SourceError, match=r"^the region 50x20 from 60,0 on is not within .* 72x50$"
    ):
        opened(feed, CaptureOptions(capture_x=60, width=50, height=20))
    feed.dispose()


def test_source_gives_all_descriptors_back() -> None:
    before = len(os.listdir("/proc/self/fd"))
    feed = Given(picture_of(noise(0)))
    for _ in range(3):
        source = opened(feed)
        source.refresh()
        source.pending()
        source.close()
    feed.dispose()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_cell_keeps_the_newest_only() -> None:
    cell: NewestCell[int] = NewestCell()
    try:
        assert not cell.changed()
        assert cell.take() is None
        for number in itertools.islice(itertools.count(1), 5):
            cell.put(number)
        assert readable(cell.fileno())
        assert cell.changed()
        assert not readable(cell.fileno())
        assert cell.changed(), "until it is taken"
        assert cell.take() == 5
        assert not cell.changed()
        assert cell.take() == 5, "it stays there"
        cell.put(None)
        assert cell.changed()
        assert cell.take() is None
    finally:
        cell.close()
    cell.put(7)


def jpeg_picture(seed: int, decoded: list[int]) -> FeedPicture:
    """Make a picture that came as JPEG; ``decoded`` is told whenever it is decoded."""
    jpeg = encode(noise(seed)[:, :, :3])

    def copy_to(target: Pixels, part: Rectangle) -> None:
        decoded.append(seed)
        target[:, :, :3] = decode(jpeg)[part.y : part.bottom, part.x : part.right]

    return FeedPicture(WIDTH, HEIGHT, copy_to, coded=jpeg)


@pytest.fixture
def tile_encoder() -> Iterator[TileEncoder]:
    encoder = TileEncoder(0)
    yield encoder
    encoder.close()


def fed(source: FeedSource, variant: Variant) -> bytes:
    """Give the JPEG that a variant publishes once the source is refreshed."""
    source.refresh()
    with source.frame_buffer.composed() as picture:
        variant.feed(picture, Moment(0.0, 0.0, 90))
    frame = variant.latest.poll().frame
    assert frame is not None
    return frame.data


def test_jpeg_is_passed_on_as_it_came_and_decoded_for_others_only(
    tile_encoder: TileEncoder,
) -> None:
    def variant(spec: VariantSpec) -> Variant:
        return Variant(spec, tile_encoder, TileCache(0), "444", lambda: None)

    decoded: list[int] = []
    feed = Given(jpeg_picture(1, decoded))
    source = opened(feed)
    plain, best = variant(PLAIN), variant(VariantSpec(quality=100))
    try:
        for seed in (1, 2, 2, 3):
            feed.give(jpeg_picture(seed, decoded))
            assert fed(source, plain) == encode(noise(seed)[:, :, :3])
        assert plain.frames == 3, "the same JPEG is no other frame"
        assert decoded == []
        for seed in (4, 5):
            feed.give(jpeg_picture(seed, decoded))
            shown = decode(fed(source, best)).astype(int)
            with source.frame_buffer.composed() as picture:
                variant(VariantSpec(quality=50)).feed(picture, Moment(0.0, 0.0, 90))
            assert abs(shown - decode(encode(noise(seed)[:, :, :3]))).max() <= 8
        assert decoded == [4, 5], "once a picture"
        # Pixels that are told to differ in one place from what was never brought in.
        feed.give(jpeg_picture(6, decoded))
        fed(source, plain)
        feed.give(picture_of(noise(7), changed=[Rectangle(0, 0, 1, 1)]))
        fed(source, best)
        assert np.array_equal(source.frame_buffer.pixels, noise(7))
    finally:
        ended(source)


@pytest.mark.parametrize(
    "options", [CaptureOptions(mask=(Rectangle(0, 0, 9, 9),)), CaptureOptions(width=20)]
)
def test_jpeg_with_parts_not_to_be_shown_is_never_passed_on(options: CaptureOptions) -> None:
    source = opened(Given(jpeg_picture(1, [])), options)
    try:
        source.refresh()
        with source.frame_buffer.composed() as picture:
            assert picture.coded is None
            assert not picture.pixels[:9, :9].any() or not options.mask
    finally:
        ended(source)


def test_jpeg_below_a_caption_is_not_passed_on() -> None:
    decoded: list[int] = []
    feed = Given(jpeg_picture(1, decoded))
    source = FeedSource(feed, CaptureOptions(), Decoration("", "br", 0.0, "Lab 3"))
    source.open(lambda: None)
    try:
        assert source.refresh() == [0, 1, 2, 3]
        with source.frame_buffer.composed() as picture:
            assert picture.coded is None
            top = decode(encode(noise(1)[:, :, :3]))[:10]
            assert np.array_equal(picture.pixels[:10, :, :3], top)
        assert decoded == [1]
    finally:
        ended(source)


def test_what_moves_all_over_is_told_apart_again_once_it_does_not() -> None:
    """While it does, tiles are not hashed; a change of one is then found as one of its band."""
    feed = Given(picture_of(noise(0)))
    source = opened(feed)
    try:
        for number in range(40):
            pixels = noise(number)
            feed.give(picture_of(pixels))
            source.refresh()
            assert np.array_equal(source.frame_buffer.pixels, pixels)
        assert len(set(source.frame_buffer.keys[0])) == 1
        before = []
        for number in range(3):
            before = list(source.frame_buffer.keys)
            pixels[:4, :4] = number
            feed.give(picture_of(pixels))
            assert source.refresh() == [0]
        changed = [
            one != other for one, other in zip(before[0], source.frame_buffer.keys[0], strict=True)
        ]
        assert changed == [True] + [False] * (len(changed) - 1) and len(changed) > 1
    finally:
        ended(source)


def test_source_is_named_from_python_as_on_the_command_line() -> None:
    """And is not shown whole either."""
    options = CaptureOptions(source=("pattern:bars,size=64x48",))  # type: ignore[arg-type]
    source = open_source(options, 30.0)
    source.open(lambda: None)
    assert (source.frame_buffer.width, source.frame_buffer.height) == (64, 48)
    source.close()
    source.dispose()
    options = CaptureOptions(source=("http://user:hush@host/",))  # type: ignore[arg-type]
    assert "hush" not in repr(options)
    assert "hush" not in str(dataclasses.asdict(options))
