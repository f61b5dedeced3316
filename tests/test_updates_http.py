"""Updates over HTTP from a real display: what a reader shows is what is on the screen."""

import socket
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from mortal import mortal_server
from motion import moving
from painter import Painter, painter
from pointer import push, with_pointer
from program import TIMEOUT, Webcapd, webcapd
from resizing import resize
from updateclient import TYPE, UpdateClient, updates
from updatereader import UpdateReader
from waiting import wait_until
from xserver import Pixels, XServer


def letters(brush: Painter, seed: int) -> None:
    """Put some small things somewhere."""
    generator = np.random.default_rng(seed)
    for _ in range(6):
        x, y = generator.integers(0, brush.width - 20), generator.integers(0, brush.height - 20)
        brush.rectangle(int(generator.integers(0, 1 << 24)), int(x), int(y), 9, 14)


def few_colours(brush: Painter, seed: int) -> Pixels:
    """Give what is sent exactly, and yet has a structure."""
    generator = np.random.default_rng(seed)
    colours = generator.integers(0, 256, (5, 3), np.uint8)
    return colours[generator.integers(0, 5, (brush.height, brush.width))]


def test_reader_shows_the_screen_exactly_where_it_has_few_colours(server: XServer) -> None:
    with (
        webcapd("--display", server.name) as program,
        painter(server) as brush,
        updates(program) as client,
    ):
        assert client.headers["Content-Type"] == TYPE
        assert client.headers["Cache-Control"] == "no-store, no-transform"
        assert client.headers["X-Accel-Buffering"] == "no"
        client.wait_for(server.pixels)
        brush.image(few_colours(brush, 1))
        client.wait_for(server.pixels)
        brush.fill(0x203040)
        for seed in range(20):
            letters(brush, seed)
        client.wait_for(server.pixels)
        assert client.reader.hello["display"] == server.name
        assert client.reader.state["state"] == "live"


def test_photograph_is_near_and_at_rest_as_good_as_a_stream(server: XServer) -> None:
    options = ("--display", server.name, "--use-paint-over-quality", "--quality", "20")
    with webcapd(*options) as program, painter(server) as brush, updates(program) as client:
        generator = np.random.default_rng(4)
        smooth = generator.integers(0, 256, (brush.height // 16, brush.width // 16, 3), np.uint8)
        for step in range(30):
            brush.image(np.roll(smooth, step, 0).repeat(16, 0).repeat(16, 1))
            noise = generator.integers(0, 32, (brush.height, brush.width, 3), np.uint8)
            brush.image(noise + 100)
        client.wait_for(server.pixels, 8.0)


def test_scrolled_and_moved_windows_are_copied(server: XServer) -> None:
    with webcapd("--display", server.name) as program, painter(server) as brush:
        brush.image(few_colours(brush, 1))
        with updates(program) as client:
            client.wait_for(server.pixels)
            before = client.bytes
            for _ in range(8):
                marks = client.marks
                brush.window.copy_area(
                    brush.gc, brush.window, 0, 16, brush.width, brush.height - 16, 0, 0
                )
                brush.display.sync()
                client.wait_for_mark(marks)
            client.wait_for(server.pixels)
            # A picture of this noise takes 100 kB.
            assert client.bytes - before < 60_000


def test_readers_share_a_state_and_come_and_go(server: XServer) -> None:
    with webcapd("--display", server.name) as program, moving(server, letters):
        with updates(program) as first:
            wait_until("some updates", lambda: first.marks > 5)
            with updates(program) as second, updates(program, "&scale=0.5") as small:
                wait_until("some updates", lambda: min(second.marks, small.marks) > 5)
                wait_until("they are in step", lambda: same(first, second))
                small.check()
                assert program.info()["stats"]["sessionCount"] == 3
        wait_until("all have left", lambda: program.info()["stats"]["sessionCount"] == 0)


def same(first: UpdateClient, second: UpdateClient) -> bool:
    one, other = first.reader, second.reader
    return bool(one.sequence == other.sequence and np.array_equal(first.latest, second.latest))


def test_readers_follow_the_size_of_the_screen(server: XServer) -> None:
    with webcapd("--display", server.name) as program, updates(program) as client:
        client.wait_for(server.pixels)
        for width, height in ((500, 300), (640, 480), (333, 222)):
            with server.connected() as display:
                resize(display, width, height)
            with painter(server) as brush:
                letters(brush, width)
                client.wait_for(server.pixels)


def test_readers_are_told_of_a_lost_display_and_see_it_again() -> None:
    with mortal_server() as mortal:
        mortal.start_xvfb()
        with webcapd("--display", mortal.name) as program, updates(program) as client:
            with painter(mortal) as brush:
                letters(brush, 1)
                client.wait_for(mortal.pixels)
                live = client.latest
            mortal.kill()
            wait_until("it is told", lambda: client.reader.state.get("state") == "lost")
            assert client.reader.state["reason"]
            assert client.reader.state["since"] <= time.time()
            wait_until("the placeholder", lambda: client.check() and (client.latest != live).any())
            with updates(program) as newcomer:
                wait_until("the placeholder", lambda: newcomer.marks)
                # The next attempt may find another reason, and one is told before the other.
                wait_until("told alike", lambda: newcomer.reader.state == client.reader.state)
                # Its parts may have come at different qualities before they rested.
                wait_until("the same", lambda: np.array_equal(newcomer.latest, client.latest))
            mortal.start_xvfb()
            with painter(mortal) as brush:
                letters(brush, 2)
                client.wait_for(mortal.pixels)
            live_again = {"state": "live", "reason": None, "since": None}
            wait_until("it is told", lambda: client.reader.state == live_again)


@pytest.mark.parametrize("asks_once", [False, True])
def test_newcomer_sees_no_placeholder_when_the_display_is_back(asks_once: bool) -> None:
    """Nor is told that it is lost: though nobody has watched since."""
    with mortal_server() as mortal:
        mortal.start_xvfb()
        with webcapd("--display", mortal.name) as program:
            mortal.kill()
            wait_until("it is lost", lambda: program.info()["encoder"]["state"] == "lost")
            once(program, UpdateReader())
            mortal.start_xvfb()
            wait_until("it is back", lambda: program.info()["encoder"]["state"] == "live")
            if asks_once:
                reader = UpdateReader()
                once(program, reader)
                assert reader.state["state"] == "live"
                assert np.array_equal(reader.picture[..., ::-1], mortal.pixels())
                return
            told = list[object]()
            with updates(program, on_mark=lambda reader: told.append(reader.state)) as client:
                client.wait_for(mortal.pixels)
            assert told[0] == {"state": "live", "reason": None, "since": None}


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("&rotate=90", lambda pixels: np.rot90(pixels, -1)),
        ("&crop=30,20,100,50", lambda pixels: pixels[20:70, 30:130]),
        ("&flip=h", lambda pixels: pixels[:, ::-1]),
    ],
)
def test_views_show_the_screen_as_asked(
    server: XServer, query: str, shown: Callable[[Pixels], Pixels]
) -> None:
    with (
        webcapd("--display", server.name) as program,
        painter(server) as brush,
        updates(program, query) as client,
    ):
        for seed in range(5):
            letters(brush, seed)
        client.wait_for(lambda: np.ascontiguousarray(shown(server.pixels())))


def once(program: Webcapd, reader: UpdateReader, query: str = "") -> int:
    """Take one update; gives how many bytes that was."""
    status, headers, body = program.get(f"/?updates&once=1{query}")
    assert (status, headers["Content-Type"]) == (200, TYPE)
    assert int(headers["Content-Length"]) == len(body)
    reader.begin()
    reader.feed(body)
    assert reader.end["reason"] == "once"
    return len(body)


def test_one_update_after_the_other_is_the_reader_s_own_pace(server: XServer) -> None:
    options = ("--display", server.name, "--keepalive", "0.5")
    with webcapd(*options) as program, painter(server) as brush:
        brush.image(few_colours(brush, 1))
        reader = UpdateReader()
        first = once(program, reader)
        for seed in range(4):
            letters(brush, seed)
            run, number = reader.hello["run"], reader.sequence
            size = once(program, reader, f"&after={run}-{number}")
            assert reader.hello["after"] == number
            assert size < first / 4
            # What has been asked for already may still be on its way to be sharp.
        for _ in range(20):
            once(program, reader, f"&after={reader.hello['run']}-{reader.sequence}")
            if (reader.picture[..., ::-1] == server.pixels()).all():
                break
        assert (reader.picture[..., ::-1] == server.pixels()).all()
        # Nothing is new: it waits for the keepalive.
        number = reader.sequence
        once(program, reader, f"&after={reader.hello['run']}-{number}")
        assert reader.sequence == number


def test_who_has_said_all_it_had_to_say_gets_the_picture(server: XServer) -> None:
    """As scripts do that pipe a request into a connection."""
    with webcapd("--display", server.name) as program:
        with socket.create_connection((program.host, program.port), TIMEOUT) as connection:
            connection.sendall(b"GET /?updates&once=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(partial(connection.recv, 1 << 16), b""))
        reader = UpdateReader()
        reader.feed(answer.partition(b"\r\n\r\n")[2])
        assert (reader.picture[..., ::-1] == server.pixels()).all()


def test_another_run_or_a_state_that_never_was_gets_the_whole_picture(server: XServer) -> None:
    reader = UpdateReader()
    with webcapd("--display", server.name) as program:
        once(program, reader)
        state = f"{reader.hello['run']}-{reader.sequence}"
    with webcapd("--display", server.name) as program:
        for after in (state, "0" * 16 + "-1", f"{reader.hello['run']}-4294967295"):
            once(program, reader, f"&after={after}")
            assert "after" not in reader.hello
            assert (reader.picture[..., ::-1] == server.pixels()).all()
        number = reader.sequence
        with (
            painter(server) as brush,
            updates(program, f"&after={reader.hello['run']}-{number}", reader=reader) as client,
        ):
            letters(brush, 3)
            client.wait_for(server.pixels)
            assert client.reader.hello["after"] == number


@pytest.mark.parametrize(
    "query",
    ["after=", "after=7", "after=xyz-1", "after=0011223344556677-", "after=0011223344556677--1",
     "after=0011223344556677-4294967296", "once=2", "cursor=x", "fps=nan", "crop=9999,0,1,1"],
)  # fmt: skip
def test_malformed_parameters_are_refused(server: XServer, query: str) -> None:
    with webcapd("--display", server.name) as program:
        status, _, body = program.get(f"/?updates&{query}")
        assert status == 400, body
        assert program.get("/?updates", "HEAD")[0] == 200
        assert program.get("/?updates&once=1", "HEAD")[0] == 200


def points_at(client: UpdateClient, place: tuple[int, int]) -> bool:
    return bool(client.reader.pointer[1:] == place)


def test_pointer_is_told_apart_or_is_in_the_picture(server: XServer) -> None:
    with (
        webcapd("--display", server.name, "--capture-cursor") as program,
        painter(server) as brush,
        updates(program) as client,
        updates(program, "&cursor=baked") as baked,
    ):
        for x, y in ((20, 30), (100, 200), (639, 0)):
            push(brush.display, x, y)
            wait_until("it is told", partial(points_at, client, (x, y)))
            baked.wait_for(lambda: with_pointer(server))
            # The pointer is told at once, maybe before the first picture.
            client.wait_for(server.pixels)
        assert baked.reader.pointer == (0, 0, 0)
        image = client.reader.pointers[client.reader.pointer[0]]
        assert image[2].shape[2] == 4
        before, marks = client.bytes, client.marks
        for x in range(100, 200, 5):
            push(brush.display, x, 50)
        wait_until("it is told", lambda: client.reader.pointer[1:] == (195, 50))
        assert client.marks == marks
        # No more than each move tells: a record of 13 bytes.
        assert client.bytes - before <= 20 * 20
