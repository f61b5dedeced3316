"""Who has guessed too often: what is remembered, against all failures there were."""

from collections.abc import Hashable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from webcapd.http.access.access import MAX_FAILURES, WINDOW_SECONDS, Lockout

clients = st.sampled_from(["a", "b", ("c", 6)])


class Guessing(RuleBasedStateMachine):
    """Clients that fail as time goes by; who is shut out does not get to guess."""

    def __init__(self) -> None:
        super().__init__()
        self.lockout = Lockout()
        self.now = 1000.0
        self.failures: dict[Hashable, list[float]] = {}
        self.shut_until: dict[Hashable, float] = {}

    @rule(seconds=st.sampled_from([0.0, 0.5, 5.0, 7.0, WINDOW_SECONDS]))
    def time_goes_by(self, seconds: float) -> None:
        self.now += seconds

    @rule(client_key=clients, times=st.integers(1, MAX_FAILURES))
    def guess(self, client_key: Hashable, times: int) -> None:
        for _ in range(times):
            if self.lockout.seconds_left(client_key, self.now) > 0:
                return
            self.lockout.failed(client_key, self.now)
            failures = self.failures.setdefault(client_key, [])
            failures.append(self.now)
            if len([at for at in failures if at > self.now - WINDOW_SECONDS]) >= MAX_FAILURES:
                self.shut_until[client_key] = self.now + WINDOW_SECONDS

    @invariant()
    def those_are_shut_out_who_failed_so_often_within_the_window(self) -> None:
        for client_key in ("a", "b", ("c", 6), "never heard of"):
            left = max(0.0, self.shut_until.get(client_key, 0.0) - self.now)
            assert self.lockout.seconds_left(client_key, self.now) == left


Guessing.TestCase.settings = settings(deadline=None, max_examples=60, stateful_step_count=40)
TestGuessing = Guessing.TestCase


def test_clients_without_number_take_bounded_memory() -> None:
    lockout = Lockout()
    for _ in range(MAX_FAILURES):
        lockout.failed("first", 0.0)
    for number in range(20_000):
        lockout.failed(number, 1.0)
        if number == 1000:
            lockout.failed("first", 1.0)
    assert len(lockout._failures) < 10_000
    # The last to fail is remembered, whenever it came first.
    for _ in range(MAX_FAILURES - 1):
        lockout.failed(19_999, 1.0)
    assert lockout.seconds_left(19_999, 1.0) == WINDOW_SECONDS
