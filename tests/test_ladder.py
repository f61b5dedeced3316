"""A client that cannot follow gets less quality, and gets it back."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.http.streaming.ladder import LadderRules, LadderState, delivered, levels_down_to

RULES = LadderRules(max_age=1.0, levels=(60, 45, 30))


def sent(
    state: LadderState, ages: list[float], now: float, every: float
) -> tuple[LadderState, float]:
    """Send frames of these ages, one every some seconds."""
    for age in ages:
        now += every
        state = delivered(state, age, now, RULES)
    return state, now


def test_levels_fall_to_the_least_quality() -> None:
    assert levels_down_to(30, 75) == (60, 45, 30)
    assert levels_down_to(1, 100) == (67, 34, 1)
    assert levels_down_to(74, 75) == (74,)
    assert levels_down_to(75, 75) == ()
    assert levels_down_to(90, 75) == ()


@given(st.integers(1, 100), st.integers(1, 100))
def test_levels_fall_and_stay_between_least_and_start(least: int, start: int) -> None:
    levels = levels_down_to(least, start)
    assert list(levels) == sorted(set(levels), reverse=True)
    assert all(least <= level < start for level in levels)


def test_young_frames_change_nothing() -> None:
    state, _ = sent(LadderState(), [0.01] * 1000, 100.0, 0.03)
    assert state.level == 0
    assert state.quality(RULES) is None


def test_old_frames_lead_down_to_the_last_level_and_no_further() -> None:
    state, _ = sent(LadderState(), [2.0] * 50, 100.0, 1.0)
    assert state.level == 3
    assert state.quality(RULES) == 30


def test_single_old_frame_changes_nothing() -> None:
    state, _ = sent(LadderState(), [0.1] * 50 + [1.0] + [0.1] * 50, 100.0, 0.1)
    assert state.level == 0


def test_client_that_follows_again_gets_its_quality_back() -> None:
    state, now = sent(LadderState(), [2.0] * 20, 100.0, 1.0)
    state, _ = sent(state, [0.01] * 3000, now, 0.05)
    assert state.level == 0


def test_failed_tries_become_rarer() -> None:
    """A client that can carry level 1, and never more."""
    state, now, tries = LadderState(), 100.0, []
    for _ in range(20_000):
        before = state.level
        now += 0.1
        state = delivered(state, 0.1 if state.level else 2.0, now, RULES)
        if state.level < before:
            tries.append(now)
    pauses = [b - a for a, b in itertools.pairwise(tries)]
    assert pauses[-1] > 60 > pauses[0]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 20), st.floats(0.001, 5)), max_size=300),
    st.lists(st.integers(1, 100), max_size=4, unique=True),
)
def test_level_moves_one_at_a_time_and_never_at_once_again(
    frames: list[tuple[float, float]], levels: list[int]
) -> None:
    rules = LadderRules(1.0, tuple(sorted(levels, reverse=True)))
    state, now, moved = LadderState(), 100.0, 0.0
    for age, pause in frames:
        now += pause
        before = state
        state = delivered(state, age, now, rules)
        assert 0 <= state.level <= len(rules.levels)
        if state.level != before.level:
            assert abs(state.level - before.level) == 1
            assert now - moved >= 1.0
            moved = now
