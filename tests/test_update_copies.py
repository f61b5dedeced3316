"""Copies: found where they pay, exact, and in an order in which they can be made in place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from updatepictures import photograph, text

from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates.copy import Copy, apply_copies, find_copies, ordered
from webcapd.encoder.updates.difference import CopySearch, difference
from webcapd.encoder.updates.pixels import Pixels, changed

seeds = st.integers(0, 1 << 30)


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(-60, 60), st.booleans())
def test_copies_make_what_is_there(seed: int, rows: int, around: bool) -> None:
    """Around: the page scrolls within a window that stays."""
    generator = np.random.default_rng(seed)
    page = text(generator, 400, 300)
    old = text(generator, 260, 360)
    new = old.copy()
    old[20:240, 30:330], new[20:240, 30:330] = page[80:300], page[80 + rows : 300 + rows]
    block = Rectangle(0, 0, 360, 260) if around else Rectangle(30, 20, 300, 220)
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
    old, new = page[:800].copy(), page[20:820].copy()
    found = difference(old, new, [Rectangle(0, 0, 700, 800)], CopySearch())
    assert found.copies == [Copy(Rectangle(0, 0, 700, 780), Rectangle(0, 20, 700, 780))]
    assert {rect.y >= 780 for rect, _ in found.exact} == {True}


def test_a_moved_window_is_copied() -> None:
    generator = np.random.default_rng(2)
    desktop, window = photograph(generator, 500, 700), text(generator, 200, 300)
    old, new = desktop.copy(), desktop.copy()
    old[100:300, 150:450] = window
    new[137:337, 201:501] = window
    copies = find_copies(old, new, Rectangle(128, 96, 400, 256), two_axes=True)
    assert copies == [Copy(Rectangle(201, 137, 300, 200), Rectangle(150, 100, 300, 200))]


copy_places = st.tuples(*[st.integers(0, 40)] * 4, st.integers(1, 30), st.integers(1, 30))


@given(st.lists(copy_places, max_size=8), seeds)
def test_ordered_copies_can_be_made_in_place(
    places: list[tuple[int, int, int, int, int, int]], seed: int
) -> None:
    copies = [Copy(Rectangle(x, y, w, h), Rectangle(u, v, w, h)) for x, y, u, v, w, h in places]
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
    searches: list[Rectangle] = []

    def counted(old: Pixels, new: Pixels, block: Rectangle, two_axes: bool) -> list[Copy]:
        searches.append(block)
        return find_copies(old, new, block, two_axes)

    monkeypatch.setattr("webcapd.encoder.updates.difference.find_copies", counted)
    search, video = CopySearch(), Rectangle(0, 0, 128, 128)
    for number in range(160):
        # What is too small is no search, and what varies a little is one place.
        assert search.find(old, new, Rectangle(0, 0, 8, 16)) == []
        assert search.find(old, new, video._replace(width=100 + number % 20)) == []
    assert 5 <= len(searches) <= 16
    # Another place has its own count; and here, it is soon seen that it pays.
    search.find(old, new, Rectangle(0, 400, 128, 128))
    assert searches[-1].y == 400
    new[:128, :128] = old[20:148, :128]
    assert any(search.find(old, new, video) for _ in range(16))
