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
from webcapd.encoder.schedule import Limit, Wish, is_turn_soon, refresh_in, wish_of
from webcapd.encoder.smallchanges import SmallChanges

FOLLOWS = Demand(math.inf, False, -math.inf)
AWAITS = Demand(0.0, True, math.inf)

# Sums of these moments are exact.
TICK = 1 / 1024
FPS = 32.0
AVERAGE, GAP = Limit(FPS, CREDIT), Limit(FPS, 1)


class Wanting:
    """A consumer that wants something and is never really fed."""

    takes_pointer = True

    def __init__(self, demand: Demand = FOLLOWS, takes_small: bool = False) -> None:
        self.pace, self.behind = Pace(), True
        self.wanted, self.takes_small = demand, takes_small

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


def test_nothing_is_heard_of_only_while_all_wait_for_a_turn_that_is_soon() -> None:
    moving, other = Wanting(), Wanting()
    fed_at([moving], AVERAGE, [0.0] * 3)
    wishes = [wish_of(one, AVERAGE, 0) for one in (moving, other)]
    assert is_turn_soon(wishes[:1], 0.5 / FPS)
    assert not is_turn_soon(wishes[:1], 1 / FPS)
    assert not is_turn_soon(wishes, 0.5 / FPS)
    assert not is_turn_soon([], 0.0)
    small = Wanting(takes_small=True)
    fed_at([small], AVERAGE, [0.0] * 3)
    assert not is_turn_soon([wish_of(small, AVERAGE, 0)], 0.5 / FPS)
    # Where nothing new was found again and again, small changes have their turn with all else.
    assert is_turn_soon([wish_of(small, AVERAGE, 1000)], 0.5 / FPS)
    # A source that is lost meanwhile is not to be found out minutes later.
    seldom = wish_of(Wanting(FOLLOWS._replace(due=60.0)), AVERAGE, 0)
    assert not is_turn_soon([seldom], 0.0)


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


def in_motion(limit: Limit = AVERAGE, demand: Demand = FOLLOWS) -> Wish:
    """Give the wish of one that was fed all there was as often as it may be."""
    consumer = Wanting(demand, takes_small=True)
    consumer.behind = False
    wish = wish_of(consumer, limit, 0)
    for _ in range(limit.credit):
        wish.fed(0.0)
    return wish


def test_small_change_does_not_wait_for_the_turn_of_what_moves() -> None:
    wish, small = in_motion(), SmallChanges(AVERAGE)
    turn = wish.wait(0.0)
    assert turn > 0
    assert small.wait([wish], 0.0, turn) == 0
    assert small.takers([wish], 0.0) == [wish.consumer]


@pytest.mark.parametrize(
    ("limit", "demand"),
    [(GAP, FOLLOWS), (AVERAGE, FOLLOWS._replace(due=1.0)), (AVERAGE, AWAITS)],
    ids=["--encodewait", "fps=", "snapshot"],
)
def test_small_change_waits_where_there_is_a_least_gap_or_nobody_follows(
    limit: Limit, demand: Demand
) -> None:
    wish, small = in_motion(limit, demand), SmallChanges(limit)
    assert small.wait([wish], 0.0, 0.1) == math.inf
    assert small.takers([wish], 0.0) == []


def test_who_lacks_more_than_the_small_change_has_all_of_it_in_his_turn() -> None:
    wish, small = in_motion(), SmallChanges(AVERAGE)
    wish.consumer.behind = True
    assert small.wait([wish], 0.0, 0.1) == math.inf


def test_pictures_as_a_whole_have_no_small_changes() -> None:
    wish, other = in_motion(), in_motion()
    other.consumer.takes_small = False
    small = SmallChanges(AVERAGE)
    assert small.takers([wish, other], 0.0) == [wish.consumer]
    assert small.wait([other], 0.0, 0.1) == math.inf


def test_small_change_leaves_the_last_credit_to_what_moves() -> None:
    wish, small = in_motion(), SmallChanges(AVERAGE)
    assert small.wait([wish], 1 / FPS, 0.0) == 0
    # With more of it, it goes as everything goes.
    assert small.wait([wish], 2 / FPS, 0.0) == math.inf


@settings(deadline=None)
@given(rests=st.lists(st.integers(0, 64).map(lambda ticks: ticks * TICK), max_size=120))
def test_small_changes_are_no_more_than_the_rate_and_the_credit(rests: list[float]) -> None:
    wish, small = in_motion(), SmallChanges(AVERAGE)
    now, moments = 0.0, []
    for rest in rests:
        now += rest
        now += small.wait([wish], now, 1.0)
        small.looked(now, True)
        moments.append(now)
    for first, last in itertools.combinations(range(len(moments)), 2):
        assert last - first + 1 <= (moments[last] - moments[first]) * FPS + CREDIT + 1e-9


def looks(small: SmallChanges, wish: Wish, begin: float, end: float, apart: float) -> list[float]:
    """Look whenever something was drawn, never with less between two, and find nothing small."""
    now, found = begin, []
    while now < end:
        now += small.wait([wish], now, 1.0)
        small.looked(now, False)
        found.append(now)
        now += apart
    return found


def test_looks_for_small_changes_are_few_where_much_is_drawn() -> None:
    wish, small = in_motion(), SmallChanges(AVERAGE)
    assert len(looks(small, wish, 0.0, 1.0, TICK)) < 80
    assert len(looks(small, wish, 1.0, 2.0, TICK)) < 35
    # Where one was found there may soon be the next.
    small.looked(2.1, True)
    assert small.wait([wish], 2.1, 1.0) < 0.005
    typed = looks(small, wish, 2.1, 2.2, TICK)
    assert max(after - before for before, after in itertools.pairwise(typed)) < 0.02
    # The same drawn again and again is no reason to look.
    still = wish_of(wish.consumer, AVERAGE, 1000)
    assert small.wait([still], 3.0, 1.0) == math.inf


def test_small_change_between_the_frames_of_a_film_does_not_wait() -> None:
    wish, small = in_motion(), SmallChanges(AVERAGE)
    for frame in range(60):
        assert looks(small, wish, frame / 30, frame / 30 + TICK, 1.0) == [frame / 30]
        assert small.wait([wish], frame / 30 + 0.004, 1.0) == 0
