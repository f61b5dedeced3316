"""No picture is sent that is older than promised, however seldom one is sent."""

import math
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import mjpeg
import pytest
from motion import moving, scatter
from painter import painter
from processes import held_up
from program import Webcapd, webcapd
from resting import is_full_of
from xserver import XServer

from webcapd.encoder.frame import Frame
from webcapd.encoder.jpeg.tiles import TileCache, TileEncoder
from webcapd.encoder.variant import PLAIN, Variant, VariantSpec
from webcapd.encoder.variants import Variants
from webcapd.http.streaming.followed import FollowedVariant
from webcapd.http.streaming.ladder import LadderRules
from webcapd.http.streaming.multipart import ExactFraming
from webcapd.http.streaming.quirks import ClientQuirks
from webcapd.http.streaming.sessions import Session
from webcapd.http.streaming.stream import Stream, StreamParams

RED, BLUE = 0xF00000, 0x0000F0
KEEPALIVE = 1


def ages(program: Webcapd, path: str, parts: int) -> list[float]:
    """Tell how old the parts of a stream after the first are when they come, in seconds.

    Less what was waited for processors meanwhile, which others may have had.
    """
    found = []
    with mjpeg.stream(program, path) as stream:
        stream.part()
        for _ in range(parts):
            before = held_up(program.process.pid) + held_up(os.getpid())
            age = -float(stream.part().headers["x-timestamp"]) + time.time()
            after = held_up(program.process.pid) + held_up(os.getpid())
            found.append(age - max(0.0, after - before))
    return found


def test_seldom_picture_beside_many_of_another_form_is_of_now(server: XServer) -> None:
    with (
        webcapd("--display", server.name) as program,
        mjpeg.stream(program, "/?stream&width=64"),
        moving(server, scatter),
    ):
        # Encoded half a period too early it would be 2 s old.
        assert max(ages(program, "/?stream&fps=0.25", 2)) < 1.0


def test_seldom_pictures_of_one_form_at_two_rates_are_of_now(server: XServer) -> None:
    with (
        webcapd("--display", server.name) as program,
        moving(server, scatter),
        ThreadPoolExecutor() as pool,
    ):
        one = pool.submit(ages, program, "/?stream&fps=0.4", 4)
        other = pool.submit(ages, program, "/?stream&fps=0.3", 3)
        assert max(one.result() + other.result()) < 1.0


@contextmanager
def stopped_behind_a_part(program: Webcapd, colour: int) -> Iterator[mjpeg.Stream]:
    """Have webcapd stop when it has sent one part, of a colour, and not that part again."""
    for _ in range(20):
        began = time.monotonic()
        with mjpeg.stream(program) as stream:
            assert is_full_of(colour, mjpeg.decode(stream.part().body))
            program.process.send_signal(signal.SIGSTOP)
            try:
                os.waitid(os.P_PID, program.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
                if time.monotonic() - began < KEEPALIVE:
                    yield stream
                    return
            finally:
                program.process.send_signal(signal.SIGCONT)
    raise AssertionError("it always comes to be sent again before webcapd has stopped")


def test_picture_sent_again_after_a_stop_is_of_now(server: XServer) -> None:
    """What was drawn while webcapd was stopped is in the first part that follows."""
    with (
        webcapd("--display", server.name, "--keepalive", str(KEEPALIVE)) as program,
        painter(server) as brush,
    ):
        for colour, other in ((RED, BLUE), (BLUE, RED)) * 2:
            brush.fill(colour)
            with stopped_behind_a_part(program, colour) as stream:
                brush.fill(other)
                # Until the part is to be sent again: nothing tells of that.
                time.sleep(1.5 * KEEPALIVE)
                program.process.send_signal(signal.SIGCONT)
                assert is_full_of(other, mjpeg.decode(stream.part().body))


@pytest.mark.parametrize(
    ("options", "query"),
    [(("--fps", "0.1"), ""), (("--keepalive", "0.5"), "&fps=0.7"), (("--streamwait", "1.5"), "")],
)
def test_picture_sent_again_by_a_slow_stream_is_of_now(
    server: XServer, options: tuple[str, ...], query: str
) -> None:
    """The part after a change shows it, where a frame lasts longer than the keepalive."""
    with (
        webcapd("--display", server.name, *("--keepalive", "1"), *options) as program,
        painter(server) as brush,
    ):
        brush.fill(RED)
        with mjpeg.stream(program, f"/?stream{query}") as stream:
            assert is_full_of(RED, mjpeg.decode(stream.part().body))
            taken = 1
            for colour in (BLUE, RED) * 2:
                brush.fill(colour)
                # Of what was sent before that, nothing is to be expected.
                while taken < program.info()["clients"][0]["frames"]:
                    stream.part()
                    taken += 1
                assert is_full_of(colour, mjpeg.decode(stream.part().body))
                taken += 1


@contextmanager
def followed(variants: Variants) -> Iterator[tuple[Stream, socket.socket]]:
    """Give a stream of the plain form that has sent its first frame, and its reader's end."""
    params = StreamParams(
        fps=math.inf,
        framing=ExactFraming(),
        quirks=ClientQuirks(keepalive=60.0),
    )
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        rules = LadderRules(max_age=1.0, levels=(60, 45, 30))
        followed = FollowedVariant(variants, PLAIN, math.inf, rules)
        stream = Stream(ours, followed, params, Session("somebody", PLAIN))
        stream.begin(b"", Frame(1, b"jpeg", "image/jpeg", 8, 8, 75, 0.0, 0.0))
        stream.pump(time.monotonic())
        yield stream, theirs
        stream.close()


def test_age_counts_from_the_capture() -> None:
    """Encoding is part of it: a picture that took long to make is not young when it leaves."""
    coder, woken = TileEncoder(), threading.Event()

    def make(form: VariantSpec, sequence: int) -> Variant:
        return Variant(form, coder, TileCache(0), "420", woken.set, sequence)

    variants = Variants(make, 0)
    latest = variants.listed()[0].latest
    with followed(variants) as (stream, _):
        for number in range(2, 30):
            now = time.monotonic()
            latest.publish(Frame(number, b"jpeg", "image/jpeg", 8, 8, 75, 0.0, 0.0), now - 0.8)
            stream.pump(now)
        assert stream.session.frames == 29
        assert stream.session.age > 0.7
        # What a picture has of age by its making counts for the level as well.
        assert stream.session.level == 0, "it has not lasted long enough"
    coder.close()


def test_frame_that_was_long_in_the_making_is_sent_once_asked_for() -> None:
    """Nobody waits for a younger one than the encoder can make."""
    coder, woken = TileEncoder(), threading.Event()

    def make(form: VariantSpec, sequence: int) -> Variant:
        return Variant(form, coder, TileCache(0), "420", woken.set, sequence)

    variants = Variants(make, 0)
    latest = variants.listed()[0].latest
    with followed(variants) as (stream, _):
        woken.clear()
        began = time.monotonic()
        latest.publish(Frame(2, b"jpeg", "image/jpeg", 8, 8, 75, 0.0, 0.0), began - 5)
        stream.pump(began)
        assert woken.is_set() and latest.demand().awaited
        assert stream.session.frames == 1
        latest.publish(Frame(3, b"jpeg", "image/jpeg", 8, 8, 75, 0.0, 0.0), time.monotonic())
        # It comes to be sent only now.
        stream.pump(time.monotonic() + 5)
        assert stream.session.frames == 2
    coder.close()
