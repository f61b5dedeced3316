"""A rectangle that moves goes as video in updates, and whoever lags comes to the same picture."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_update_state import ENCODER, MOTION, REST, Follower, check
from updatepictures import film, text
from updatevideo import VideoReader

from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.geometry import Rectangle
from webcapd.encoder.consumer import Moment
from webcapd.encoder.h264.slots import VideoSlots
from webcapd.encoder.updates import consumer as consumer_module
from webcapd.encoder.updates.consumer import UpdateConsumer
from webcapd.encoder.updates.making import UpdateFactory
from webcapd.encoder.updates.spec import UpdateSpec, VideoSettings
from webcapd.encoder.updates.state import latest, motion, sent

VIDEO = UpdateSpec(video=True)
PLACE = Rectangle(37, 51, 262, 148)
"""Of what moves; its tiles are larger."""
CALM = 0.5
FRAME = 1 / 30


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Have a clock that only the test moves."""
    made = SimpleNamespace(now=1000.0)
    made.monotonic = made.time = lambda: made.now
    for module in (consumer_module, latest, motion, sent):
        monkeypatch.setattr(module, "time", made)
    yield made


@dataclass
class Screen:
    """A screen whose pixels the test draws, and its updates with video."""

    clock: SimpleNamespace
    size: tuple[int, int] = (400, 260)
    slots: VideoSlots = field(default_factory=lambda: VideoSlots(1))
    seed: int = 1

    def __post_init__(self) -> None:
        self.generator = np.random.default_rng(self.seed)
        self.pixels = text(self.generator, *self.size[::-1])
        factory = UpdateFactory(
            ENCODER, "420", REST, CALM, lambda: None, VideoSettings(self.slots, 23)
        )
        self.made: UpdateConsumer = factory(VIDEO, 0)
        self.film = itertools.cycle(film(self.generator, 150, 290))

    def follower(self, enough: int | None = None) -> Follower:
        return Follower(self.made, enough, reader=VideoReader())

    def move(self, place: Rectangle = PLACE) -> None:
        place.of(self.pixels)[:] = next(self.film)[: place.height, : place.width]

    def type(self, place: Rectangle) -> None:
        place.of(self.pixels)[:] = self.generator.integers(0, 256, 4)

    def feed(self, is_small: bool = False, quality: int = MOTION, seconds: float = FRAME) -> None:
        self.clock.now += seconds
        moment = Moment(self.clock.now, self.clock.now, quality, "", is_small)
        self.made.feed(FrameBuffer.of_pixels(self.pixels), moment)

    def rest(self, *followers: Follower) -> None:
        """Let all come to rest, and all readers to that."""
        calm = 0
        for _ in range(300):
            self.feed(quality=REST, seconds=0.1)
            sizes = [follower.advance() for follower in followers]
            calm = 0 if any(sizes) else calm + 1
            if calm > 10 * CALM + 2:
                return
        pytest.fail("they do not come to rest")


def video_of(follower: Follower) -> Rectangle | None:
    assert isinstance(follower.reader, VideoReader)
    return Rectangle(*follower.reader.video.rect) if follower.reader.video else None


def test_what_moves_for_half_a_second_is_a_video_and_at_rest_the_same_as_without(
    clock: SimpleNamespace,
) -> None:
    screen = Screen(clock)
    follower = screen.follower()
    follower.advance()
    screen.feed()
    follower.advance()
    jpeg, video, began = list[int](), list[int](), 0.0
    start = clock.now
    for frame in range(70):
        screen.move()
        screen.feed()
        size = follower.advance()
        if video_of(follower) is None:
            assert not video
            jpeg.append(size)
        else:
            began = began or clock.now - start
            video.append(size)
        error = cv2.absdiff(follower.shown, np.ascontiguousarray(screen.pixels[..., :3]))
        beside = error.copy()
        PLACE.of(beside)[:] = 0
        # What lies in the same tiles was JPEG, and is exact when it has rested.
        assert not beside.any() or frame < 50
        assert PLACE.of(error).mean() < 8
    assert 0.3 < began < 0.8
    assert video_of(follower) == PLACE
    assert np.median(video) < np.median(jpeg) / 2
    screen.rest(follower)
    assert video_of(follower) is None
    assert screen.slots.taken == 0
    check(screen.made, follower.shown, screen.pixels)


@settings(deadline=None, max_examples=3)
@given(st.integers(0, 1 << 30))
def test_readers_that_lag_or_join_late_come_to_the_picture(seed: int) -> None:
    clock = SimpleNamespace(now=1000.0)
    clock.monotonic = clock.time = lambda: clock.now
    with pytest.MonkeyPatch.context() as patch:
        for module in (consumer_module, latest, motion, sent):
            patch.setattr(module, "time", clock)
        screen = Screen(clock, seed=seed)
        generator = screen.generator
        sizes = (None, None, 3000, 20_000)
        followers = [screen.follower(enough) for enough in sizes]
        joined = set[int]()
        for frame in range(90):
            if frame < 60 or frame > 75:
                screen.move(PLACE if frame < 40 else PLACE._replace(x=101, width=290))
            if generator.random() < 0.3:
                x, y = generator.integers(0, 390), generator.integers(0, 250)
                screen.type(Rectangle(int(x), int(y), 9, 9))
            screen.feed(is_small=bool(generator.random() < 0.2))
            if frame == 30:
                followers.append(screen.follower())
            for number, follower in enumerate(followers):
                if number in (0, 4) or generator.random() < 0.6:
                    follower.advance()
                if video_of(follower):
                    joined.add(number)
        assert {0, 1, 4} <= joined
        screen.rest(*followers)
        for follower in followers:
            assert follower.have == screen.made.sequence
            check(screen.made, follower.shown, screen.pixels)


def test_who_joins_late_does_so_at_a_key_frame_and_those_are_few(clock: SimpleNamespace) -> None:
    screen = Screen(clock)
    first, keys = screen.follower(), list[float]()
    for _ in range(30):
        screen.move()
        screen.feed()
        first.advance()
    late = list[Follower]()
    for frame in range(90):
        if frame % 9 == 0:
            late.append(screen.follower())
        screen.move()
        screen.feed()
        for follower in (first, *late):
            data = b"".join(one.data for one in screen.made.latest.steps_from(follower.have))
            if follower is first and b"avcC" not in data and b"\x01\0\0\0\x68moof" in data:
                keys.append(clock.now)
            follower.advance()
    assert video_of(first) == PLACE
    # Each came to it within the second; only the last ones may still wait.
    assert all(video_of(follower) == PLACE for follower in late[:-4])
    assert len(keys) <= 4
    assert all(b - a >= 1 for a, b in itertools.pairwise(keys))
