"""Updates by name: whatever a reader has, lists bring it to the newest state, and groups last."""

import json
import math
import socket
import subprocess
import time
from collections import deque
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manifestreader import ManifestReader, NameReader, choose, records_of, split
from program import ROOT, TIMEOUT
from test_update_state import ENCODER, MOTION, REST, check, seeds
from updatepictures import draw, photograph, text

from scale.lists import manifest
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.overlay import SpriteImage
from webcapd.encoder.consumer import Consumers, Moment
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.updates import records
from webcapd.encoder.updates.named.consumer import NamedConsumer
from webcapd.encoder.updates.named.factory import NamedUpdates, open_named
from webcapd.encoder.updates.named.groups import KEPT_SECONDS, Groups
from webcapd.encoder.updates.named.listing import Listing
from webcapd.encoder.updates.pixels import Pixels
from webcapd.encoder.updates.spec import PLAIN_UPDATES
from webcapd.http.caching import hold as hold_module
from webcapd.http.caching.hold import Hold, Wanted
from webcapd.http.streaming.fanout import Finished
from webcapd.http.streaming.sessions import Session


def opened(memory: int = 64, calm: float = 1e-9) -> NamedUpdates:
    """Give what makes the consumer; what has not changed for ``calm`` seconds is sent again."""
    options = EncoderOptions(paint_over_trigger_frames=1, target_fps=1 / calm, tile_memory=memory)
    return open_named(options, Consumers(), ENCODER, lambda: None)


def feed(
    made: NamedConsumer, pixels: Pixels, quality: int = REST, outage: str = "", pointer: int = 0
) -> None:
    """Feed a picture; a ``pointer`` is of this shade, and stands at as many pixels."""
    picture = FrameBuffer.of_pixels(pixels)
    if pointer:
        image = np.full((12, 8 * pointer, 4), (pointer, pointer, pointer, 255), np.uint8)
        picture.set_pointer(SpriteImage(image).at(pointer, 5))
    made.feed(picture, Moment(time.time(), time.monotonic(), quality, outage))


@dataclass
class Screen:
    """A consumer, and what readers get of it."""

    made: NamedConsumer

    def fetch(self, name: str) -> bytes:
        found = self.made.groups.get(bytes.fromhex(name))
        if found is None:
            raise LookupError(name)
        return found

    def manifest(self) -> bytes:
        listing = self.made.latest.newest()[1]
        assert listing is not None
        return self.hello() + listing.manifest

    def hello(self) -> bytes:
        return records.hello({"run": self.made.latest.run, "form": ""})


class Stream:
    """A reader of the stream of names."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self.names = NameReader(screen.fetch)
        self.names.feed(screen.hello())
        self.have: int | None = None

    def advance(self) -> int:
        size = 0
        for update in self._screen.made.latest.steps_from(self.have):
            self.names.feed(update.data)
            assert isinstance(update.gives, int)
            self.have, size = update.gives, size + len(update.data)
        return size

    @property
    def shown(self) -> Pixels:
        return np.ascontiguousarray(self.names.reader.picture[..., ::-1])


@settings(deadline=None, max_examples=15)
@given(seeds, st.tuples(st.integers(1, 18), st.integers(1, 25)))
def test_all_readers_come_to_the_picture(seed: int, size: tuple[int, int]) -> None:
    """Those in step, those that miss states, and those that come late: by streams and by lists.

    Tiles are whole: of a narrow one much is blended with the colours beside it.
    """
    generator = np.random.default_rng(seed)
    pixels = text(generator, 16 * size[0], 16 * size[1])
    with opened().lease(PLAIN_UPDATES) as made:
        screen = Screen(made)
        streams = [Stream(screen) for _ in range(2)]
        readers = [ManifestReader(screen.fetch) for _ in range(3)]
        old: deque[bytes] = deque(maxlen=4)
        pointer = 0
        for step in range(24):
            if generator.random() < 0.05:
                pixels = text(generator, *generator.integers(1, 13, 2) * 16)
            for _ in range(generator.integers(0, 3)):
                draw(generator, pixels)
            outage = "gone" if generator.random() < 0.1 else ""
            pointer = int(generator.choice([pointer, pointer, *range(6)]))
            feed(made, pixels, int(generator.choice([REST, MOTION])), outage, pointer)
            old.append(screen.manifest())
            for number, reader in enumerate(readers):
                if generator.random() < (1.0, 0.5, 0.1)[number]:
                    # A cache may give one that is out of date.
                    reader.read(old[generator.integers(0, len(old))] if number else old[-1])
            for number, stream in enumerate(streams):
                if not number or generator.random() < 0.3:
                    stream.advance()
            if step == 12:
                streams.append(Stream(screen))
        for _ in range(60):
            feed(made, pixels, pointer=pointer)
            streams[0].advance()
        assert made.demand().again == math.inf or made.demand().fps
        readers.append(ManifestReader(screen.fetch))
        for reader in readers:
            reader.read(screen.manifest())
            assert reader.number == made.sequence
            check(made, np.ascontiguousarray(reader.reader.picture[..., ::-1]), pixels)
        for stream in streams:
            stream.advance()
            assert stream.have == made.sequence
            check(made, stream.shown, pixels)
        for names in (*readers, *(stream.names for stream in streams)):
            number, x, _ = names.reader.pointer
            assert x == pointer
            assert not number or (names.reader.pointers[number][-1][..., 0] == pointer).all()


_CHOOSE = """
import { readFileSync } from "node:fs";
const { manifestOf, neededOf } = await import(process.argv[1]);
const [manifests, most] = JSON.parse(readFileSync(0, "utf8"));
const chosen = manifests.map((text) => {
  const manifest = manifestOf(Buffer.from(text, "hex"));
  const { run, form } = manifest.hello;
  return Array.from({ length: most }, (_, number) => {
    const records = neededOf(manifest, { run, form, number });
    return Buffer.concat(records.map(({ bytes }) => bytes)).toString("hex");
  });
});
process.stdout.write(JSON.stringify(chosen));
"""


def test_page_and_load_program_choose_what_the_reference_reader_does() -> None:
    """Of lists with steps and without, from each state that a reader may have."""
    generator = np.random.default_rng(5)
    pixels = text(generator, 320, 480)
    with opened(calm=1e6).lease(PLAIN_UPDATES) as made:
        screen, bodies = Screen(made), []
        for number in range(40):
            if number % 20 < 13:
                pixels[40:300, 40:400] = np.roll(pixels[40:300, 40:400], -10, 0)
            pixels[number : number + 9, :8] = number
            feed(made, pixels)
            bodies.append(screen.manifest())
    lists = [list(records_of(body)) for body in bodies]
    assert max(sum(kind == "A" and one[4] for kind, one in some) for some in lists) > 4
    wanted = []
    for some in lists:
        _, parts, after = split(some[1:])
        chosen = [choose(parts, have, after[0][1]) for have in range(len(bodies))]
        wanted.append([b"".join(one for _, one in found).hex() for found in chosen])
        for have, found in enumerate(chosen):
            named = [group.name for group in manifest(bodies[len(wanted) - 1]).lacking(have)]
            assert named == [one[8:].hex() for kind, one in found if kind == "U"]
    page = (ROOT / "http" / "page" / "cache" / "manifest.js").as_uri()
    given = json.dumps([[body.hex() for body in bodies], len(bodies)])
    node = ROOT / ".venv" / "bin" / "node"
    made_by = subprocess.run(
        [node, "--input-type=module", "-e", _CHOOSE, page],
        input=given,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(made_by.stdout) == wanted


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 9), st.integers(0, 5)), max_size=80)
)
def test_groups_are_kept_for_as_long_as_they_may_be_asked_for(
    steps: list[tuple[int, int, int]],
) -> None:
    """Each state replaces some of what is listed, after the gap that is asked for."""
    clock, most = Clock(), 1_000_000
    groups = Groups(most, clock)
    live: list[tuple[bytes, bytes]] = []
    named: dict[bytes, tuple[float, bytes]] = {}
    for number, (size, dropped, wait) in enumerate(steps):
        data = number.to_bytes(4, "big") + bytes(size)
        name, new = groups.put(data)
        live = [*live[min(dropped, len(live)) :], (name, data)]
        groups.list_only({name for name, _ in live})
        named |= {name: (clock.now, data) for name, data in live}
        for name, (since, data) in named.items():
            if clock.now - since <= KEPT_SECONDS:
                assert groups.get(name) == data
        assert groups.size <= most
        clock.now += groups.gap(new) + wait / 10


def test_groups_that_are_too_many_leave_in_order_and_what_is_listed_stays() -> None:
    clock = Clock()
    groups = Groups(100, clock)
    first, second, third = (groups.put(bytes([one]) * 60)[0] for one in range(3))
    assert groups.size == 180, "what is new is about to be listed"
    groups.list_only({third})
    assert [groups.get(one) is not None for one in (first, second, third)] == [False, False, True]
    assert groups.put(bytes([2]) * 60) == (third, 0), "the same again has the same name, and is one"
    assert Groups(100).put(bytes([2]) * 60)[0] != third, "names of another start are others"
    clock.now += KEPT_SECONDS + 1
    assert groups.get(third)


def test_nothing_is_kept_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    named = opened()
    with named.lease(PLAIN_UPDATES) as made:
        feed(made, text(np.random.default_rng(1), 100, 200))
        named.tidy()
    assert named.groups.size and named.listed() == [made], "somebody may come again soon"
    monkeypatch.setattr("webcapd.encoder.leases.LINGER_SECONDS", -1.0)
    named.groups._clock = clock = Clock()
    named.tidy()
    assert not named.listed()
    assert named.groups.size, "caches may still ask for what was listed"
    clock.now += KEPT_SECONDS
    named.tidy()
    assert not named.groups.size
    with named.lease(PLAIN_UPDATES) as again:
        feed(again, text(np.random.default_rng(1), 100, 200))
        assert (again.latest.run, again.sequence) == (made.latest.run, made.sequence + 1)


def test_typing_takes_few_bytes_and_lists_stay_short() -> None:
    """A letter is in the list as it is; many become a group, which nobody in step asks for."""
    pixels = np.full((1080, 1920, 4), 250, np.uint8)
    generator = np.random.default_rng(1)
    pixels[:] = text(generator, 1080, 1920)
    with opened().lease(PLAIN_UPDATES) as made:
        screen, sizes, lengths = Screen(made), [], []
        for _ in range(8):
            feed(made, pixels)
        stream, late = Stream(screen), ManifestReader(screen.fetch)
        stream.advance()
        fetched = len(stream.names.fetched)
        for letter in range(80):
            x, y = 10 * (letter % 60), 20 * (letter // 60)
            pixels[y : y + 16, x : x + 8] = 255 * generator.integers(0, 2, (16, 8, 1), np.uint8)
            feed(made, pixels)
            sizes.append(stream.advance())
            lengths.append(len(screen.manifest()))
        assert np.median(sizes) < 120
        assert max(lengths) < 9000
        assert len(stream.names.fetched) - fetched < 5
        late.read(screen.manifest())
        assert (late.reader.picture == stream.names.reader.picture).all()
        check(made, stream.shown, pixels)


def test_what_scrolls_is_copied_by_those_in_step() -> None:
    generator = np.random.default_rng(2)
    pixels = text(generator, 600, 800)
    with opened(calm=1e6).lease(PLAIN_UPDATES) as made:
        screen = Screen(made)
        feed(made, pixels)
        in_step, lags = ManifestReader(screen.fetch), ManifestReader(screen.fetch)
        in_step.read(screen.manifest())
        lags.read(screen.manifest())
        before = len(in_step.fetched)
        for _ in range(10):
            pixels[100:500, 100:700] = np.roll(pixels[100:500, 100:700], -20, 0)
            feed(made, pixels)
            in_step.read(screen.manifest())
        assert sum(len(screen.fetch(name)) for name in in_step.fetched[before:]) < 60_000
        lags.read(screen.manifest())
        for reader in (in_step, lags):
            check(made, np.ascontiguousarray(reader.reader.picture[..., ::-1]), pixels)


@pytest.mark.parametrize("memory", [8, 64])
def test_full_motion_is_slowed_down_to_what_memory_holds(memory: int) -> None:
    """At the pace that the consumer asks for, whatever was listed in 10 s would still be there."""
    generator = np.random.default_rng(3)
    with opened(memory).lease(PLAIN_UPDATES) as made, made.latest.subscribed():
        feed(made, photograph(generator, 540, 960), MOTION)
        size = made.groups.size
        for _ in range(6):
            before = time.monotonic()
            feed(made, photograph(generator, 540, 960), MOTION)
            fewest = KEPT_SECONDS / (made.demand().due - before)
            assert fewest * (made.groups.size - size) <= memory * 1_000_000
            size = made.groups.size
        # However late that is asked.
        made._room_at += KEPT_SECONDS
        made.latest.request_fresh()
        demand = made.demand()
        assert not demand.awaited
        assert demand.again == made.demand().due > time.monotonic(), "who comes does not hasten it"


def test_state_comes_again_though_nothing_is_new_before_a_hold_ends() -> None:
    pixels = text(np.random.default_rng(1), 100, 200)
    with opened().lease(PLAIN_UPDATES) as made:
        begun = time.monotonic()
        feed(made, pixels)
        listed = time.monotonic()
        feed(made, pixels)
        assert (made.sequence, made.demand().again) == (1, math.inf), "nobody waits"
        with made.latest.subscribed():
            assert begun + 4 < made.demand().again < listed + 5
            made._beat_at = 0.0
            feed(made, pixels)
        assert made.sequence == 2
        feed(made, pixels, outage="the display has gone")
        assert made.sequence == 3
        reader = ManifestReader(Screen(made).fetch)
        reader.read(Screen(made).manifest())
        assert reader.reader.state["reason"] == "the display has gone"


def test_hold_ends_with_the_state_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """If all else fails: a display that hangs has no other."""
    # The state is of now, however long that takes here.
    monkeypatch.setattr(hold_module, "_MAX_AGE_SECONDS", TIMEOUT)
    ours, theirs = socket.socketpair()
    said: list[int] = []

    def answer(listing: Listing | None) -> tuple[bytes, bytes]:
        said.append(listing.number if listing else 0)
        return b"head", b"body"

    with ours, theirs, opened().lease(PLAIN_UPDATES) as made:
        ours.setblocking(False)
        feed(made, text(np.random.default_rng(1), 32, 32))
        for after, number in ((0, 1), (1, 1), (2, 1)):
            before = time.monotonic()
            hold = Hold(ours, made.latest, Session("", PLAIN_UPDATES), Wanted(after, 5.0), answer)
            assert made.demand().fps, "what it waits for is made"
            begun = time.monotonic()
            if after:
                hold.pump(begun)
                assert not hold.is_answered
                assert before + 4 < hold.due < begun + 6
            with pytest.raises(Finished):
                hold.pump(hold.due if after else begun)
            hold.close()
            assert said[-1] == number
            assert theirs.recv(99) == b"headbody"
        assert not made.demand().fps
