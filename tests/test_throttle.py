"""Without damage reports every band is looked at, and only as eagerly as it deserves."""

import mjpeg
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from motion import moving
from painter import Painter, painter
from program import webcapd
from waiting import wait_until
from xserver import Pixels, XServer, xvfb

from webcapd.capture.bands import BandLayout
from webcapd.capture.geometry import Rectangle
from webcapd.capture.selector import PollSelector, Selection
from webcapd.capture.throttle import COLD_EVERY, BandState, Heat, Rules, Throttle, step, warmed

COLD, NORMAL, HOT = Heat.COLD, Heat.NORMAL, Heat.HOT
RULES = Rules(threshold=3, duration=10.0)
AREA = Rectangle(0, 0, 100, 100)
RATE = ("--fps", "60")


@pytest.mark.parametrize(
    ("state", "changed", "now", "expected"),
    [
        # Changes add up, and three in a row make a band hot.
        (BandState(NORMAL, 0, 0), True, 5, BandState(NORMAL, 1, 5)),
        (BandState(NORMAL, 1, 0), True, 5, BandState(NORMAL, 2, 5)),
        (BandState(NORMAL, 2, 0), True, 5, BandState(HOT, 3, 5)),
        # One look without a change, and the row begins anew.
        (BandState(NORMAL, 2, 0), False, 5, BandState(NORMAL, 0, 0)),
        # Ten seconds of rest make it cold.
        (BandState(NORMAL, 0, 0), False, 9.9, BandState(NORMAL, 0, 0)),
        (BandState(NORMAL, 0, 0), False, 10, BandState(COLD, 0, 10)),
        (BandState(NORMAL, 2, 0), False, 10, BandState(COLD, 0, 10)),
        # Hot it stays until the time is up: nobody compares it.
        (BandState(HOT, 3, 0), True, 9.9, BandState(HOT, 3, 0)),
        (BandState(HOT, 3, 0), True, 10, BandState(NORMAL, 2, 10)),
        # Cold it stays, until it changes.
        (BandState(COLD, 0, 0), False, 99, BandState(COLD, 0, 0)),
        (BandState(COLD, 0, 0), True, 99, BandState(NORMAL, 1, 99)),
    ],
)
def test_step(state: BandState, changed: bool, now: float, expected: BandState) -> None:
    assert step(state, changed, now, RULES) == expected


def test_one_change_makes_a_band_hot_where_the_threshold_is_one() -> None:
    rules = Rules(1, 10.0)
    hot = step(BandState(), True, 1, rules)
    assert hot.heat is HOT
    # Compared once after its time, and hot again if it goes on.
    hashed = step(hot, True, 11, rules)
    assert hashed.heat is NORMAL
    assert step(hashed, True, 12, rules).heat is HOT


def test_only_cold_bands_are_warmed() -> None:
    assert warmed(BandState(COLD, 0, 1), 5) == BandState(NORMAL, 0, 5)
    for state in (BandState(NORMAL, 2, 1), BandState(HOT, 3, 1)):
        assert warmed(state, 5) == state


# What each of some bands does between two looks, and how much time passes.
histories = st.lists(
    st.tuples(st.sets(st.integers(0, 6)), st.floats(0, 15)), min_size=1, max_size=60
)


@given(histories)
def test_band_is_hot_for_its_time_and_no_longer(history: list[tuple[set[int], float]]) -> None:
    throttle, now = Throttle(7, RULES, 0), 0.0
    since: dict[int, float] = {}
    for changed, seconds in history:
        hashed, hot = throttle.due()
        assert not set(hashed) & set(hot)
        since = {band: since.get(band, now) for band in hot}
        assert all(now - moment < RULES.duration for moment in since.values())
        now += seconds
        throttle.refreshed([*hashed, *hot], changed | set(hot), now)
        assert sum(throttle.counts().values()) == 7


@given(histories)
def test_each_band_is_looked_at_within_a_few_looks(
    history: list[tuple[set[int], float]],
) -> None:
    throttle, now = Throttle(7, RULES, 0), 0.0
    ages = [0] * 7
    for changed, seconds in history:
        hashed, hot = throttle.due()
        for band in range(7):
            ages[band] = 0 if band in {*hashed, *hot} else ages[band] + 1
        assert max(ages) < COLD_EVERY
        now += seconds
        throttle.refreshed([*hashed, *hot], changed | set(hot), now)


def test_cold_bands_take_turns_until_one_changes() -> None:
    throttle = Throttle(8, RULES, 0)
    throttle.refreshed(range(8), [], 20)
    assert throttle.counts() == {"cold": 8, "normal": 0, "hot": 0}
    looks = [throttle.due()[0] for _ in range(COLD_EVERY)]
    assert sorted(band for look in looks for band in look) == list(range(8))
    throttle.refreshed(looks[-1], looks[-1][:1], 21)
    assert throttle.counts() == {"cold": 0, "normal": 8, "hot": 0}
    assert throttle.due() == (list(range(8)), [])


def looked(selector: PollSelector, *changed: int) -> Selection:
    """Have a selector choose and tell it what changed; returns what it had chosen."""
    choice = selector.select(AREA)
    selector.refreshed(choice, dict.fromkeys(changed, 1), AREA)
    return choice


EVERYTHING = list(range(7))


def hot_selector(rules: Rules) -> PollSelector:
    """Give a selector that has found band 2 hot."""
    selector = PollSelector(BandLayout(100), rules)
    for _ in range(rules.threshold):
        assert looked(selector, 2) == (EVERYTHING, [], {})
    return selector


def test_polling_takes_hot_bands_for_changed() -> None:
    selector = hot_selector(RULES)
    for _ in range(10):
        assert looked(selector) == ([0, 1, 3, 4, 5, 6], [2], {})


@pytest.mark.parametrize("moves", [False, True])
def test_polling_compares_hot_bands_when_their_time_is_up(moves: bool) -> None:
    selector = hot_selector(Rules(threshold=3, duration=0))
    assert looked(selector).unhashed == [2]
    # There is no hash yet to compare with, so that it is found changed in any case.
    assert looked(selector, 2) == (EVERYTHING, [], {})
    assert looked(selector, *([2] if moves else [])).hashed[2:3] == [2]
    assert selector.select(AREA).unhashed == ([2] if moves else [])


def test_polling_looks_everywhere_when_told_so_even_where_it_is_hot() -> None:
    selector = hot_selector(RULES)
    selector.select_all()
    # Until the look is done, as a grab may be done over.
    for _ in range(2):
        choice = selector.select(AREA)
        assert choice == (EVERYTHING, [], {})
    selector.refreshed(choice, {}, AREA)
    assert selector.select(AREA).unhashed == [2]


def expected(server: XServer) -> Pixels:
    return mjpeg.decode(mjpeg.encode(server.pixels()))


def test_polled_screen_comes_to_rest_and_sends_nothing_more() -> None:
    def draw(brush: Painter, number: int) -> None:
        brush.rectangle(0x010203 * number & 0xFFFFFF, 30, 20, 100, 60)

    with (
        xvfb(160, 120, "-extension", "DAMAGE") as server,
        painter(server) as brush,
        webcapd("--display", server.name, "--damage-block-threshold", "3", *RATE) as program,
        mjpeg.stream(program) as stream,
    ):
        brush.noise(1)
        for _ in range(3):
            with moving(server, draw):
                before = program.info()
                for _ in range(60):
                    stream.part()
                after = program.info()
            frames = after["encoder"]["frames"] - before["encoder"]["frames"]
            hashed = after["capture"]["bandsChanged"] - before["capture"]["bandsChanged"]
            # Five bands moved, and for most frames nobody compared them.
            assert hashed < 2 * frames
            # The window that moved is gone, and what was below it was not kept.
            brush.noise(1)
            stream.until(expected(server))
            before = program.info()
            assert before["capture"]["damage"] == "poll"
            looks = before["capture"]["looks"] + 50
            wait_until("fifty looks", lambda: program.info()["capture"]["looks"] > looks)  # noqa: B023
            assert program.info()["encoder"]["frames"] == before["encoder"]["frames"]
            assert np.array_equal(mjpeg.decode(program.snapshot()), expected(server))


def test_first_change_after_a_long_rest_is_shown_wherever_it_is() -> None:
    with (
        xvfb(64, 160, "-extension", "DAMAGE") as server,
        painter(server) as brush,
        webcapd("--display", server.name, "--damage-block-duration", "1", *RATE) as program,
        mjpeg.stream(program) as stream,
    ):
        for band in range(10):
            stream.until(expected(server))
            looks = program.info()["capture"]["looks"] + 10
            wait_until("a rest", lambda: program.info()["capture"]["looks"] > looks)  # noqa: B023
            looked_at = program.info()["capture"]["bandsLookedAt"]
            assert looked_at < 10 * program.info()["capture"]["looks"]
            brush.rectangle(0xFF0000 >> band, band, 16 * band + band, 5, 1)
        stream.until(expected(server))
