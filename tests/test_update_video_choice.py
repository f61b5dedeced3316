"""Which rectangle moves, and whether it is to be a video: properties of the choice."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates.jpegpack import TileBlock
from webcapd.encoder.updates.video.choice import (
    HOLD_SECONDS,
    LOOKS,
    WINDOW_SECONDS,
    Seen,
    evened,
    keeps,
    moving_block,
    moving_rectangle,
)

ROWS, COLUMNS = 40, 6
WIDTH, HEIGHT = 640, 480

rows = st.tuples(st.integers(0, ROWS - 1), st.integers(0, ROWS - 1)).map(sorted)
columns = st.tuples(st.integers(0, COLUMNS - 1), st.integers(0, COLUMNS - 1)).map(sorted)
seeds = st.integers(0, 1 << 30)


def rectangles(least: int) -> st.SearchStrategy[Rectangle]:
    sides = st.tuples(st.integers(least, WIDTH // 2), st.integers(least, HEIGHT // 2))
    return sides.flatmap(
        lambda size: st.builds(
            Rectangle,
            st.integers(0, WIDTH - size[0]),
            st.integers(0, HEIGHT - size[1]),
            *map(st.just, size),
        )
    )


def history(block: TileBlock, fps: float, seconds: float, seed: int) -> list[Seen]:
    """Give what is seen while a block moves, and here and there something is typed."""
    generator = np.random.default_rng(seed)
    seen = []
    for number in range(int(seconds * fps) + 1):
        tiles = np.zeros((ROWS, COLUMNS), bool)
        tiles[generator.integers(0, ROWS), generator.integers(0, COLUMNS)] = number % 4 == 0
        tiles[block.top : block.bottom + 1, block.left : block.right + 1] = True
        seen.append(Seen(100 + number / fps, tiles))
    return seen


@given(rows, columns, st.sampled_from([12.0, 25.0, 30.0, 60.0]), seeds)
def test_block_that_goes_on_moving_is_found_and_none_before_that(
    rows: list[int], columns: list[int], fps: float, seed: int
) -> None:
    block = TileBlock(*rows, *columns)
    seen = history(block, fps, 0.6, seed)
    assert moving_block(seen, seen[-1].moment) == block
    assert moving_block(seen[: int(fps * WINDOW_SECONDS / 2)], 100 + WINDOW_SECONDS / 2) is None
    # What rests is none any more.
    assert moving_block(seen, seen[-1].moment + WINDOW_SECONDS) is None


@given(seeds)
def test_what_changes_now_and_then_does_not_move(seed: int) -> None:
    block = TileBlock(3, 9, 1, 2)
    seen = history(block, 30, 0.6, seed)
    seen = [
        one if number % 3 == 0 else Seen(one.moment, np.zeros_like(one.tiles))
        for number, one in enumerate(seen)
    ]
    assert moving_block(seen, seen[-1].moment) is None


def test_of_two_that_move_the_larger_is_found_and_a_frame_around_something_is_not() -> None:
    larger, smaller = TileBlock(2, 12, 0, 1), TileBlock(20, 24, 3, 5)
    seen = history(larger, 30, 0.6, 1)
    for one in seen:
        one.tiles[smaller.top : smaller.bottom + 1, smaller.left : smaller.right + 1] = True
    assert moving_block(seen, seen[-1].moment) == larger
    for one in seen:
        one.tiles[:] = False
        one.tiles[2:30, 1] = one.tiles[2:30, 5] = one.tiles[2, 1:6] = one.tiles[29, 1:6] = True
    assert moving_block(seen, seen[-1].moment) is None


@settings(deadline=None, max_examples=60)
@given(rectangles(200), seeds)
def test_rectangle_is_tight_and_even_whatever_is_typed_beside(place: Rectangle, seed: int) -> None:
    generator = np.random.default_rng(seed)
    counts = np.zeros((HEIGHT, WIDTH), np.uint8)
    counts[generator.random((HEIGHT, WIDTH)) < 0.01] = 2
    # Of a film not all pixels change each time.
    part = generator.random((place.height, place.width)) < 0.8
    place.of(counts)[part] = LOOKS
    found = moving_rectangle(counts, LOOKS)
    assert found is not None
    assert found.width % 2 == found.height % 2 == 0
    assert found.within(Rectangle(0, 0, WIDTH, HEIGHT)) == found
    for mine, theirs in zip(found, place, strict=True):
        assert abs(mine - theirs) <= 1


@given(rectangles(1).filter(lambda rect: min(rect.size) < 90))
def test_what_is_too_small_is_none(place: Rectangle) -> None:
    counts = np.zeros((HEIGHT, WIDTH), np.uint8)
    place.of(counts)[:] = LOOKS
    assert moving_rectangle(counts, LOOKS) is None


def test_two_that_move_with_text_between_are_not_one() -> None:
    counts = np.zeros((HEIGHT, WIDTH), np.uint8)
    counts[20:220, 10:260] = counts[20:220, 350:560] = LOOKS
    assert moving_rectangle(counts, LOOKS) == Rectangle(10, 20, 250, 200)


@given(rectangles(2), st.integers(2, WIDTH), st.integers(2, HEIGHT))
def test_evened_sides_are_even_and_within(rect: Rectangle, width: int, height: int) -> None:
    rect = rect.within(Rectangle(0, 0, width, height))
    found = evened(rect, (width, height))
    assert found.width % 2 == found.height % 2 == 0
    assert found.within(Rectangle(0, 0, width, height)) == found or not rect
    assert abs(found.area - rect.area) <= 2 * (rect.width + rect.height)


@given(rectangles(50), rectangles(50), st.floats(0, 10))
def test_video_is_kept_for_a_while_and_as_long_as_it_suits(
    current: Rectangle, found: Rectangle, age: float
) -> None:
    kept = keeps(current, found, age)
    assert kept or age >= HOLD_SECONDS
    assert keeps(current, current, age)
    if found.around(current) != current:
        assert kept == (age < HOLD_SECONDS)
