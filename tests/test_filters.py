"""What filters make of pictures: for each pixel what they say, whatever changed where."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from givenfeed import Given, opened_as
from hypothesis import given
from hypothesis import strategies as st
from mjpeg import decode, stream
from program import run_to_end, webcapd
from xserver import Pixels, XServer

from webcapd.capture.decoration import Decoration
from webcapd.capture.feeds.fed import FeedSource
from webcapd.capture.feeds.pixels import picture_of
from webcapd.capture.filters.filtered import FilteredSource
from webcapd.capture.filters.parse import parse_filters
from webcapd.capture.geometry import Rectangle
from webcapd.capture.options import CaptureOptions
from webcapd.capture.source import SourceError

WIDTH, HEIGHT = 200, 50


def noise(seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)


def filtered(
    feed: Given, texts: Sequence[str], options: CaptureOptions | None = None
) -> FilteredSource:
    nothing = Decoration("", "none", 0.0, "")
    source = FeedSource(feed, options or CaptureOptions(), nothing)
    return opened_as(FilteredSource(source, parse_filters(texts), nothing))


def polar(pixels: Pixels, side: int) -> Pixels:
    """Give the disc, pixel by pixel."""
    height, width = pixels.shape[:2]
    disc = np.zeros((side, side, 4), np.uint8)
    for y, x in np.ndindex(side, side):
        across, down = x - (side - 1) / 2, y - (side - 1) / 2
        ray = int(np.arctan2(across, -down) / (2 * np.pi) % 1 * height)
        step = int(np.floor((np.hypot(down, across) - side / 16) / (side * 7 / 16) * width))
        if 0 <= step < width:
            disc[y, x] = pixels[min(ray, height - 1), step]
    return disc


# As plain as can be.
MEANT: Mapping[str, Callable[[Pixels], Pixels]] = {
    "crop=33x20+7+11": lambda pixels: pixels[11:31, 7:40],
    "rotate=90": lambda pixels: pixels.transpose(1, 0, 2)[:, ::-1],
    "rotate=180": lambda pixels: pixels[::-1, ::-1],
    "rotate=270": lambda pixels: pixels.transpose(1, 0, 2)[::-1],
    "flip=h": lambda pixels: pixels[:, ::-1],
    "flip=v": lambda pixels: pixels[::-1],
    "flip=hv": lambda pixels: pixels[::-1, ::-1],
    "invert": lambda pixels: 255 - pixels,
    "polar=64": lambda pixels: polar(pixels, 64),
    "scale=2": lambda pixels: pixels,
    "scale=0.5": lambda pixels: pixels,
    "interlace": lambda pixels: pixels,
    "gray": lambda pixels: pixels,
}
EXACT = [name for name in MEANT if not name.startswith(("scale", "interlace", "gray"))]


def test_blanks_between_filters_do_not_matter() -> None:
    assert len(parse_filters(["gray, invert"])) == 2


@pytest.mark.parametrize("name", EXACT)
def test_filter_does_to_each_pixel_what_it_says(name: str) -> None:
    pixels = noise(1)
    source = filtered(Given(picture_of(pixels)), [name])
    source.refresh()
    wanted = MEANT[name](pixels)[:, :, :3]
    assert np.array_equal(source.frame_buffer.pixels[:, :, :3], wanted)
    source.close()
    source.dispose()


def test_gray_is_as_bright_as_the_colours() -> None:
    pixels = noise(1)
    source = filtered(Given(picture_of(pixels)), ["gray"])
    source.refresh()
    shown = source.frame_buffer.pixels
    wanted = pixels[:, :, :3] @ np.array([0.114, 0.587, 0.299])
    for channel in range(3):
        assert abs(shown[:, :, channel] - wanted).max() <= 1
    source.close()
    source.dispose()


def test_interlaced_picture_comes_in_two_fields_and_is_whole_at_rest() -> None:
    pixels = noise(1)
    feed = Given(picture_of(pixels))
    source = filtered(feed, ["interlace"])
    source.refresh()
    shown = source.frame_buffer.pixels
    assert np.array_equal(shown[::2], pixels[::2])
    assert not shown[1::2].any()
    assert source.pending() and source.seconds_until_poll() < 0.1
    source.refresh()
    assert np.array_equal(shown, pixels)
    assert not source.pending() and source.seconds_until_poll() > 60
    source.close()
    source.dispose()


rectangles = st.builds(
    Rectangle,
    st.integers(0, WIDTH - 1),
    st.integers(0, HEIGHT - 1),
    st.integers(1, 70),
    st.integers(1, 20),
)


@given(
    st.lists(st.sampled_from(sorted(MEANT)), min_size=1, max_size=3).filter(
        lambda names: (
            sum(name.startswith(("crop", "polar")) for name in names) < 2
            and not (names[0] == "scale=0.5" and len(names) > 1)
        )
    ),
    st.lists(st.lists(rectangles, max_size=2), max_size=4),
)
def test_filters_follow_what_changes(
    names: Sequence[str], history: Sequence[Sequence[Rectangle]]
) -> None:
    """In the order they are named; and what is filtered bit by bit is what is filtered at once."""
    current = noise(0)
    feed = Given(picture_of(current))
    try:
        source = filtered(feed, names)
    except SourceError:
        feed.dispose()
        return  # A turned picture may be too small for the crop.
    for number, changes in enumerate([[], *history]):
        for place in changes:
            part = slice(place.y, place.bottom), slice(place.x, place.right)
            current[part] = noise(number + 1)[part]
        feed.give(
            picture_of(
                current, changed=[place.within(Rectangle(0, 0, WIDTH, HEIGHT)) for place in changes]
            )
        )
        before = source.frame_buffer.pixels.copy()
        keys = list(source.frame_buffer.keys)
        bands = source.refresh()
        layout = source.frame_buffer.layout
        for band in range(layout.count):
            top, bottom = layout.rows(band)
            if band not in bands:
                assert np.array_equal(before[top:bottom], source.frame_buffer.pixels[top:bottom])
                assert source.frame_buffer.keys[band] == keys[band]
    for _ in names:
        source.refresh()
    again = filtered(Given(picture_of(current)), names)
    for _ in range(3):
        again.refresh()
    assert np.array_equal(source.frame_buffer.pixels[:, :, :3], again.frame_buffer.pixels[:, :, :3])
    for one in (source, again):
        one.close()
        one.dispose()


def test_masks_come_before_filters() -> None:
    """What is masked is black before: inverted, it is white, wherever it comes to lie."""
    feed = Given(picture_of(np.full((HEIGHT, WIDTH, 4), 90, np.uint8)))
    options = CaptureOptions(mask=(Rectangle(0, 0, 20, 10),))
    source = filtered(feed, ["flip=h,invert"], options)
    source.refresh()
    shown = source.frame_buffer.pixels[:, :, :3]
    assert (shown[:10, 180:] == 255).all()
    assert (shown == 255).sum() == 20 * 10 * 3
    source.close()
    source.dispose()


def test_display_is_filtered_with_its_pointer_and_below_the_caption(server: XServer) -> None:
    with webcapd(
        *("--display", server.name, "--filter", "rotate=90", "--filter", "scale=0.5,invert"),
        *("--caption", "Lab 3"),
    ) as program:
        assert program.size == (240, 320)
        info = program.info()
        assert (info["capture"]["width"], info["capture"]["height"]) == (240, 320)
        with stream(program) as parts:
            picture = decode(parts.part().body)
        assert picture.shape == (320, 240, 3)
        assert picture[0].mean() > 200, "a black screen is white"
        assert (picture[300:] < 100).any(), "the caption's ground is dark"


def test_filter_that_cannot_be_says_so() -> None:
    status, error = run_to_end("--source", "pattern:bars", "--filter", "crop=2000x10+0+0")
    assert status == 1
    assert "the filter crop=2000x10+0+0 is not within the picture, which is 1280x720" in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("blur", "there is no filter 'blur'; filters: crop, scale, rotate, "),
        ("gray,", "there is no filter ''"),
        ("crop=1,2,3,4", "'crop=1' is no filter; one is written crop=WIDTHxHEIGHT+X+Y"),
        ("crop=0x4+1+1", "'crop=0x4+1+1' is no filter"),
        ("rotate", "'rotate' is no filter; one is written rotate=90, 180 or 270"),
        ("rotate=45", "'rotate=45' is no filter"),
        ("gray=1", "'gray=1' is no filter; one is written gray"),
        ("scale=0", "'scale=0' is no filter; one is written scale=0.5"),
        ("scale=0x0", "'0x0' is no size"),
        ("polar=9999", "'polar=9999' is no filter"),
    ],
)
def test_mistakes_are_answered_by_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*$") as caught:
        parse_filters([text])
    assert str(caught.value).startswith(sentence)
