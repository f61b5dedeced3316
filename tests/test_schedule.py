"""When the encoder loop refreshes, and for whom: what it makes of consumers' demands."""

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.base.pace import CREDIT, Pace
from webcapd.capture.picture import Picture
from webcapd.encoder.consumer import NO_DEMAND, Demand, Moment
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.schedule import Limit, Wish, refresh_in, wish_of

FOLLOWS = Demand(math.inf, False, -math.inf)
AWAITS = Demand(0.0, True, math.inf)

# Sums of these moments are exact.
TICK = 1 / 1024
FPS = 32.0
AVERAGE, GAP = Limit(FPS, CREDIT), Limit(FPS, 1)


class Wanting:
    """A consumer that wants something and is never really fed."""

    takes_pointer = True

    def __init__(self, demand: Demand = FOLLOWS) -> None:
        self.pace, self.behind = Pace(), True
        self.wanted = demand

    def demand(self) -> Demand:
        return self.wanted

    def feed(self, picture: Picture, moment: Moment) -> None: ...
    def expire(self) -> None: ...
    def close(self) -> None: ...


def fed_at(
    consumers: Sequence[Wanting], limit: Limit, rests: Sequence[float], fruitless: int = 0
) -> list[list[float]]:
    """Have something new a rest after each refresh; gives when each consumer was fed."""
    now = 0.0
    fed: list[list[float]] = [[] for _ in consumers]
    for rest in rests:
        now += rest
        wishes = [wish_of(consumer, limit, fruitless) for consumer in consumers]
        now += refresh_in(wishes, now, True, math.inf)
        for wish, moments in zip(wishes, fed, strict=True):
            if wish.is_due(now):
                wish.fed(now)
                moments.append(now)
    return fed


def test_motion_gets_three_pictures_at_once_and_then_one_a_period() -> None:
    (moments,) = fed_at([Wanting()], AVERAGE, [0.0] * 8)
    assert moments == [0, 0, 0, *(number / FPS for number in range(1, 6))]


def test_changes_that_are_fewer_than_the_rate_never_wait() -> None:
    """A letter and its caret, just behind each other; and so on before a second is over."""
    rests = [0.5, 0.002, 0.12, 0.002] * 20
    (moments,) = fed_at([Wanting()], AVERAGE, rests)
    assert moments == list(itertools.accumulate(rests))


def test_who_asks_for_waits_gets_a_least_gap() -> None:
    assert EncoderOptions().credit == CREDIT
    options = EncoderOptions(encodewait=0.5)
    assert (options.most_fps, options.credit) == (2.0, 1)
    (moments,) = fed_at([Wanting()], Limit(options.most_fps, options.credit), [0.0] * 5)
    assert moments == [0, 0.5, 1, 1.5, 2]


def test_what_is_drawn_again_and_again_for_nothing_is_looked_at_half_as_often() -> None:
    (moments,) = fed_at([Wanting()], AVERAGE, [0.0] * 8, fruitless=1000)
    assert moments == [0, 0, 0, *(2 * number / FPS for number in range(1, 6))]


def test_who_waits_for_one_picture_does_not_wait_for_a_slow_rate() -> None:
    waiting, slow = Wanting(AWAITS), Limit(0.125, CREDIT)
    assert wish_of(waiting, slow, 0).limit.rate >= 2
    assert max(fed_at([waiting], slow, [0.0] * 6)[0]) <= 2


def test_who_wants_nothing_has_nobody_woken() -> None:
    wishes = [wish_of(Wanting(NO_DEMAND), AVERAGE, 0)]
    assert refresh_in(wishes, 0.0, True, 0.0) == math.inf


@pytest.mark.parametrize("limit", [AVERAGE, GAP])
@settings(deadline=None)
@given(
    rests=st.lists(st.integers(0, 256).map(lambda ticks: ticks * TICK), min_size=1, max_size=80),
    begun=st.lists(st.integers(0, 256).map(lambda ticks: -ticks * TICK), min_size=1, max_size=3),
)
def test_each_is_fed_no_more_than_its_rate_and_its_credit(
    limit: Limit, rests: list[float], begun: list[float]
) -> None:
    """Nor does it get more by being fed a little early, along with the others."""
    consumers = [Wanting() for _ in begun]
    for consumer, moment in zip(consumers, begun, strict=True):
        Wish(consumer, FOLLOWS, limit).fed(moment)
    for moments in fed_at(consumers, limit, rests):
        for first, last in itertools.combinations(range(len(moments)), 2):
            most = (moments[last] - moments[first]) * FPS + limit.credit
            # A least gap may come half a period early, and so may what follows a delay.
            assert last - first + 1 < most + 1
