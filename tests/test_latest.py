"""The one-slot cell, with real threads that meet in it."""

import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from program import TIMEOUT

from webcapd.encoder.cell import Closed
from webcapd.encoder.frame import Frame, LatestFrame

# Longer than a test waits: whoever is not woken is found out.
FOREVER = 2 * TIMEOUT


def frame(sequence: int) -> Frame:
    return Frame(sequence, b"jpeg", "image/jpeg", 8, 8, 75, 0.0, 0.0)


def fresh(latest: LatestFrame, timeout: float) -> Frame | None:
    """Wait for the screen as it is now."""
    return latest.wait(timeout, as_of=latest.request_fresh())


class Bell:
    """Stands in for the encoder's wake-up call."""

    def __init__(self) -> None:
        self.rings = threading.Semaphore(0)

    def __call__(self) -> None:
        self.rings.release()

    def wait(self) -> None:
        assert self.rings.acquire(timeout=TIMEOUT)


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def latest(bell: Bell) -> LatestFrame:
    return LatestFrame(bell)


@pytest.fixture
def pool(latest: LatestFrame) -> Iterator[ThreadPoolExecutor]:
    """Give threads; a test that fails leaves none of them waiting."""
    with ThreadPoolExecutor(16) as pool:
        yield pool
        latest.close()


def test_newest_frame_wins(latest: LatestFrame) -> None:
    for sequence in (1, 2, 3):
        latest.publish(frame(sequence), as_of=0)
    assert latest.wait(0, after=0) == frame(3)
    assert latest.wait(0, after=1) == frame(3)


def test_frame_already_seen_is_not_newer(latest: LatestFrame) -> None:
    assert latest.wait(0, after=0) is None
    latest.publish(frame(1), as_of=0)
    assert latest.wait(0, after=1) is None


def test_confirmed_frame_is_not_newer(latest: LatestFrame) -> None:
    latest.publish(frame(1), as_of=0)
    latest.confirm(as_of=time.monotonic())
    assert latest.wait(0, after=1) is None


def test_newer_comes_when_it_is_published(latest: LatestFrame, pool: ThreadPoolExecutor) -> None:
    """Each of many waiters gets each frame, however publishing and waiting interleave."""
    for sequence in range(1, 50):
        waiting = [pool.submit(latest.wait, FOREVER, sequence - 1) for _ in range(4)]
        latest.publish(frame(sequence), as_of=0)
        assert [future.result(TIMEOUT) for future in waiting] == [frame(sequence)] * 4


def test_every_taker_sees_ascending_frames_and_the_last(
    latest: LatestFrame, pool: ThreadPoolExecutor
) -> None:
    last = 2000

    def take() -> list[int]:
        seen = [0]
        while seen[-1] != last:
            taken = latest.wait(FOREVER, after=seen[-1])
            assert taken is not None
            seen.append(taken.sequence)
        return seen

    takers = [pool.submit(take) for _ in range(4)]
    for sequence in range(1, last + 1):
        latest.publish(frame(sequence), as_of=0)
    for taker in takers:
        seen = taker.result(TIMEOUT)
        assert seen == sorted(set(seen))


def test_fresh_is_none_when_time_is_up(latest: LatestFrame) -> None:
    assert fresh(latest, 0) is None
    latest.publish(frame(1), as_of=time.monotonic())
    assert fresh(latest, 0) is None


def test_fresh_takes_a_screen_seen_after_the_call(
    latest: LatestFrame, bell: Bell, pool: ThreadPoolExecutor
) -> None:
    before = time.monotonic()
    latest.publish(frame(1), as_of=before)
    waiting: Future[Frame | None] = pool.submit(fresh, latest, FOREVER)
    bell.wait()
    # It waits, or is about to: this frame is from before the call.
    latest.publish(frame(2), as_of=before)
    assert latest.demand()[:2] == (0, True)
    latest.publish(frame(3), as_of=time.monotonic())
    assert waiting.result(TIMEOUT) == frame(3)
    assert latest.demand()[:2] == (0, False)


def test_confirming_the_frame_makes_it_fresh(
    latest: LatestFrame, bell: Bell, pool: ThreadPoolExecutor
) -> None:
    latest.publish(frame(1), as_of=0)
    waiting = [pool.submit(fresh, latest, FOREVER) for _ in range(3)]
    for _ in waiting:
        bell.wait()
    latest.confirm(as_of=0)
    assert latest.demand()[:2] == (0, True)
    latest.confirm(as_of=time.monotonic())
    assert [future.result(TIMEOUT) for future in waiting] == [frame(1)] * 3


def test_fresh_wants_a_look_even_if_nobody_follows(latest: LatestFrame, bell: Bell) -> None:
    latest.publish(frame(1), as_of=time.monotonic())
    assert latest.demand()[:2] == (0, False)
    fresh(latest, 0)
    bell.wait()
    assert latest.demand()[:2] == (0, True)


def test_close_wakes_everybody(latest: LatestFrame, bell: Bell, pool: ThreadPoolExecutor) -> None:
    latest.publish(frame(1), as_of=0)
    waiting = [pool.submit(latest.wait, FOREVER, 1) for _ in range(4)]
    waiting += [pool.submit(fresh, latest, FOREVER) for _ in range(4)]
    for _ in range(4):
        bell.wait()
    latest.close()
    for future in waiting:
        with pytest.raises(Closed):
            future.result(TIMEOUT)


def test_nothing_is_given_after_close(latest: LatestFrame) -> None:
    latest.publish(frame(1), as_of=time.monotonic() + TIMEOUT)
    latest.close()
    with pytest.raises(Closed):
        latest.wait(0, after=0)
    with pytest.raises(Closed):
        fresh(latest, 0)


def test_demand_lasts_until_the_last_subscriber_leaves(latest: LatestFrame, bell: Bell) -> None:
    assert latest.demand()[:2] == (0, False)
    with latest.subscribed():
        bell.wait()
        with latest.subscribed():
            bell.wait()
            assert latest.demand()[:2] == (math.inf, False)
        assert latest.demand()[:2] == (math.inf, False)
    assert latest.demand()[:2] == (0, False)


def test_fastest_subscriber_sets_the_demand(latest: LatestFrame) -> None:
    with latest.subscribed(5):
        with latest.subscribed(20):
            assert latest.demand().fps == 20
        assert latest.demand().fps == 5


def test_subscriber_that_fails_is_counted_out(latest: LatestFrame) -> None:
    with pytest.raises(BrokenPipeError), latest.subscribed():
        raise BrokenPipeError
    assert latest.demand()[:2] == (0, False)


def test_subscribers_of_many_threads_are_counted(
    latest: LatestFrame, pool: ThreadPoolExecutor
) -> None:
    everybody = threading.Barrier(9)

    def subscribe() -> None:
        for _ in range(20):
            with latest.subscribed():
                everybody.wait(TIMEOUT)
                everybody.wait(TIMEOUT)
            everybody.wait(TIMEOUT)
            everybody.wait(TIMEOUT)

    subscribers = [pool.submit(subscribe) for _ in range(8)]
    for _ in range(20):
        for expected in (math.inf, 0):
            everybody.wait(TIMEOUT)
            assert latest.demand()[:2] == (expected, False)
            everybody.wait(TIMEOUT)
    for subscriber in subscribers:
        subscriber.result(TIMEOUT)


def test_listener_hears_of_frames_of_awaited_confirmation_and_of_the_end(
    latest: LatestFrame,
) -> None:
    heard: list[str] = []
    latest.listen(ring := lambda: heard.append("news"))
    latest.publish(frame(1), time.monotonic())
    assert len(heard) == 1
    latest.confirm(time.monotonic())
    assert len(heard) == 1, "nobody had asked"
    moment = latest.request_fresh()
    latest.confirm(moment)
    assert len(heard) == 2
    latest.unlisten(ring)
    latest.publish(frame(2), time.monotonic())
    assert len(heard) == 2
    latest.listen(ring)
    latest.close()
    assert len(heard) == 3


def test_what_is_known_says_as_of_when_it_is_true(latest: LatestFrame) -> None:
    assert latest.poll() == (None, -math.inf)
    latest.publish(frame(1), 5.0)
    assert latest.poll() == (frame(1), 5.0)
    moment = latest.request_fresh()
    assert latest.demand().awaited
    latest.confirm(moment)
    assert latest.poll() == (frame(1), moment)
    latest.close()
    with pytest.raises(Closed):
        latest.poll()


def test_subscriber_that_has_got_a_frame_wants_the_next_when_its_time_comes(
    latest: LatestFrame,
) -> None:
    assert latest.demand().due == math.inf
    with latest.subscribed(0.01) as slow:
        # The first is wanted at once.
        assert latest.demand().due < time.monotonic()
        latest.publish(frame(1), as_of=0)
        assert latest.demand().due > time.monotonic() + 50
        with latest.subscribed():
            assert latest.demand().due < time.monotonic()
            latest.publish(frame(2), as_of=0)
            assert latest.demand().due <= time.monotonic()
        # What the other one got does not put it off for longer.
        assert slow.due < time.monotonic() + 101
        # The subscriber knows better when it was sent.
        slow.due = 7.0
        assert latest.demand().due == 7.0
    assert latest.demand().due == math.inf
