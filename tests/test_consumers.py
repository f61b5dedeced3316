"""Whoever is fed by the encoder thread is fed what it demands, and nobody else's harm."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from program import TIMEOUT
from waiting import wait_until

from webcapd.base.pace import CREDIT, Pace
from webcapd.base.waker import Waker
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.overlay import SpriteImage
from webcapd.capture.picture import Picture
from webcapd.capture.pixelformat import BGRX
from webcapd.capture.source import Descriptors, Source, SourceStatus
from webcapd.encoder.consumer import NO_DEMAND, Consumers, Demand, Moment
from webcapd.encoder.loop import Encoder
from webcapd.encoder.options import EncoderOptions


class Counter:
    """A consumer that notes what it is fed."""

    def __init__(self, takes_pointer: bool, demand: Demand, takes_small: bool = False) -> None:
        self.takes_pointer, self.takes_small = takes_pointer, takes_small
        self.pace, self.behind = Pace(), True
        self.wanted = demand
        self.fed: list[tuple[bool, int, Moment]] = []
        """Whether there was a pointer apart, the sum of all pixels, and the moment."""
        self.closed = False
        self.on_feed: Callable[[], None] = lambda: None

    def demand(self) -> Demand:
        return self.wanted

    def feed(self, picture: Picture, moment: Moment) -> None:
        # First: who waits for what it notes may set what is to be done at the next one.
        self.on_feed()
        self.fed.append((picture.pointer is not None, int(picture.pixels.sum()), moment))

    def expire(self) -> None: ...

    def close(self) -> None:
        self.closed = True


FOLLOWS = Demand(math.inf, False, -math.inf)


class Still:
    """A source whose screen is white all over, with a black pointer, and rests."""

    name = "still"
    size = 64, 64

    def __init__(self) -> None:
        self.frame_buffer = FrameBuffer(np.full((64, 256), 255, np.uint8), 64, BGRX)
        self._never = Waker()

    def open(self, progress: Callable[[], None]) -> None: ...
    def close(self) -> None:
        self._never.close()

    def interrupt(self) -> None: ...
    def set_watched(self, fps: float) -> None: ...
    def dispose(self) -> None: ...
    def comeback(self) -> None: ...

    def may_be_back(self) -> bool:
        return False

    def descriptors(self) -> Descriptors:
        return Descriptors(self._never.fileno(), None)

    def pending(self, poll: bool = False) -> bool:
        return False

    def seconds_until_poll(self) -> float:
        return math.inf

    def seconds_until_due(self) -> float:
        return math.inf

    def status(self) -> SourceStatus:
        return SourceStatus("still", None, {}, None)

    def refresh_small(self) -> list[int]:
        return []

    def refresh(self) -> list[int]:
        black = np.zeros((4, 4, 4), np.uint8)
        black[:, :, 3] = 255
        self.frame_buffer.set_pointer(SpriteImage(black).at(10, 10))
        return list(self.frame_buffer.rehash(range(4)))


class Moving(Still):
    """A source where something moves all the time, and now and then something small changes."""

    def __init__(self) -> None:
        super().__init__()
        self._news = Waker()
        self._frames = 0
        self.small = 0
        """Small changes that wait to be seen; written by the test's thread, too."""

    def change(self) -> None:
        self.small += 1
        self._news.wake()

    def close(self) -> None:
        super().close()
        self._news.close()

    def descriptors(self) -> Descriptors:
        return Descriptors(self._news.fileno(), None, self._news.fileno())

    def pending(self, poll: bool = False) -> bool:
        self._news.clear()
        return True

    def refresh(self) -> list[int]:
        self._frames += 1
        self.frame_buffer.raw[32:] = self._frames
        return list(self.frame_buffer.rehash(range(4)))

    def refresh_small(self) -> list[int]:
        if not self.small:
            return []
        self.small -= 1
        self.frame_buffer.raw[:16] += 1
        return list(self.frame_buffer.rehash([0]))


@contextmanager
def encoding(source: Source, options: EncoderOptions) -> Iterator[Encoder]:
    failures: list[Exception] = []
    encoder = Encoder(source, options, lambda: None, failures.append)
    encoder.start()
    yield encoder
    encoder.stop()
    assert encoder.join(TIMEOUT)
    encoder.close()
    assert failures == []


@pytest.fixture
def encoder() -> Iterator[Encoder]:
    with encoding(Still(), EncoderOptions()) as encoder:
        yield encoder


WHITE = 64 * 64 * 4 * 255
POINTED = WHITE - 16 * 3 * 255


def test_each_gets_the_picture_with_or_without_the_pointer(encoder: Encoder) -> None:
    apart, whole = Counter(False, FOLLOWS), Counter(True, FOLLOWS)
    for consumer in (apart, whole):
        encoder.consumers.add(consumer)
    encoder.wake()
    wait_until("both are fed", lambda: apart.fed and whole.fed)
    assert apart.fed[0][:2] == (True, WHITE)
    assert whole.fed[0][:2] == (False, POINTED)


def test_consumer_is_fed_again_when_it_asks_though_nothing_is_new(encoder: Encoder) -> None:
    still, asking = Counter(True, FOLLOWS), Counter(False, NO_DEMAND)
    for consumer in (still, asking):
        encoder.consumers.add(consumer)
    encoder.wake()
    wait_until("it is fed", lambda: still.fed)
    fed = len(still.fed)
    for number in range(3):
        assert len(asking.fed) == number

        def rest() -> None:
            asking.wanted = NO_DEMAND

        asking.on_feed = rest
        asking.wanted = NO_DEMAND._replace(again=time.monotonic() + 0.01)
        encoder.wake()
        wait_until("it is fed again", lambda: len(asking.fed) > number)  # noqa: B023
    assert len(asking.fed) == 3
    # Nobody but who asks: only the one that is due beside it.
    assert len(still.fed) <= fed + 3


def test_small_change_is_fed_ahead_of_the_turn_and_only_to_who_takes_it() -> None:
    whole, apart = Counter(False, FOLLOWS), Counter(False, FOLLOWS, takes_small=True)
    moving = Moving()
    # A turn is longer than the test.
    with encoding(moving, EncoderOptions(target_fps=0.5 / TIMEOUT)) as encoder:
        for consumer in (whole, apart):
            encoder.consumers.add(consumer)
        encoder.wake()
        wait_until("all the credit is used", lambda: len(apart.fed) == len(whole.fed) == CREDIT)
        before = apart.fed[-1]
        for number in range(1, CREDIT + 1):
            moving.change()
            wait_until("it is fed", lambda: len(apart.fed) == CREDIT + number)  # noqa: B023
        assert len(whole.fed) == CREDIT
        for _, pixels, moment in apart.fed[CREDIT:]:
            assert pixels != before[1]
            assert moment.is_small and moment.captured > before[2].captured
            # Nobody may take it for the whole screen as of then.
            assert moment.as_of == before[2].as_of
        # All that moves is paced, small or not.
        moving.change()
        encoder.consumers.remove(apart)
        assert len(apart.fed) == 2 * CREDIT


def test_with_encodewait_a_small_change_waits_for_its_turn() -> None:
    apart, moving = Counter(False, FOLLOWS, takes_small=True), Moving()
    options = EncoderOptions(encodewait=2 * TIMEOUT)
    with encoding(moving, options) as encoder:
        encoder.consumers.add(apart)
        encoder.wake()
        wait_until("it is fed", lambda: apart.fed)
        asking = Counter(False, NO_DEMAND._replace(again=time.monotonic()))
        moving.change()
        encoder.consumers.add(asking)
        encoder.wake()
        wait_until("the thread came by", lambda: asking.fed)
        assert len(apart.fed) == 1 and moving.small == 1


def test_consumer_that_fails_is_removed_and_closed_and_the_rest_goes_on(encoder: Encoder) -> None:
    def fail() -> None:
        raise ValueError("a consumer that fails")

    failing, other = Counter(False, FOLLOWS), Counter(False, FOLLOWS)
    failing.on_feed = fail
    encoder.consumers.add(failing)
    encoder.consumers.add(other)
    encoder.wake()
    wait_until("the other one is fed", lambda: other.fed)
    assert encoder.consumers.listed() == (other,)
    assert failing.closed and not other.closed


def test_consumers_come_and_go_and_all_are_closed() -> None:
    consumers = Consumers()
    one, two, late = (Counter(False, NO_DEMAND) for _ in range(3))
    consumers.add(one)
    consumers.add(two, needed=True)
    assert consumers.listed() == (one, two)
    assert consumers.is_needed(two) and not consumers.is_needed(one)
    consumers.remove(one)
    consumers.remove(one)
    assert one.closed and one not in consumers and two in consumers
    consumers.close()
    consumers.add(late)
    assert two.closed and late.closed
