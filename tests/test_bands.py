"""Which bands a rectangle reaches into, and which of them really changed."""

import itertools

import numpy as np
import pytest
from buffers import frame_buffer
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.capture.bands import BAND_ROWS, BandLayout, runs

Rectangle = tuple[int, int, int, int]

# Regions of the X server may begin left of or above the screen and end beyond it.
rectangles = st.lists(
    st.tuples(
        st.integers(-50, 300), st.integers(-50, 300), st.integers(0, 300), st.integers(0, 300)
    ),
    max_size=8,
)
heights = st.integers(1, 250)


WIDTH = 200


def touched_slowly(height: int, drawn: list[Rectangle]) -> list[int]:
    """Look at every row of every rectangle that reaches into the screen's columns."""
    return sorted(
        {
            row // BAND_ROWS
            for left, top, width, tall in drawn
            for row in range(top, top + tall)
            if 0 <= row < height and any(0 <= x < WIDTH for x in range(left, left + width))
        }
    )


def touched(height: int, drawn: list[Rectangle]) -> list[int]:
    return BandLayout(height).touched(np.array(drawn, np.int32).reshape(-1, 4), WIDTH)


@settings(deadline=None)
@given(heights, rectangles)
def test_touched_bands_are_those_of_the_rectangles_rows(
    height: int, drawn: list[Rectangle]
) -> None:
    assert touched(height, drawn) == touched_slowly(height, drawn)


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ([(0, 0, 1, 16)], [0]),
        ([(0, 0, 1, 17)], [0, 1]),
        ([(0, 15, 1, 2)], [0, 1]),
        ([(0, 16, 1, 16)], [1]),
        ([(0, 99, 1, 1)], [6]),
        ([(0, 100, 1, 1)], []),
        ([(0, -5, 1, 5)], []),
        ([(0, -5, 1, 6)], [0]),
        ([(0, 20, 0, 5)], []),
        ([(0, 20, 5, 0)], []),
        ([], []),
        ([(0, 0, 9, 1), (0, 90, 9, 99), (5, 0, 9, 1)], [0, 5, 6]),
    ],
)
def test_touched_at_the_edges(drawn: list[Rectangle], expected: list[int]) -> None:
    assert touched(100, drawn) == expected


def test_touched_survives_the_largest_x_region() -> None:
    assert touched(100, [(-32768, -32768, 65535, 65535)]) == list(range(7))


@settings(deadline=None)
@given(heights)
def test_bands_cover_every_row_once(height: int) -> None:
    layout = BandLayout(height)
    covered = [row for band in range(layout.count) for row in range(*layout.rows(band))]
    assert covered == list(range(height))


@settings(deadline=None)
@given(heights)
def test_all_bands_but_the_last_are_of_full_height(height: int) -> None:
    layout = BandLayout(height)
    tall = [bottom - top for top, bottom in map(layout.rows, range(layout.count))]
    assert set(tall[:-1]) <= {BAND_ROWS}
    assert 1 <= tall[-1] <= BAND_ROWS


@settings(deadline=None)
@given(heights, st.data())
def test_rows_of_a_run_go_from_its_first_band_to_its_last(height: int, data: st.DataObject) -> None:
    layout = BandLayout(height)
    first = data.draw(st.integers(0, layout.count - 1))
    last = data.draw(st.integers(first, layout.count - 1))
    assert layout.rows(first, last) == (layout.rows(first)[0], layout.rows(last)[1])


@settings(deadline=None)
@given(st.sets(st.integers(0, 30)))
def test_runs_are_the_fewest_that_hold_exactly_the_bands(bands: set[int]) -> None:
    joined = list(runs(sorted(bands)))
    assert [band for first, last in joined for band in range(first, last + 1)] == sorted(bands)
    for (_, end), (begin, _) in itertools.pairwise(joined):
        assert begin > end + 1


def test_first_settle_finds_every_band_new() -> None:
    screen = frame_buffer(np.zeros((100, 10, 4), np.uint8))
    assert list(screen.rehash(range(7))) == list(range(7))
    assert list(screen.rehash(range(7))) == []


@settings(deadline=None)
@given(st.sets(st.tuples(st.integers(0, 99), st.integers(0, 9)), max_size=5))
def test_settle_lists_the_bands_whose_pixels_changed(dots: set[tuple[int, int]]) -> None:
    screen = frame_buffer(np.zeros((100, 10, 4), np.uint8))
    screen.rehash(range(7))
    for row, column in dots:
        screen.pixels[row, column, 1] ^= 1
    assert list(screen.rehash(range(7))) == sorted({row // BAND_ROWS for row, _ in dots})


def test_settle_looks_only_at_the_bands_named() -> None:
    screen = frame_buffer(np.zeros((100, 10, 4), np.uint8))
    screen.rehash(range(7))
    screen.pixels[:] = 9
    assert list(screen.rehash([2, 6])) == [2, 6]
    assert list(screen.rehash(range(7))) == [0, 1, 3, 4, 5]


def test_band_drawn_and_drawn_back_has_not_changed() -> None:
    screen = frame_buffer(np.zeros((40, 10, 4), np.uint8))
    screen.rehash(range(3))
    screen.pixels[20] = 9
    screen.pixels[20] = 0
    assert list(screen.rehash([1])) == []


def test_settle_works_on_a_screen_within_larger_memory() -> None:
    """A segment may be larger than the screen in it."""
    memory = np.zeros(50 * 10 * 4, np.uint8)
    screen = frame_buffer(memory[: 40 * 10 * 4].reshape(40, 10, 4))
    screen.rehash(range(3))
    memory[39 * 40] = 1
    assert list(screen.rehash(range(3))) == [2]


@pytest.mark.parametrize("later", [{0: 0b100}, {}])
def test_what_is_drawn_beside_what_moves_is_found_when_its_report_comes_late(
    later: dict[int, int],
) -> None:
    """Pixels may be read that are drawn after the reports were taken; a scan finds them, too."""
    screen = frame_buffer(np.zeros((BAND_ROWS, 1280, 4), np.uint8))
    width = screen.layout.tile_width
    screen.rehash([0])
    moves = itertools.count(1)

    def move() -> None:
        screen.pixels[3, 1] = next(moves)
        assert screen.rehash([0], {0: 1})

    for times in range(1, 20):
        for _ in range(times):
            move()
        before = screen.keys[0]
        screen.pixels[3, 2 * width + 1] = times
        move()
        # Nothing moves any more: the band has its hash already.
        screen.rehash([0], later)
        same = [now == then for now, then in zip(screen.keys[0], before, strict=True)]
        assert not same[0] and not same[2] and all(same[3:])
        assert screen.rehash([0]) == {}
