"""What changes apart from what moves goes ahead, and nothing is forgotten over that."""

from collections.abc import Mapping
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from webcapd.capture import selector
from webcapd.capture.bands import BandLayout
from webcapd.capture.geometry import Rectangle
from webcapd.capture.motion import Motion, apart, count
from webcapd.capture.selector import DamageSelector, RefreshCounts

BANDS, COLUMNS = 12, 6

tiles = st.dictionaries(st.integers(0, BANDS - 1), st.integers(1, (1 << COLUMNS) - 1))
Tiles = Mapping[int, int]


def each(some: Tiles) -> set[tuple[int, int]]:
    return {(band, c) for band, bits in some.items() for c in range(COLUMNS) if bits >> c & 1}


def around(some: set[tuple[int, int]]) -> set[tuple[int, int]]:
    return {(b + down, c + right) for b, c in some for down in (-1, 0, 1) for right in (-1, 0, 1)}


@settings(deadline=None)
@given(tiles, tiles, st.integers(0, 80))
def test_what_is_apart_neither_moves_nor_touches_what_does(
    drawn: Tiles, moving: Tiles, most: int
) -> None:
    found, all_drawn = each(apart(drawn, moving, most)), each(drawn)
    assert found <= all_drawn - each(moving)
    assert len(found) <= most
    # Whatever of it was drawn beside it is in it, too, up to where nothing was drawn.
    assert around(found) & all_drawn == found


@settings(deadline=None)
@given(tiles, tiles)
def test_all_is_apart_that_is_no_part_of_what_moves(drawn: Tiles, moving: Tiles) -> None:
    reached = each(drawn) & each(moving)
    while (more := around(reached) & each(drawn)) != reached:
        reached = more
    assert each(apart(drawn, moving, BANDS * COLUMNS)) == each(drawn) - reached


def test_more_than_little_is_not_small() -> None:
    assert apart({0: 0b11, 5: 0b1}, {}, 3) == {0: 0b11, 5: 0b1}
    assert apart({0: 0b11, 5: 0b1}, {}, 2) == {}


def test_edge_of_a_window_that_is_dragged_moves_with_it() -> None:
    window = dict.fromkeys(range(3, 8), 0b0110)
    dragged = dict.fromkeys(range(4, 9), 0b0110)
    assert apart({**dragged, 11: 0b1}, window, 20) == {11: 0b1}


def test_what_is_drawn_twice_within_a_twinkling_moves() -> None:
    motion = Motion()
    motion.note({1: 0b1}, 10.0)
    assert count(motion.tiles(10.034)) == 1
    motion.note({2: 0b1}, 10.05)
    assert each(motion.tiles(10.06)) >= {(2, 0)}
    # Ten letters a second are not motion.
    assert (1, 0) not in each(motion.tiles(10.1))
    assert not motion.tiles(10.2)


LAYOUT = BandLayout(BANDS * 16, COLUMNS * 16)
AREA = Rectangle(0, 0, COLUMNS * 16, BANDS * 16)


class Server:
    """Reports damage as an X server does."""

    def __init__(self) -> None:
        self.drawn: list[tuple[int, int]] = []

    def take(self) -> list[tuple[int, int, int, int]]:
        drawn, self.drawn = self.drawn, []
        return [(column * 16, band * 16, 16, 16) for band, column in drawn]


class Selecting(RuleBasedStateMachine):
    """Whatever is drawn is read by the next refresh of all, and what is small perhaps before."""

    def __init__(self) -> None:
        super().__init__()
        # What moves is a matter of time: by the machine's, no example would be the same twice.
        self.now = 1000.0
        self.patch = pytest.MonkeyPatch()
        clock = SimpleNamespace(monotonic=lambda: self.now)
        self.patch.setattr(selector, "time", clock)
        self.server = Server()
        self.counts = RefreshCounts()
        self.selector = DamageSelector(self.server, LAYOUT, 1e9, self.counts)
        self.stale = {(band, column) for band in range(BANDS) for column in range(COLUMNS)}
        """Tiles drawn on since they were read last."""
        self.read()

    def teardown(self) -> None:
        self.patch.undo()

    def read(self, again: bool = False) -> None:
        selection = self.selector.select(AREA)
        if again:
            # The grab is done over, and meanwhile more was drawn.
            selection = self.selector.select(AREA)
        assert not selection.unhashed
        changed: dict[int, int] = {}
        for band, column in self.stale:
            if band in selection.hashed:
                changed[band] = changed.get(band, 0) | 1 << column
        self.stale -= each(changed)
        self.selector.refreshed(selection, changed, AREA)

    @rule(band=st.integers(0, BANDS - 1), column=st.integers(0, COLUMNS - 1))
    def draw(self, band: int, column: int) -> None:
        self.server.drawn.append((band, column))
        self.stale.add((band, column))

    @rule(seconds=st.sampled_from([0.001, 0.02, 0.05, 1.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def draw_all_over(self) -> None:
        for band in range(2, BANDS):
            for column in range(COLUMNS):
                self.draw(band, column)

    @rule(again=st.booleans())
    def refresh(self, again: bool) -> None:
        self.read(again)
        assert not self.stale

    @rule(again=st.booleans())
    def refresh_small(self, again: bool) -> None:
        before = len(self.stale)
        if self.selector.select_small(AREA):
            self.read(again)
            assert len(self.stale) < before

    @precondition(lambda self: self.stale)
    @rule()
    def refresh_small_when_all_is_to_be_read(self) -> None:
        """As where it becomes known that a window is to be masked."""
        if self.selector.select_small(AREA):
            self.selector.select_all()
            self.read()
            assert not self.stale

    @invariant()
    def nothing_is_missed(self) -> None:
        assert self.counts.missed == 0
        if self.stale and not self.server.drawn:
            assert self.selector.seconds_until_due() == 0


TestSelecting = Selecting.TestCase
TestSelecting.settings = settings(deadline=None, max_examples=60, stateful_step_count=30)
