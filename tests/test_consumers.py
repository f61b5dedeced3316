"""Whoever is fed by the encoder thread is fed what it demands, and nobody else's harm."""

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from program import TIMEOUT
from waiting import wait_until

from webcapd.base.pace import Pace
from webcapd.base.waker import Waker
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.overlay import SpriteImage
from webcapd.capture.picture import Picture
from webcapd.capture.pixelformat import BGRX
from webcapd.capture.source import Descriptors, SourceStatus
from webcapd.encoder.consumer import NO_DEMAND, Consumers, Demand, Moment
from webcapd.encoder.loop import Encoder
from webcapd.encoder.options import EncoderOptions


class Counter:
    """A consumer that notes what it is fed."""

    def __init__(self, takes_pointer: bool, demand: Demand) -> None:
        self.takes_pointer = takes_pointer
        self.pace, self.behind = Pace(), True
        self.wanted = demand
        self.fed: list[tuple[bool, int, Moment]] = []
        """Whether there was a pointer apart, the sum of all pixels, and the moment."""
        self.closed = False
        self.on_feed: Callable[[], None] = lambda: None

    def demand(self) -> Demand:
        return self.wanted

    def feed(self, picture: Picture, moment: Moment) -> None:
        self.fed.append((picture.pointer is not None, int(picture.pixels.sum()), moment))
        self.on_feed()

    def expire(self) -> None: ...

    def close(self) -> None:
        self.closed = True


FOLLOWS = Demand(math.inf, False, -math.inf)


class Still:
    """A source whose screen is white all over, with a black pointer, and rests."""

    name = "still"

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

    def refresh(self) -> list[int]:
        black = np.zeros((4, 4, 4), np.uint8)
        black[:, :, 3] = 255
        self.frame_buffer.set_pointer(SpriteImage(black).at(10, 10))
        return list(self.frame_buffer.rehash(range(4)))


@pytest.fixture
def encoder() -> Iterator[Encoder]:
    failures: list[Exception] = []
    encoder = Encoder(Still(), EncoderOptions(), lambda: None, failures.append)
    encoder.start()
    yield encoder
    encoder.stop()
    assert encoder.join(TIMEOUT)
    encoder.close()
    assert failures == []


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
