"""From pictures to records and back: what a reader shows is what was there."""

import cv2
import mjpeg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from updatepictures import draw, photograph, text
from updatereader import UpdateReader

from updatestream import UpdateStream
from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates import records
from webcapd.encoder.updates.difference import CopySearch
from webcapd.encoder.updates.encode import encode
from webcapd.encoder.updates.narrow import CELL, narrow
from webcapd.encoder.updates.palette import palette_of
from webcapd.encoder.updates.pixels import Pixels, changed
from webcapd.encoder.updates.pixels import colours as pixel_colours
from webcapd.encoder.updates.pointer import pointer_record

# Pillow's decoder and libturbojpeg may round differently.
DECODERS = 4

seeds = st.integers(0, 1 << 30)
sizes = st.tuples(st.integers(1, 260), st.integers(1, 200))


class Expected:
    """What a reader should show: exactly the picture, but where JPEG made something of it."""

    def __init__(self, stream: UpdateStream) -> None:
        self.shown = np.zeros((*stream.known.shape[:2], 3), np.uint8)
        self.exact = np.zeros(stream.known.shape[:2], bool)

    def follow(self, stream: UpdateStream, picture: Pixels) -> None:
        """Take the same update, with other means than a reader's."""
        shown, exact = self.shown.copy(), self.exact.copy()
        for rect, source in stream.last.copies:
            rect.of(self.shown)[:] = source.of(shown)
            rect.of(self.exact)[:] = source.of(exact)
        for rect, jpeg in stream.jpegs:
            rect.of(self.shown)[:] = mjpeg.decode(jpeg)
            rect.of(self.exact)[:] = False
        for rect, _ in stream.last.exact:
            rect.of(self.shown)[:] = rect.of(picture)[..., :3]
            rect.of(self.exact)[:] = True

    def check(self, reader: UpdateReader, picture: Pixels) -> None:
        shown = reader.picture[..., ::-1]
        assert (shown[self.exact] == picture[..., :3][self.exact]).all()
        assert cv2.absdiff(np.ascontiguousarray(shown), self.shown).max() <= DECODERS


@settings(deadline=None, max_examples=60)
@given(sizes, seeds, st.booleans(), st.sampled_from([None, 0, 500, 10_000]))
def test_reader_shows_the_picture_after_each_update(
    size: tuple[int, int], seed: int, copying: bool, budget: int | None
) -> None:
    generator = np.random.default_rng(seed)
    picture = text(generator, size[1], size[0])
    stream = UpdateStream(picture, 80, CopySearch() if copying else None, budget)
    reader, expected = UpdateReader(), Expected(stream)
    reader.feed(stream.begin + stream.whole(picture))
    expected.follow(stream, picture)
    for _ in range(4):
        expected.check(reader, picture)
        for _ in range(generator.integers(1, 4)):
            draw(generator, picture)
        reader.feed(stream.update(picture))
        expected.follow(stream, picture)
        assert (stream.known[..., :3] == picture[..., :3]).all()
    expected.check(reader, picture)
    assert reader.sequence == 5


def test_what_goes_as_jpeg_is_near() -> None:
    generator = np.random.default_rng(5)
    picture = photograph(generator, 100, 300)
    stream, reader = UpdateStream(picture, 100), UpdateReader()
    reader.feed(stream.begin + stream.whole(picture))
    assert stream.jpegs
    assert cv2.absdiff(reader.picture[..., ::-1], picture[..., :3]).max() <= 24


@settings(deadline=None, max_examples=60)
@given(sizes, seeds)
def test_narrowed_rectangles_hold_all_that_changed_and_do_not_overlap(
    size: tuple[int, int], seed: int
) -> None:
    generator = np.random.default_rng(seed)
    old = text(generator, size[1], size[0])
    new = old.copy()
    for _ in range(generator.integers(0, 5)):
        draw(generator, new)
    # What X is means nothing.
    new[..., 3] = generator.integers(0, 256)
    covered = np.zeros(old.shape[:2], int)
    for rect in narrow(old, new, [Rectangle(0, 0, *size)]):
        assert rect.width <= CELL[0] and rect.height <= CELL[1]
        assert changed(rect.of(old), rect.of(new)).any()
        covered[rect.y : rect.bottom, rect.x : rect.right] += 1
    assert covered.max() <= 1
    assert not changed(old, new)[covered == 0].any()


def test_a_caret_is_a_caret() -> None:
    old = np.full((200, 640, 4), 250, np.uint8)
    new = old.copy()
    new[100:116, 318:320] = 0
    assert narrow(old, new, [Rectangle(0, 96, 320, 32)]) == [Rectangle(318, 100, 2, 16)]


def test_a_letter_across_tiles_is_one_rectangle_and_one_far_from_it_another() -> None:
    old = np.full((200, 640, 4), 250, np.uint8)
    new = old.copy()
    new[104:120, 316:324] = 0
    new[106:118, 20:30] = 9
    tiles = [Rectangle(x, y, 320, 16) for y in (96, 112) for x in (0, 320)]
    wanted = [Rectangle(20, 106, 10, 12), Rectangle(316, 104, 8, 16)]
    assert sorted(narrow(old, new, tiles)) == wanted


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 120), st.integers(1, 120), st.integers(1, 400), st.booleans(), seeds)
def test_every_encoding_is_exact(
    width: int, height: int, colours: int, grey: bool, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    shades = generator.integers(0, 256, (colours, 1 if grey else 4), np.uint8).repeat(
        4 if grey else 1, 1
    )
    pixels = shades[np.sort(generator.integers(0, colours, (height, width)))]
    rect = Rectangle(0, 0, width, height)
    record = encode(rect, pixels)
    if len(np.unique(pixels[..., :3].reshape(-1, 3), axis=0)) <= 256:
        assert record is not None
    if record is not None:
        reader = UpdateReader()
        reader.feed(hello() + records.geometry(width, height) + record + records.mark(1, 0))
        assert (reader.picture[..., ::-1] == pixels[..., :3]).all()


def test_a_few_rare_colours_are_found() -> None:
    """The sample does not see them."""
    pixels = np.zeros((64, 320, 4), np.uint8)
    for number in range(200):
        pixels[number * 7 % 64, number * 13 % 320] = number
    found = palette_of(pixel_colours(pixels))
    assert found is not None
    assert (found[0][found[1]] == pixel_colours(pixels)).all()
    assert len(found[0]) == len(np.unique(pixels[..., 0]))


@pytest.mark.parametrize(("pixels", "kind"), [
    (np.full((16, 8, 4), 7, np.uint8), b"F"),
    (text(np.random.default_rng(1), 64, 320), b"L"),
    (photograph(np.random.default_rng(1), 64, 320), None),
])  # fmt: skip
def test_kind_of_record_follows_content(pixels: Pixels, kind: bytes | None) -> None:
    record = encode(Rectangle(0, 0, pixels.shape[1], pixels.shape[0]), pixels)
    assert (record and record[:1]) == kind


def test_smooth_content_of_many_colours_is_png_or_raw() -> None:
    """A gradient in steps: more than 256 colours, most pixels as the one beside them."""
    row = np.arange(320) // 4
    pixels = np.zeros((64, 320, 4), np.uint8)
    pixels[..., 0], pixels[..., 1] = row * 3, (row + np.arange(64)[:, None] * 2) & 255
    record = encode(Rectangle(0, 0, 320, 64), pixels)
    assert record is not None
    assert record[:1] in (b"N", b"R")


def hello() -> bytes:
    return records.hello({"run": "0" * 16, "form": ""})


@pytest.mark.parametrize(("width", "height"), [(1, 1), (24, 32), (300, 20), (512, 512)])
def test_a_pointer_looks_on_any_ground_as_x_would_show_it(width: int, height: int) -> None:
    generator = np.random.default_rng(4)
    sprite = generator.integers(0, 256, (height, width, 4), np.uint8)
    sprite[..., :3] = sprite[..., :3].astype(int) * sprite[..., 3:] // 255
    reader = UpdateReader()
    reader.feed(hello() + pointer_record(5, (width // 2, height - 1), sprite))
    reader.feed(records.pointer(5, -3, 70_000))
    assert reader.pointer == (5, -3, 70_000)
    x, y, image = reader.pointers[5]
    assert 0 <= x < image.shape[1] <= 256
    assert 0 <= y < image.shape[0] <= 256
    if max(width, height) <= 256:
        assert (x, y) == (width // 2, height - 1)
        mixed = image[..., 2::-1].astype(float) * image[..., 3:] / 255
        assert np.abs(mixed - sprite[..., :3]).max() <= 1
        assert (image[..., 3] == sprite[..., 3]).all()
