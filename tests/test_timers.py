"""Deadlines that are moved."""

import math

from hypothesis import given
from hypothesis import strategies as st

from webcapd.base.timers import Timer, Timers

TIMES = st.integers(0, 20).map(float)


def nothing() -> None: ...


def test_time_comes_once() -> None:
    timers = Timers()
    timer = timers.timer(nothing)
    timer.set(1.0)
    assert list(timers.due(0.9)) == []
    assert list(timers.due(1.0)) == [timer]
    assert list(timers.due(9.0)) == []
    assert timers.next() == math.inf


def test_time_set_meanwhile_is_for_the_next_call() -> None:
    """Else who asks to be called at once, each time, would never let go."""
    timers = Timers()
    timer = timers.timer(nothing)
    timer.set(1.0)
    for one in timers.due(5.0):
        one.set(2.0)
    assert timers.next() == 2.0
    assert list(timers.due(5.0)) == [timer]


def test_timer_cancelled_by_one_before_it_does_not_come() -> None:
    timers = Timers()
    first, second = timers.timer(nothing), timers.timer(nothing)
    first.set(1.0)
    second.set(2.0)
    came = []
    for one in timers.due(5.0):
        came.append(one)
        second.cancel()
    assert came == [first]


def test_timer_put_off_time_after_time_has_one_place() -> None:
    timers = Timers()
    timer = timers.timer(nothing)
    for number in range(1000):
        timer.set(1.0 + number)
    assert timers.next() == 1.0
    assert list(timers.due(1.0)) == []
    assert timers.next() == 1000.0
    assert list(timers.due(1000.0)) == [timer]
    assert timers.next() == math.inf


class Plan:
    """What Timers does, the slow and plain way."""

    def __init__(self) -> None:
        self.due_at: dict[str, float] = {}

    def due(self, now: float) -> list[str]:
        come = sorted((when, key) for key, when in self.due_at.items() if when <= now)
        for _, key in come:
            del self.due_at[key]
        return sorted(key for _, key in come)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.one_of(TIMES, st.just(math.inf)), TIMES)))
def test_times_come_as_in_a_plain_plan(steps: list[tuple[str, float, float]]) -> None:
    timers, plan, now = Timers(), Plan(), 0.0
    keys: dict[Timer, str] = {timers.timer(nothing): key for key in "abcd"}
    named = {key: timer for timer, key in keys.items()}
    for key, when, passed in steps:
        named[key].set(when)
        plan.due_at.pop(key, None)
        if when < math.inf:
            plan.due_at[key] = when
        # Never too late, or a thread that waits until then would oversleep.
        assert timers.next() <= min(plan.due_at.values(), default=math.inf)
        now = max(now, passed)
        assert sorted(keys[timer] for timer in timers.due(now)) == plan.due(now)
