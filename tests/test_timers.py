"""Deadlines under keys."""

import math

from hypothesis import given
from hypothesis import strategies as st

from webcapd.base.timers import Timers

TIMES = st.integers(0, 20).map(float)


def test_time_comes_once() -> None:
    timers = Timers()
    timers.set("a", 1.0)
    assert list(timers.due(0.9)) == []
    assert list(timers.due(1.0)) == ["a"]
    assert list(timers.due(9.0)) == []
    assert timers.next() == math.inf


def test_time_set_meanwhile_is_for_the_next_call() -> None:
    """Else who asks to be called at once, each time, would never let go."""
    timers = Timers()
    timers.set("a", 1.0)
    for key in timers.due(5.0):
        timers.set(key, 2.0)
    assert timers.next() == 2.0
    assert list(timers.due(5.0)) == ["a"]


def test_key_cancelled_by_one_before_it_is_not_told() -> None:
    timers = Timers()
    timers.set("a", 1.0)
    timers.set("b", 2.0)
    told = []
    for key in timers.due(5.0):
        told.append(key)
        timers.cancel("b")
    assert told == ["a"]


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
    for key, when, passed in steps:
        timers.set(key, when)
        plan.due_at.pop(key, None)
        if when < math.inf:
            plan.due_at[key] = when
        # Never too late, or a thread that waits until then would oversleep.
        assert timers.next() <= min(plan.due_at.values(), default=math.inf)
        now = max(now, passed)
        assert sorted(map(str, timers.due(now))) == plan.due(now)
