"""When the screen is looked at, and how often things are said to happen."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.base.pace import CREDIT, Pace
from webcapd.base.rate import WINDOW_SECONDS, Rate

# Powers of two and their parts: sums of these moments are exact.
TICK = 1 / 1024
rates = st.sampled_from([0.5, 1.0, 4.0, 32.0, 128.0])
moments = st.integers(0, 1 << 20).map(lambda ticks: ticks * TICK)
rests = st.lists(st.integers(0, 4096).map(lambda ticks: ticks * TICK), min_size=1, max_size=60)


class Steady(Pace):
    """A pace of one rate, which is a least gap unless there is a credit."""

    def __init__(self, fps: float, credit: int = 1) -> None:
        super().__init__()
        self._fps, self._credit = fps, credit

    def looked(self, now: float) -> None:
        self.took_place(now, self._fps, self._credit)

    def due_in(self, now: float) -> float:
        return self.wait(now, self._fps)


def looks(pace: "Steady", rests: list[float], start: float = 0.0) -> list[float]:
    """Look whenever there is news, one rest after the last look, and a look is due."""
    now, taken = start, []
    for rest in rests:
        now += rest
        now += pace.due_in(now)
        pace.looked(now)
        taken.append(now)
    return taken


@settings(deadline=None)
@given(rates, moments)
def test_first_look_is_at_once(fps: float, now: float) -> None:
    assert Steady(fps).due_in(now) == 0


@settings(deadline=None)
@given(rates, moments, st.integers(1, 100))
def test_motion_is_looked_at_once_a_period(fps: float, start: float, count: int) -> None:
    taken = looks(Steady(fps), [0.0] * count, start)
    assert taken == [start + number / fps for number in range(count)]


@settings(deadline=None)
@given(rates, moments)
def test_look_is_not_due_within_a_period_of_the_first(fps: float, now: float) -> None:
    pace = Steady(fps)
    pace.looked(now)
    assert pace.due_in(now) == 1 / fps
    assert pace.due_in(now + 1 / fps - TICK) == TICK
    assert pace.due_in(now + 1 / fps) == 0


@settings(deadline=None)
@given(rates, rests, st.integers(0, 4096))
def test_first_look_after_a_rest_is_at_once(fps: float, rests: list[float], ticks: int) -> None:
    pace = Steady(fps)
    last = looks(pace, rests)[-1]
    assert pace.due_in(last + 1 / fps + ticks * TICK) == 0


@settings(deadline=None)
@given(rates, rests, st.integers(0, 4096), st.integers(2, 20))
def test_missed_moments_are_not_made_up_for(
    fps: float, rests: list[float], ticks: int, count: int
) -> None:
    """After a delay of periods the next looks are a full period apart again."""
    pace = Steady(fps)
    last = looks(pace, rests)[-1]
    resumed = last + 2 / fps + ticks * TICK
    taken = looks(pace, [0.0] * count, resumed)
    assert [b - a for a, b in itertools.pairwise(taken)] == [1 / fps] * (count - 1)


@settings(deadline=None)
@given(rates, rests)
def test_any_span_holds_no_more_looks_than_its_periods_and_both_ends(
    fps: float, rests: list[float]
) -> None:
    taken = looks(Steady(fps), rests)
    for first, last in itertools.combinations(range(len(taken)), 2):
        assert taken[last] - taken[first] > (last - first - 1) / fps


@settings(deadline=None)
@given(rates, st.lists(st.integers(0, 16), min_size=2, max_size=60))
def test_small_delays_do_not_add_up(fps: float, delays: list[int]) -> None:
    """Each look may come late by half a period; the next is due on the grid."""
    pace = Steady(fps)
    pace.looked(0.0)
    now = 0.0
    for number, delay in enumerate(delays, 1):
        now += pace.due_in(now) + delay / 32 / fps
        assert now == (number + delay / 32) / fps
        pace.looked(now)


@given(rates, st.integers(17, 31))
def test_a_very_late_look_is_not_followed_at_once(fps: float, delay: int) -> None:
    pace = Steady(fps)
    pace.looked(0.0)
    late = (1 + delay / 32) / fps
    pace.looked(late)
    assert pace.due_in(late) >= 0.5 / fps


credits_ = st.integers(2, 5)


@settings(deadline=None)
@given(rates, credits_, rests)
def test_no_stretch_holds_more_than_its_periods_and_the_credit(
    fps: float, credit: int, rests: list[float]
) -> None:
    taken = looks(Steady(fps, credit), rests)
    for first, last in itertools.combinations(range(len(taken)), 2):
        assert last - first + 1 <= (taken[last] - taken[first]) * fps + credit


@settings(deadline=None)
@given(rates, credits_, rests, st.integers(0, 4096))
def test_after_a_rest_the_whole_credit_goes_at_once_and_then_one_a_period(
    fps: float, credit: int, rests: list[float], ticks: int
) -> None:
    pace = Steady(fps, credit)
    start = looks(pace, rests)[-1] + credit / fps + ticks * TICK
    taken = looks(pace, [0.0] * (credit + 10), start)
    assert taken == [start] * credit + [start + number / fps for number in range(1, 11)]


@settings(deadline=None)
@given(rates, credits_, st.data())
def test_of_an_average_nothing_is_lost_by_delays_that_the_credit_makes_up_for(
    fps: float, credit: int, data: st.DataObject
) -> None:
    """Looks that come late by fewer periods than there is credit are as many as if in time."""
    pace = Steady(fps, credit)
    now = looks(pace, [0.0] * credit)[-1]
    late = st.integers(0, 32 * (credit - 1)).map(lambda parts: parts / 32 / fps)
    for number in range(1, 40):
        now = max(now, number / fps + data.draw(late))
        assert pace.due_in(now) == 0
        pace.looked(now)


def test_pictures_have_a_credit_of_three() -> None:
    assert CREDIT == 3


def test_one_in_a_hurry_does_not_wait_for_one_who_has_time() -> None:
    pace = Pace()
    pace.took_place(0.0, 0.01)
    assert pace.wait(1.0, 0.01) == 99.0
    assert pace.wait(1.0, 30.0) == 0.0


class Clock:
    """A clock that tests set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@settings(deadline=None)
@given(rests, st.integers(0, 1 << 13))
def test_rate_counts_the_events_of_the_window(rests: list[float], pause: int) -> None:
    clock = Clock()
    rate = Rate(clock)
    ticks = []
    for rest in rests:
        clock.now += rest
        rate.tick()
        ticks.append(clock.now)
    clock.now += pause * TICK
    recent = [moment for moment in ticks if moment > clock.now - WINDOW_SECONDS]
    assert rate.per_second() == len(recent) / min(WINDOW_SECONDS, max(1.0, clock.now))


def test_rate_of_steady_events_is_their_frequency() -> None:
    clock = Clock()
    rate = Rate(clock)
    for number in range(200):
        clock.now = number / 16
        rate.tick()
    assert rate.per_second() == 16


def test_rate_is_zero_before_and_long_after_events() -> None:
    clock = Clock()
    rate = Rate(clock)
    assert rate.per_second() == 0
    rate.tick()
    assert rate.per_second() == 1
    clock.now = WINDOW_SECONDS
    assert rate.per_second() == 0
