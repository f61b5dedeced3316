"""A rectangle that moves goes as video in updates, and whoever lags comes to the same picture."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from test_update_state import ENCODER, MOTION, REST, Follower, check
from updatepictures import film, text
from updatepixels import UpdateError
from updatereader import UpdateReader
from updatevideo import VideoReader

from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.geometry import Rectangle
from webcapd.encoder.consumer import Moment
from webcapd.encoder.h264.codec import H264Error
from webcapd.encoder.h264.slots import VideoSlots
from webcapd.encoder.transform import View
from webcapd.encoder.updates import consumer as consumer_module
from webcapd.encoder.updates import records
from webcapd.encoder.updates.consumer import UpdateConsumer
from webcapd.encoder.updates.making import UpdateFactory
from webcapd.encoder.updates.spec import UpdateSpec, VideoSettings
from webcapd.encoder.updates.state import latest, motion, sent
from webcapd.encoder.updates.state.have import Watching
from webcapd.encoder.updates.video import filming
from webcapd.encoder.updates.video.choice import evened
from webcapd.encoder.updates.video.film import Film

VIDEO = UpdateSpec(video=True)
PLACE = Rectangle(37, 51, 262, 148)
"""Of what moves; its tiles are larger."""
CALM = 0.5
FRAME = 1 / 30


@contextmanager
def own_clock() -> Iterator[SimpleNamespace]:
    """Have a clock that only the test moves."""
    made = SimpleNamespace(now=1000.0)
    made.monotonic = made.time = lambda: made.now
    with pytest.MonkeyPatch.context() as patch:
        for module in (consumer_module, latest, motion, sent):
            patch.setattr(module, "time", made)
        yield made


@pytest.fixture(autouse=True)
def clock() -> Iterator[SimpleNamespace]:
    with own_clock() as made:
        yield made


@dataclass
class Screen:
    """A screen whose pixels the test draws, and its updates with video."""

    clock: SimpleNamespace
    size: tuple[int, int] = (400, 260)
    slots: VideoSlots = field(default_factory=lambda: VideoSlots(1))
    seed: int = 1
    spec: UpdateSpec = VIDEO

    def __post_init__(self) -> None:
        self.generator = np.random.default_rng(self.seed)
        self.pixels = text(self.generator, *self.size[::-1])
        factory = UpdateFactory(
            ENCODER, "420", REST, CALM, lambda: None, VideoSettings(self.slots, 23)
        )
        self.made: UpdateConsumer = factory(self.spec, 0)
        self.film = itertools.cycle(film(self.generator, 190, 290))

    def follower(self, enough: int | None = None) -> Follower:
        return Follower(self.made, enough, reader=VideoReader())

    def move(self, place: Rectangle = PLACE) -> None:
        place.of(self.pixels)[:] = next(self.film)[: place.height, : place.width]

    def type(self, place: Rectangle) -> None:
        place.of(self.pixels)[:] = self.generator.integers(0, 256, 4)

    def feed(
        self,
        is_small: bool = False,
        quality: int = MOTION,
        seconds: float = FRAME,
        outage: str = "",
    ) -> None:
        self.clock.now += seconds
        moment = Moment(self.clock.now, self.clock.now, quality, outage, is_small)
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


def has_key(follower: Follower) -> bool:
    """Tell whether what comes next has a key frame."""
    data = b"".join(one.data for one in follower.made.latest.steps_from(follower.have))
    while data and (data[:1] != b"H" or not data[5]):
        data = data[4 + int.from_bytes(data[1:4], "big") :]
    return bool(data)


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


def test_who_joins_late_does_so_at_a_key_frame_and_those_are_few(clock: SimpleNamespace) -> None:
    screen = Screen(clock)
    first, keys = screen.follower(), list[float]()
    for _ in range(30):
        screen.move()
        screen.feed()
        first.advance()
    late = list[Follower]()
    for frame in range(75):
        if frame % 15 == 0:
            late.append(screen.follower())
        screen.move()
        screen.feed()
        for follower in (first, *late):
            if follower is first and has_key(follower):
                keys.append(clock.now)
            follower.advance()
    assert video_of(first) == PLACE
    # Each came to it within the second; only the last ones may still wait.
    assert all(video_of(follower) == PLACE for follower in late[:-2])
    assert len(keys) <= 4
    assert all(b - a >= 1 for a, b in itertools.pairwise(keys))


def playing(clock: SimpleNamespace, **options: Any) -> tuple[Screen, Follower]:
    """Give a screen and a reader of its video."""
    screen = Screen(clock, **options)
    follower = screen.follower()
    for _ in range(25):
        screen.move()
        screen.feed()
        follower.advance()
    return screen, follower


def test_without_an_encoder_all_goes_as_tiles(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots = VideoSlots(1)
    assert slots.take()
    screen, follower = playing(clock, slots=slots)
    assert screen.made.video_codec == "h264"
    assert video_of(follower) is None
    screen.rest(follower)
    check(screen.made, follower.shown, screen.pixels)
    # Where there never is one, readers are told.
    assert Screen(clock, slots=VideoSlots(0)).made.video_codec is None
    monkeypatch.setattr(filming, "unavailable", lambda: "H.264 needs PyAV, which is not installed")
    assert Screen(clock).made.video_codec is None


def test_another_size_and_a_lost_display_end_a_video(clock: SimpleNamespace) -> None:
    screen, follower = playing(clock)
    assert video_of(follower) == PLACE
    before = screen.pixels
    screen.pixels = np.ascontiguousarray(before[:, :-20])
    for _ in range(3):
        screen.feed()
        follower.advance()
    assert video_of(follower) is None
    assert screen.slots.taken == 0
    for _ in range(25):
        screen.move()
        screen.feed()
        follower.advance()
    assert video_of(follower) == PLACE
    screen.pixels = np.full_like(screen.pixels, 90)
    screen.feed(outage="the display is gone")
    follower.advance()
    assert video_of(follower) is None
    assert screen.slots.taken == 0
    screen.rest(follower)
    check(screen.made, follower.shown, screen.pixels)


def test_video_ends_that_nobody_follows_and_with_its_consumer(clock: SimpleNamespace) -> None:
    screen, follower = playing(clock)
    assert screen.slots.taken == 1
    for _ in range(70):
        screen.move()
        screen.feed()
    assert screen.slots.taken == 0
    screen, follower = playing(clock)
    assert screen.slots.taken == 1
    # Nobody has subscribed: the encoder thread asks each time that it is awake.
    screen.made.demand()
    assert screen.slots.taken == 0
    screen, follower = playing(clock)
    screen.made.close()
    assert screen.slots.taken == 0
    screen.rest(follower)
    check(screen.made, follower.shown, screen.pixels)


def test_readers_come_to_the_picture_though_the_encoder_fails(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    screen, follower = playing(clock)

    def fail(*arguments: object) -> None:
        raise H264Error("x264 failed: no reason")

    monkeypatch.setattr(Film, "shoot", fail)
    for _ in range(4):
        screen.move()
        screen.feed()
        follower.advance()
    assert "x264 failed" in caplog.text
    assert video_of(follower) is None
    assert screen.slots.taken == 0
    screen.rest(follower)
    check(screen.made, follower.shown, screen.pixels)


def test_reader_goes_on_in_another_response_from_what_the_video_showed(
    clock: SimpleNamespace,
) -> None:
    screen, follower = playing(clock)
    reader = follower.reader
    assert follower.have == Watching(reader.sequence, 0)
    reader.begin()
    reader.feed(
        records.hello({"run": screen.made.latest.run, "form": "", "after": reader.sequence})
    )
    again = Follower(screen.made, have=reader.sequence, reader=VideoReader())
    again.reader = reader
    screen.rest(again)
    check(screen.made, again.shown, screen.pixels)


def test_slow_line_has_no_key_frames_made(clock: SimpleNamespace) -> None:
    """It would be told the end of each video it began, and the others would get the bytes, too."""
    screen, follower = playing(clock)
    slow = screen.follower(enough=1500)
    for _ in range(60):
        screen.move()
        screen.feed()
        assert not has_key(follower)
        follower.advance()
        slow.advance()
        assert video_of(slow) is None
    assert video_of(follower) == PLACE
    screen.rest(follower, slow)
    check(screen.made, slow.shown, screen.pixels)


def test_reader_refuses_what_breaks_the_rules_of_a_video() -> None:
    rect, fill = Rectangle(8, 8, 128, 96), records.fill(Rectangle(0, 0, 200, 200), b"abc")
    film, pixels = Film(7, rect, 30, False), np.zeros((200, 200, 4), np.uint8)
    key, _ = film.shoot(pixels, [(0, 96)], 1.0, True)
    delta, _ = film.shoot(pixels, [(0, 96)], 2.0, False)
    begin, end = film.begin, records.video_end(7)
    copy = records.copy(Rectangle(0, 0, 4, 4), 150, 150)
    within = records.copy(Rectangle(150, 150, 4, 4), 20, 20)
    head = records.hello({"run": "", "form": ""}) + records.geometry(200, 200)

    def read(*updates: bytes) -> VideoReader:
        """Read updates, with a mark behind each."""
        reader = VideoReader()
        reader.feed(head)
        for number, update in enumerate((fill, *updates)):
            reader.feed(update + records.mark(number + 1, 0))
        return reader

    began = begin + key
    reader = read(began, delta, copy, fill, end)
    assert not reader.picture[20, 20].any() and reader.picture[150, 150].any()
    assert read(began, end + begin + key).video is not None
    assert read(began, head[-8:] + fill).video is None
    segment = begin[13:]
    wrong: tuple[tuple[bytes, ...], ...] = (
        (begin,),
        (key,),
        (end,),
        (begin + delta,),
        (began + key,),
        (began + copy,),
        (began, fill + end),
        (began, began),
        (began, within),
        (began, within + end),
        (within + began,),
        (began, records.video_end(8)),
        (began, delta + delta),
        (began, delta + records.mark(3, 0, partial=True)),
        (records.video(7, rect._replace(width=127), segment) + key,),
        (records.video(7, rect._replace(x=100), segment) + key,),
        (records.video(7, rect._replace(width=64), segment) + key,),
        (records.video(7, rect, segment[:-9]) + key,),
        (begin + records.video_frame(7, True, key[6:-40]),),
        (begin + records.video_frame(7, False, key[6:]),),
    )
    for updates in wrong:
        with pytest.raises(UpdateError):
            read(*updates)
    with pytest.raises(UpdateError):
        UpdateReader().feed(head + began)


def test_video_goes_where_something_else_goes_on_moving(clock: SimpleNamespace) -> None:
    screen, follower = playing(clock)
    other = Rectangle(161, 20, 150, 100)
    places = set[Rectangle | None]()
    for frame in range(150):
        # First more of it moves, then less.
        screen.move(PLACE.around(other) if frame < 75 else other)
        screen.feed()
        follower.advance()
        places.add(video_of(follower))
        assert cv2.absdiff(follower.shown, screen.pixels[..., :3].copy()).mean() < 8
    # What is left is too little for a video, and all else is to be sharp.
    assert places == {PLACE, evened(PLACE.around(other), screen.size), None}
    assert video_of(follower) is None
    screen.rest(follower)
    check(screen.made, follower.shown, screen.pixels)


@pytest.mark.parametrize(
    "view", [View(scale=0.9), View(quarter_turns=1, crop=Rectangle(3, 30, 199, 333))], ids=str
)
def test_forms_of_the_screen_have_videos_of_their_own(clock: SimpleNamespace, view: View) -> None:
    screen = Screen(clock, spec=UpdateSpec(view, video=True))
    plain = Screen(clock, spec=UpdateSpec(view))
    follower, beside = screen.follower(), plain.follower()
    for _ in range(40):
        screen.move()
        plain.pixels = screen.pixels
        screen.feed()
        plain.feed(seconds=0.0)
        follower.advance()
        beside.advance()
    assert video_of(follower) is not None
    assert video_of(beside) is None
    error = cv2.absdiff(follower.shown, beside.shown)
    assert 0 < error.mean() < 12
    screen.rest(follower)
    plain.rest(beside)
    assert cv2.absdiff(follower.shown, beside.shown).mean() < 0.2


def test_readers_that_ask_in_any_order_get_what_each_lacks(clock: SimpleNamespace) -> None:
    screen, first = playing(clock)
    followers = [first, screen.follower(), screen.follower()]
    for _ in range(35):
        screen.move()
        screen.feed()
        for follower in followers:
            follower.advance()
    assert all(map(video_of, followers))
    # They fall behind one after the other, and something else changes beside for good each time.
    for behind in range(1, 4):
        screen.type(Rectangle(330, 60 * behind, 40, 9))
        for _ in range(25):
            screen.move()
            screen.feed()
            for follower in followers[behind:]:
                follower.advance()
    for _ in range(3):
        for follower in reversed(followers):
            follower.advance()
        screen.move()
        screen.feed()
    screen.rest(*followers)
    for follower in followers:
        check(screen.made, follower.shown, screen.pixels)


def test_a_small_change_in_a_video_that_ends_just_then_is_shown(clock: SimpleNamespace) -> None:
    screen, follower = playing(clock)
    screen.feed(seconds=CALM - 0.04)
    follower.advance()
    screen.type(PLACE._replace(height=40))
    screen.feed(is_small=True, seconds=0.001)
    follower.advance()
    assert video_of(follower)
    screen.feed(seconds=0.05)
    follower.advance()
    assert not video_of(follower)
    screen.rest(follower)
    check(screen.made, follower.shown, screen.pixels)


def test_a_form_that_is_dropped_takes_no_encoder_any_more(clock: SimpleNamespace) -> None:
    screen = Screen(clock)
    screen.made.close()
    # The encoder thread may be at it just then.
    for _ in range(25):
        screen.move()
        screen.feed()
        assert not screen.slots.taken
