"""Quality follows motion, in few steps, and never pumps."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.encoder.quality import (
    HIGH_LOAD,
    LARGE_CHANGE,
    STEP_SECONDS,
    STEPS,
    QualityRules,
    QualityState,
    changed,
    settled,
    settles_at,
)

FPS = 30
RULES = QualityRules(floor=75, rest=90, trigger=0.5, period=1 / FPS)


class Screen:
    """A screen whose changes a test makes up; notes the level of each frame."""

    def __init__(self, rules: QualityRules = RULES) -> None:
        self.rules = rules
        self.state = QualityState()
        self.now = 0.0
        self.levels: list[int] = []
        """Of all frames encoded, settle frames too."""

    def change(self, share: float, after: float = 1 / FPS) -> None:
        """Have a share of the screen change, some seconds after the last change."""
        self.rest_until(self.now + after)
        self.state = changed(self.state, share, self.now, self.rules)
        self.state = settled(self.state, self.now, self.rules)
        self.levels.append(self.state.level)

    def rest_until(self, moment: float) -> None:
        """Let time pass; the encoder wakes when the screen is due to settle."""
        if settles_at(self.state, self.rules) <= moment:
            self.now = max(self.now, settles_at(self.state, self.rules))
            before = self.state.level
            self.state = settled(self.state, self.now, self.rules)
            assert before > self.state.level == 0
            self.levels.append(0)
        self.now = moment


changes = st.lists(
    st.tuples(st.floats(0.001, 1.0), st.sampled_from([1 / FPS, 0.1, 0.4, 0.6, 2.0])),
    max_size=400,
)


def test_resting_screen_has_the_rest_quality() -> None:
    assert RULES.quality(QualityState().level) == 90


def test_qualities_of_the_levels_step_down_evenly() -> None:
    assert [RULES.quality(level) for level in range(STEPS + 1)] == [90, 85, 80, 75]


def test_rest_quality_below_the_floor_switches_control_off() -> None:
    rules = RULES._replace(rest=60)
    assert {rules.quality(level) for level in range(STEPS + 1)} == {75}


@pytest.mark.parametrize("share", [1 / 68, 0.05, LARGE_CHANGE])
def test_small_changes_keep_the_rest_quality_for_ever(share: float) -> None:
    screen = Screen()
    for _ in range(60 * FPS):
        screen.change(share)
    assert set(screen.levels) == {0}


def test_single_large_changes_keep_the_rest_quality() -> None:
    """Slides, windows that open and close."""
    screen = Screen()
    for _ in range(100):
        screen.change(1.0, after=1.0)
    assert set(screen.levels) == {0}


@pytest.mark.parametrize("share", [0.35, 0.6, 1.0])
def test_lasting_motion_steps_down_to_the_floor_and_stays(share: float) -> None:
    screen = Screen()
    for _ in range(20 * FPS):
        screen.change(share)
    assert screen.levels == sorted(screen.levels)
    assert set(screen.levels) == set(range(STEPS + 1))


def test_rest_brings_exactly_one_settle_frame() -> None:
    screen = Screen()
    for _ in range(5 * FPS):
        screen.change(1.0)
    frames = len(screen.levels)
    screen.rest_until(screen.now + 3600)
    assert screen.levels[frames:] == [0]
    assert settles_at(screen.state, RULES) == math.inf


def test_blinking_caret_does_not_keep_a_screen_from_settling() -> None:
    screen = Screen()
    for _ in range(5 * FPS):
        screen.change(1.0)
    for _ in range(10):
        screen.change(1 / 68, after=0.4)
    assert screen.levels[-1] == 0
    for _ in range(100):
        screen.change(1 / 68, after=0.5)
    assert set(screen.levels[-100:]) == {0}


def test_lower_rate_is_less_load() -> None:
    screen = Screen()
    for _ in range(100):
        screen.change(0.5, after=0.5)
    assert set(screen.levels) == {0}


@settings(deadline=None)
@given(changes)
def test_no_sequence_of_changes_makes_it_oscillate(sequence: list[tuple[float, float]]) -> None:
    """Down one step at a time, each a while after the other; up only after calm."""
    screen = Screen()
    stepped = -math.inf
    for share, after in sequence:
        before, frames = screen.state.level, len(screen.levels)
        screen.change(share, after)
        # A settle frame comes first, if any.
        for level in screen.levels[frames:]:
            if level > before:
                assert level == before + 1
                assert screen.now - stepped >= STEP_SECONDS - 1e-9
                stepped = screen.now
            elif level < before:
                assert level == 0
            before = level
        assert 0 <= screen.state.load <= 1


@settings(deadline=None)
@given(changes)
def test_settles_only_after_the_trigger_without_a_large_change(
    sequence: list[tuple[float, float]],
) -> None:
    screen = Screen()
    large = 0.0
    for share, after in sequence:
        level, frames = screen.state.level, len(screen.levels)
        settles = settles_at(screen.state, RULES)
        screen.change(share, after)
        if level > 0 and 0 in screen.levels[frames:]:
            assert settles - large == pytest.approx(RULES.trigger)
        if share > LARGE_CHANGE:
            large = screen.now


def test_thresholds_leave_no_room_to_oscillate() -> None:
    """Changes small enough for calm can never make the load that steps down."""
    assert LARGE_CHANGE < HIGH_LOAD
