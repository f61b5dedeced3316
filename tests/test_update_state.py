"""The consumer of updates and its cell: whatever readers have, they come to the newest state."""

import gc
import math
import time
import tracemalloc
import weakref
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from updatepictures import draw, photograph, text
from updatereader import UpdateReader

from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.geometry import Rectangle
from webcapd.capture.overlay import SpriteImage
from webcapd.encoder.consumer import Moment
from webcapd.encoder.jpeg.tiles import TileEncoder
from webcapd.encoder.transform import TransformedPicture, View
from webcapd.encoder.updates import records
from webcapd.encoder.updates.consumer import UpdateConsumer
from webcapd.encoder.updates.jpegpack import TileBlock
from webcapd.encoder.updates.making import UpdateFactory
from webcapd.encoder.updates.pixels import Pixels
from webcapd.encoder.updates.spec import UpdateSpec
from webcapd.encoder.updates.state.have import Have
from webcapd.encoder.updates.state.latest import Known, LatestUpdates, Update
from webcapd.encoder.updates.state.pointing import placed, seen
from webcapd.encoder.updates.state.sent import EXACT
from webcapd.http.streaming.updatestream import Speech

seeds = st.integers(0, 1 << 30)
sizes = st.tuples(st.integers(1, 400), st.integers(1, 200))
PLAIN = UpdateSpec()
ENCODER = TileEncoder(0)
REST, MOTION = 90, 60


def consumer(
    spec: UpdateSpec = PLAIN, subsampling: str = "420", calm: float = 0.0
) -> UpdateConsumer:
    make = UpdateFactory(ENCODER, subsampling, REST, calm, lambda: None)
    return make(spec, 0)


def feed(
    made: UpdateConsumer,
    pixels: Pixels,
    quality: int = REST,
    outage: str = "",
    is_small: bool = False,
) -> None:
    picture = FrameBuffer.of_pixels(pixels)
    made.feed(picture, Moment(time.time(), time.monotonic(), quality, outage, is_small))


@dataclass
class Follower:
    """What a connection does: sends a reader what leads on from what it has."""

    made: UpdateConsumer
    enough: int | None = None
    have: Have = None
    headers: set[int] = field(default_factory=set)
    reader: UpdateReader = field(default_factory=UpdateReader)

    def __post_init__(self) -> None:
        self.reader.feed(records.hello({"run": self.made.latest.run, "form": ""}))

    def advance(self) -> int:
        """Take what there is; gives how many bytes that was."""
        size = 0
        for update in self.made.latest.steps_from(self.have, self.enough):
            assert update.have == self.have
            for quality in update.qualities - self.headers:
                self.reader.feed(self.made.latest.header(quality))
            self.headers |= update.qualities
            self.reader.feed(update.data)
            self.have = update.gives
            size += len(update.data)
        return size

    @property
    def shown(self) -> Pixels:
        return np.ascontiguousarray(self.reader.picture[..., ::-1])


def grey(pixels: Pixels) -> Pixels:
    return cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_BGRA2GRAY), cv2.COLOR_GRAY2BGRA).astype(
        np.uint8
    )


def as_jpeg(pixels: Pixels) -> Pixels:
    """Give what JPEG of rest quality and half the colours makes of pixels."""
    coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, REST])[1]
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded.astype(np.uint8)


def check(made: UpdateConsumer, shown: Pixels, pixels: Pixels) -> None:
    """See that all is exact that is meant to be, and the rest as JPEG makes it."""
    sent = made.sent
    assert sent is not None
    assert shown.shape == pixels[..., :3].shape
    whole = as_jpeg(np.ascontiguousarray(pixels[..., :3]))
    for row, column in np.ndindex(*sent.grid.shape):
        part = sent.grid.rect(TileBlock(row, row, column, column))
        wanted = np.ascontiguousarray(part.of(pixels)[..., :3])
        error = cv2.absdiff(part.of(shown), wanted)
        if sent.qualities[row, column] == EXACT:
            assert not error.any()
        else:
            assert sent.qualities[row, column] >= REST
            # Alone or with what is beside it, whose colours decoders mix in at the edge.
            references = as_jpeg(wanted), np.ascontiguousarray(part.of(whole))
            worst = max(cv2.absdiff(one, wanted).mean() for one in references)
            assert error.mean() <= 1.2 * worst + 4


@settings(deadline=None, max_examples=60)
@given(sizes, seeds, st.sampled_from(["420", "422", "444", "gray"]))
def test_readers_that_lag_come_to_the_picture(
    size: tuple[int, int], seed: int, subsampling: str
) -> None:
    generator = np.random.default_rng(seed)
    pixels = text(generator, size[1], size[0])
    made = consumer(UpdateSpec(View(gray=subsampling == "gray")), subsampling)
    followers = [Follower(made, enough) for enough in (None, None, 200, 2000)]
    for _ in range(12):
        if generator.random() < 0.1:
            pixels = text(generator, *generator.integers(1, 200, 2))
        for _ in range(generator.integers(0, 3)):
            draw(generator, pixels)
        feed(made, pixels, int(generator.choice([REST, MOTION])))
        for follower in followers:
            if generator.random() < 0.5:
                follower.advance()
    for _ in range(300):
        if not any([follower.advance() for follower in followers]) and not made.latest.wanted():
            break
        feed(made, pixels)
    # What had been sent in motion is sent again; calm is no time at all here.
    for _ in range(40):
        feed(made, pixels)
        for follower in followers:
            follower.advance()
    for _ in range(300):
        if not any([follower.advance() for follower in followers]) and not made.latest.wanted():
            break
        feed(made, pixels)
    wanted = grey(pixels) if subsampling == "gray" else pixels
    for follower in followers:
        assert follower.have == made.sequence == follower.reader.sequence
        assert follower.reader.whole
        check(made, follower.shown, wanted)
    assert made.demand().again == math.inf


@settings(deadline=None, max_examples=12)
@given(seeds, st.integers(0, 2))
def test_small_changes_go_ahead_of_what_moves(seed: int, columns: int) -> None:
    """What moves is not in their updates, and after each a reader shows what was looked at."""
    generator = np.random.default_rng(seed)
    screen = text(generator, 160, 768)
    moving = Rectangle(384, 16, 384, 144)
    looked_at = screen.copy()
    made = consumer(calm=math.inf)
    in_step, lags = Follower(made), Follower(made)
    for number in range(24):
        moving.of(screen)[:] = photograph(generator, moving.height, moving.width)
        is_small = number > 8 and generator.random() < 0.6
        if is_small:
            x, y = generator.integers(0, 240), generator.integers(0, 140)
            screen[y : y + 16, x : x + 8, :3] = generator.integers(0, 2) * 255
            # Bands are read as wide as the screen; some of these tiles may move.
            top, right = y // 16 * 16, 384 + 128 * columns
            looked_at[top : top + 32, :right] = screen[top : top + 32, :right]
        else:
            looked_at[:] = screen
        before, wanted = made.sequence, made.latest.wanted()
        feed(made, looked_at, MOTION, is_small=is_small)
        size = in_step.advance()
        if is_small:
            assert columns or size < 4000
            assert made.sequence <= before + 1
            # Those who lack more have their turn with all that moves.
            assert set(wanted) <= set(made.latest.wanted())
        if generator.random() < 0.2:
            lags.advance()
        if number > 1:
            assert in_step.have == made.sequence
            shown = np.ascontiguousarray(looked_at[..., :3])
            assert not cv2.absdiff(in_step.shown, shown)[:, :256].any()
            assert cv2.absdiff(in_step.shown, shown).mean() < 40
    for _ in range(3):
        feed(made, screen, MOTION)
        lags.advance()
    assert lags.have == made.sequence
    assert not cv2.absdiff(lags.shown, np.ascontiguousarray(screen[..., :3]))[:, :256].any()


def test_reader_gets_what_a_small_update_came_just_behind_without_asking() -> None:
    """However large that is: with both he has what one made for him would have."""
    generator = np.random.default_rng(1)
    made = consumer()
    follower = Follower(made)
    follower.advance()
    pixels = photograph(generator, 320, 960)
    feed(made, pixels)
    follower.advance()
    for _ in range(2):
        pixels = photograph(generator, 320, 960)
        feed(made, pixels)
        for x in (10, 100):
            pixels[10:20, x : x + 8] = 255
            feed(made, pixels, is_small=True)
        assert follower.advance() > 32 * 1024
        assert follower.have == made.sequence
        check(made, follower.shown, pixels)
    feed(made, photograph(generator, 320, 960))
    feed(made, photograph(generator, 320, 960))
    # Of two large ones he gets no more than the newest of each tile.
    assert not follower.advance()
    assert made.latest.wanted()


def test_reader_that_leaves_takes_nothing_from_those_who_ask_for_the_same() -> None:
    pixels = text(np.random.default_rng(1), 40, 60)
    made = consumer()
    stays, leaves = Follower(made), Follower(made)
    stays.advance()
    leaves.advance()
    made.latest.forget(leaves.have)
    feed(made, pixels)
    assert stays.advance()
    assert stays.have == made.sequence


def test_compositions_are_few_however_many_readers_lag() -> None:
    """Each has a state of its own, and comes to the newest by what an older one's reader gets."""
    generator = np.random.default_rng(1)
    pixels = photograph(generator, 160, 320)
    made, followers = consumer(), []
    for _ in range(12):
        follower = Follower(made)
        follower.advance()
        feed(made, pixels)
        follower.advance()
        followers.append(follower)
        pixels = photograph(generator, 160, 320)
        feed(made, pixels)
    for follower in followers:
        follower.advance()
    wanted = made.latest.wanted()
    assert len(wanted) > 3
    feed(made, pixels)
    data = {id(made.latest.steps_from(have)[0].data) for have in wanted}
    assert len(data) <= 3
    for follower in followers:
        while follower.advance():
            pass
        check(made, follower.shown, pixels)


def test_picture_that_is_longer_than_a_record_comes_in_several() -> None:
    """As that of several large monitors in the best quality may be."""
    generator = np.random.default_rng(1)
    made = consumer(UpdateSpec(quality=100), "444")
    follower = Follower(made)
    follower.advance()
    pixels = generator.integers(0, 256, (2400, 2700, 4), np.uint8)
    feed(made, pixels)
    assert follower.advance() > records.MAX_PAYLOAD
    assert follower.have == made.sequence
    assert cv2.absdiff(follower.shown, np.ascontiguousarray(pixels[..., :3])).mean() < 2


def test_picture_of_another_size_is_freed_at_once() -> None:
    """Not when garbage is collected: what is resized by hand has a hundred sizes, of 8 MB each."""
    generator = np.random.default_rng(1)
    made = consumer()
    gc.disable()
    try:
        feed(made, text(generator, 40, 60))
        assert made.sent is not None
        before = weakref.ref(made.sent.pixels)
        feed(made, text(generator, 50, 60))
        assert before() is None
    finally:
        gc.enable()


def test_memory_is_bounded_whatever_states_are_asked_from_while_the_screen_rests() -> None:
    latest = LatestUpdates(lambda: None, "run", 0)
    known = Known(1000, time.monotonic(), None, records.state(True))
    tracemalloc.start()
    try:
        for have in range(100):
            assert not latest.steps_from(have)
            # All who ask at a time are answered, however much that is.
            update = Update(have, 1000, bytes(1 << 20), frozenset())
            latest.publish(known, (), {have: update, -have: update._replace(have=-have)}, {}, 1)
            assert latest.steps_from(have) and latest.steps_from(-have)
        assert tracemalloc.get_traced_memory()[0] < 24 << 20
    finally:
        tracemalloc.stop()
    assert latest.steps_from(98)
    assert not latest.wanted()


VIEWS = [
    View(),
    View(quarter_turns=1),
    View(quarter_turns=3, flip="h"),
    View(quarter_turns=2, crop=Rectangle(5, 7, 40, 30)),
    View(scale=0.5),
    View(scale=0.3, flip="hv", quarter_turns=1),
]


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_views_are_followed(view: View) -> None:
    generator = np.random.default_rng(3)
    pixels = text(generator, 120, 180)
    made = consumer(UpdateSpec(view))
    follower = Follower(made)
    for _ in range(6):
        draw(generator, pixels)
        follower.advance()
        feed(made, pixels)
        with TransformedPicture(view).following(FrameBuffer.of_pixels(pixels)) as shown:
            wanted = np.ascontiguousarray(shown.pixels)
        follower.advance()
        check(made, follower.shown, wanted)


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_pointer_points_at_the_same_pixel_in_every_view(view: View) -> None:
    screen = np.zeros((60, 80, 4), np.uint8)
    for spot in ((40, 30), (0, 0), (79, 59), (-3, 70)):
        x, y = placed(view, spot, (80, 60))
        screen[:] = 0
        if 0 <= spot[0] < 80 and 0 <= spot[1] < 60:
            # As large as a pixel is in what is scaled.
            size = round(1 / view.scale)
            left, top = spot[0] // size * size, spot[1] // size * size
            screen[top : top + size, left : left + size] = 255
        with TransformedPicture(view).following(FrameBuffer.of_pixels(screen)) as shown:
            lit = np.argwhere(shown.pixels[..., 0] > 60)
            inside = 0 <= x < shown.width and 0 <= y < shown.height
            if view.scale in (0.5, 1):
                assert inside == bool(len(lit))
            if inside and len(lit):
                assert np.abs(lit - (y, x)).max(1).min() <= 1
                assert view.scale < 1 or [y, x] in lit.tolist()


def test_pointer_is_turned_with_its_hot_spot() -> None:
    generator = np.random.default_rng(1)
    image = generator.integers(0, 256, (8, 5, 4), np.uint8)
    sprite = SpriteImage(image).at(10, 20, (4, 1))
    shown, (x, y) = seen(View(quarter_turns=1), sprite, (80, 60))
    assert shown.shape == (5, 8, 4)
    assert (shown[y, x] == image[1, 4]).all()
    shown, (x, y) = seen(View(flip="h"), sprite, (80, 60))
    assert (x, y) == (0, 1)
    assert (shown == image[:, ::-1]).all()
    assert seen(View(scale=0.5), sprite, (80, 60))[0].shape == (4, 2, 4)


def test_pointer_is_grey_in_a_grey_view() -> None:
    red = np.full((8, 5, 4), (0, 0, 200, 255), np.uint8)
    red[:4] //= 2  # Half transparent: colours are mixed with alpha.
    shown, _ = seen(View(gray=True), SpriteImage(red).at(10, 20, (4, 1)), (80, 60))
    assert (shown[..., :3] == shown[..., :1]).all()
    assert shown[7, 0].tolist() == [60, 60, 60, 255]
    assert shown[0, 0].tolist() == [30, 30, 30, 127]


def test_reader_has_the_image_that_the_pointer_has_however_many_there_were() -> None:
    """Numbers are used again; what is known of a reader does not grow with them."""
    screen = FrameBuffer.of_pixels(text(np.random.default_rng(1), 60, 80))
    made, reader = consumer(), UpdateReader()
    speech = Speech(made.latest)
    reader.feed(records.hello({"run": made.latest.run, "form": ""}))
    for shade in (*range(100), 99, 3, 40, *range(100)):
        image = np.full((4, 4, 4), (shade, shade, shade, 255), np.uint8)
        screen.set_pointer(SpriteImage(image).at(shade % 50, 5))
        made.feed(screen, Moment(time.time(), time.monotonic(), REST))
        known = made.latest.poll()
        for part in speech.say(known, made.latest.steps_from(speech.given.have)):
            reader.feed(part)
        number, x, y = reader.pointer
        assert (x, y) == (shade % 50, 5)
        assert (reader.pointers[number][-1][..., :3] == shade).all()
        assert not speech.say(known, [])
    assert len(speech.given.images) <= 63


@settings(deadline=None, max_examples=15)
@given(seeds)
def test_what_moves_for_long_is_right_at_any_time(seed: int) -> None:
    """Tiles of a video are not compared, nor kept: nothing may be copied from them."""
    generator = np.random.default_rng(seed)
    pixels = text(generator, 160, 640)
    made = consumer()
    followers = [Follower(made), Follower(made, 3000), Follower(made)]
    followers[0].advance()
    for number in range(60):
        if number % 23 < 20:
            pixels[40:120, 100:420] = photograph(generator, 80, 320)
        if number % 3 == 0:
            pixels[:, 430:600] = np.roll(pixels[:, 430:600], 5, 0)
        if number % 11 == 0:
            # From where the video was, as it was.
            pixels[120:160, 0:320] = pixels[60:100, 100:420]
        feed(made, pixels, int(generator.choice([REST, MOTION])))
        for follower in followers[: 2 + (number % 7 == 0)]:
            follower.advance()
        error = cv2.absdiff(followers[0].shown, np.ascontiguousarray(pixels[..., :3]))
        # Of other pixels it would be 70 and more.
        assert max(error[:40].mean(), error[40:120, 100:420].mean()) < 45
        assert error[120:160, 0:320].mean() < 45
    for _ in range(300):
        feed(made, pixels)
        if not any([follower.advance() for follower in followers]) and not made.latest.wanted():
            break
    for follower in followers:
        check(made, follower.shown, pixels)


def test_slice_has_about_as_many_bytes_as_are_enough() -> None:
    generator = np.random.default_rng(7)
    made = consumer()
    follower = Follower(made, 9000)
    pixels = photograph(generator, 480, 640)
    follower.advance()
    feed(made, pixels, MOTION)
    # Who has nothing gets the whole picture.
    assert follower.advance() > 100_000
    pixels[:] = photograph(generator, 480, 640)
    sizes = []
    for _ in range(16):
        feed(made, pixels)
        sizes.append(follower.advance())
    slices = [size for size in sizes if size]
    assert len(slices) >= 8
    assert all(0.9 * 9000 < size < 1.1 * 9000 for size in slices)
