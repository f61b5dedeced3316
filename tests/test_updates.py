"""From pictures to records and back: what a reader shows is what was there."""

import cv2
import mjpeg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from updatereader import UpdateReader

from updatestream import UpdateStream
from webcapd.encoder.updates import records
from webcapd.encoder.updates.copy import Copy, apply_copies, find_copies, ordered
from webcapd.encoder.updates.difference import CopySearch, difference
from webcapd.encoder.updates.encode import encode
from webcapd.encoder.updates.narrow import CELL, narrow
from webcapd.encoder.updates.palette import palette_of
from webcapd.encoder.updates.rect import Pixels, Rect, changed
from webcapd.encoder.updates.rect import colours as rect_colours

# Pillow's decoder and libturbojpeg may round differently.
DECODERS = 4

seeds = st.integers(0, 1 << 30)
sizes = st.tuples(st.integers(1, 260), st.integers(1, 200))


def photograph(generator: np.random.Generator, height: int, width: int) -> Pixels:
    """Many colours, but alike in hue, so that JPEG of quality 100 is nearly exact."""
    grey = generator.integers(20, 236, (height, width, 1))
    hue = generator.integers(-6, 7, (-(-height // 32), -(-width // 32), 4))
    hue = hue.repeat(32, 0).repeat(32, 1)[:height, :width]
    return (grey + hue).astype(np.uint8)


def text(generator: np.random.Generator, height: int, width: int) -> Pixels:
    ink = generator.random((height, width)) < 0.3
    ink &= (np.arange(height) % 20 > 6)[:, None]
    shades = generator.integers(0, 256, (generator.integers(2, 40), 4), np.uint8)
    return shades[np.where(ink, generator.integers(0, len(shades), (height, width)), 0)]


def random_part(generator: np.random.Generator, picture: Pixels) -> tuple[slice, slice]:
    height, width = picture.shape[:2]
    top, left = generator.integers(0, height), generator.integers(0, width)
    return (
        slice(top, generator.integers(top, height) + 1),
        slice(left, generator.integers(left, width) + 1),
    )


def draw(generator: np.random.Generator, picture: Pixels) -> None:
    part = random_part(generator, picture)
    height, width = picture[part].shape[:2]
    kind = generator.integers(0, 6)
    if kind == 0:
        picture[part] = generator.integers(0, 256, 4)
    elif kind == 1:
        picture[part] = photograph(generator, height, width)
    elif kind == 2:
        picture[part] = text(generator, height, width)
    elif kind == 3:
        picture[part] = np.roll(picture[part], generator.integers(-30, 31), 0)
    elif kind == 4:
        # A window: what it leaves is one colour.
        taken = picture[part].copy()
        picture[part] = 90
        top = generator.integers(0, 1 + picture.shape[0] - height)
        left = generator.integers(0, 1 + picture.shape[1] - width)
        picture[top : top + height, left : left + width] = taken
    else:
        picture[part][0, 0] ^= 255


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
    for rect in narrow(old, new, [Rect(0, 0, *size)]):
        assert rect.width <= CELL[0] and rect.height <= CELL[1]
        assert changed(rect.of(old), rect.of(new)).any()
        covered[rect.y : rect.bottom, rect.x : rect.right] += 1
    assert covered.max() <= 1
    assert not changed(old, new)[covered == 0].any()


def test_a_caret_is_a_caret() -> None:
    old = np.full((200, 640, 4), 250, np.uint8)
    new = old.copy()
    new[100:116, 318:320] = 0
    assert narrow(old, new, [Rect(0, 96, 320, 32)]) == [Rect(318, 100, 2, 16)]


def test_a_letter_across_tiles_is_one_rectangle_and_one_far_from_it_another() -> None:
    old = np.full((200, 640, 4), 250, np.uint8)
    new = old.copy()
    new[104:120, 316:324] = 0
    new[106:118, 20:30] = 9
    tiles = [Rect(x, y, 320, 16) for y in (96, 112) for x in (0, 320)]
    assert sorted(narrow(old, new, tiles)) == [Rect(20, 106, 10, 12), Rect(316, 104, 8, 16)]


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(-60, 60), st.booleans())
def test_copies_make_what_is_there(seed: int, rows: int, around: bool) -> None:
    """Around: the page scrolls within a window that stays."""
    generator = np.random.default_rng(seed)
    page = text(generator, 400, 300)
    old = text(generator, 260, 360)
    new = old.copy()
    old[20:240, 30:330], new[20:240, 30:330] = page[80:300], page[80 + rows : 300 + rows]
    block = Rect(0, 0, 360, 260) if around else Rect(30, 20, 300, 220)
    copies = find_copies(old, new, block)
    # What is alike row by row may be found in part only, but never wrongly.
    for rect, source in copies:
        assert not changed(rect.of(new), source.of(old)).any()
    made = old.copy()
    apply_copies(made, copies)
    for rect, _ in copies:
        assert not changed(rect.of(new), rect.of(made)).any()


def test_scrolled_text_is_copied_and_one_line_is_left() -> None:
    page = text(np.random.default_rng(1), 900, 700)
    found = difference(page[:800].copy(), page[20:820].copy(), [Rect(0, 0, 700, 800)], CopySearch())
    assert found.copies == [Copy(Rect(0, 0, 700, 780), Rect(0, 20, 700, 780))]
    assert {rect.y >= 780 for rect, _ in found.exact} == {True}


def test_a_moved_window_is_copied() -> None:
    generator = np.random.default_rng(2)
    desktop, window = photograph(generator, 500, 700), text(generator, 200, 300)
    old, new = desktop.copy(), desktop.copy()
    old[100:300, 150:450] = window
    new[137:337, 201:501] = window
    copies = find_copies(old, new, Rect(128, 96, 400, 256), two_axes=True)
    assert copies == [Copy(Rect(201, 137, 300, 200), Rect(150, 100, 300, 200))]


copy_places = st.tuples(*[st.integers(0, 40)] * 4, st.integers(1, 30), st.integers(1, 30))


@given(st.lists(copy_places, max_size=8), seeds)
def test_ordered_copies_can_be_made_in_place(
    places: list[tuple[int, int, int, int, int, int]], seed: int
) -> None:
    copies = [Copy(Rect(x, y, w, h), Rect(u, v, w, h)) for x, y, u, v, w, h in places]
    kept = ordered(copies)
    picture = np.random.default_rng(seed).integers(0, 256, (80, 80, 4), np.uint8)
    made = picture.copy()
    apply_copies(made, kept)
    later = np.zeros((80, 80), bool)
    for rect, source in reversed(kept):
        mine = ~later[rect.y : rect.bottom, rect.x : rect.right]
        assert (rect.of(made)[mine] == source.of(picture)[mine]).all()
        later[rect.y : rect.bottom, rect.x : rect.right] = True


def test_a_search_that_never_pays_becomes_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(3)
    old, new = photograph(generator, 600, 600), photograph(generator, 600, 600)
    searches: list[Rect] = []

    def counted(old: Pixels, new: Pixels, block: Rect, two_axes: bool) -> list[Copy]:
        searches.append(block)
        return find_copies(old, new, block, two_axes)

    monkeypatch.setattr("webcapd.encoder.updates.difference.find_copies", counted)
    search, video = CopySearch(), Rect(0, 0, 128, 128)
    for number in range(160):
        # What is too small is no search, and what varies a little is one place.
        assert search.find(old, new, Rect(0, 0, 8, 16)) == []
        assert search.find(old, new, video._replace(width=100 + number % 20)) == []
    assert 5 <= len(searches) <= 16
    # Another place has its own count; and here, it is soon seen that it pays.
    search.find(old, new, Rect(0, 400, 128, 128))
    assert searches[-1].y == 400
    new[:128, :128] = old[20:148, :128]
    assert any(search.find(old, new, video) for _ in range(16))


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
    rect = Rect(0, 0, width, height)
    record = encode(rect, pixels)
    assert encode(rect, pixels, 10) is None
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
    found = palette_of(rect_colours(pixels))
    assert found is not None
    assert (found[0][found[1]] == rect_colours(pixels)).all()
    assert len(found[0]) == len(np.unique(pixels[..., 0]))


@pytest.mark.parametrize(("pixels", "kind"), [
    (np.full((16, 8, 4), 7, np.uint8), b"F"),
    (text(np.random.default_rng(1), 64, 320), b"L"),
    (photograph(np.random.default_rng(1), 64, 320), None),
])  # fmt: skip
def test_kind_of_record_follows_content(pixels: Pixels, kind: bytes | None) -> None:
    record = encode(Rect(0, 0, pixels.shape[1], pixels.shape[0]), pixels)
    assert (record and record[:1]) == kind


def test_smooth_content_of_many_colours_is_png_or_raw() -> None:
    """A gradient in steps: more than 256 colours, most pixels as the one beside them."""
    row = np.arange(320) // 4
    pixels = np.zeros((64, 320, 4), np.uint8)
    pixels[..., 0], pixels[..., 1] = row * 3, (row + np.arange(64)[:, None] * 2) & 255
    record = encode(Rect(0, 0, 320, 64), pixels)
    assert record is not None
    assert record[:1] in (b"N", b"R")


def hello() -> bytes:
    return records.hello({"run": "0" * 16, "form": ""})
