"""Lists of names and groups over HTTP, as caches ask for them (docs/manifest.md)."""

import contextlib
import re
import select
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from manifestclient import fetching
from manifestreader import ManifestReader, NameReader
from mortal import mortal_server
from painter import painter
from program import TIMEOUT, Webcapd, run_to_end, webcapd
from rawhttp import RawClient, raw
from test_updates_http import few_colours, letters
from updateclient import TYPE, updates
from waiting import wait_until
from xserver import XServer, xvfb

from ports import free_port

BRIEF = "public, max-age=1, stale-while-revalidate=0"
MANY = 1000


@pytest.fixture(scope="module")
def screen() -> Iterator[XServer]:
    with xvfb(640, 480) as running:
        yield running


@pytest.fixture(scope="module")
def program(screen: XServer) -> Iterator[Webcapd]:
    options = ("--announce", "cache", "--max-clients", str(MANY + 100))
    with webcapd("--display", screen.name, *options) as running:
        yield running


def reader_of(program: Webcapd) -> ManifestReader:
    """Give a reader that begins by the way in."""
    reader = ManifestReader(fetching(program))
    reader.read(program.get("/manifest")[2])
    return reader


def go_on(program: Webcapd, reader: ManifestReader) -> int:
    """Ask for the state behind the reader's; gives the status."""
    status, headers, body = program.get(f"/manifest/{reader.run}-{reader.number}")
    if status == 302:
        assert headers["Location"] == "../manifest"
        body = program.get("/manifest")[2]
    try:
        reader.read(body)
    except LookupError:
        # It has been replaced meanwhile.
        reader.read(program.get("/manifest")[2])
    return status


def named(program: Webcapd) -> Any:
    """Give what is told of the updates by name."""
    return program.info()["encoder"]["updates"][-1]


def threads(program: Webcapd) -> int:
    return len(list(Path(f"/proc/{program.process.pid}/task").iterdir()))


def test_lists_and_streams_of_names_lead_to_what_updates_show(
    screen: XServer, program: Webcapd
) -> None:
    with painter(screen) as brush, updates(program) as plain:
        brush.image(few_colours(brush, 1))
        plain.wait_for(screen.pixels)
        reader, stream = reader_of(program), NameReader(fetching(program))
        connection = program.connect()
        connection.request("GET", "/?updates&tiles=names")
        wire, response = connection.sock, connection.getresponse()
        assert response.headers["Content-Type"] == TYPE

        def follow() -> None:
            with contextlib.suppress(OSError, ValueError):
                while data := response.read1(1 << 16):
                    stream.feed(data)

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        for seed in range(10):
            letters(brush, seed)
            go_on(program, reader)
        brush.image(few_colours(brush, 2))
        plain.wait_for(screen.pixels)
        wanted = plain.latest[..., ::-1]
        wait_until(
            "the list's picture",
            lambda: go_on(program, reader) and np.array_equal(reader.reader.picture, wanted),
        )
        wait_until("the stream's picture", lambda: np.array_equal(stream.reader.picture, wanted))
        assert stream.reader.hello["manifest"] == "manifest"
        assert stream.reader.hello["run"] == reader.run
        wire.shutdown(2)
        thread.join(TIMEOUT)
        response.close()
        connection.close()
        # Where nobody asks any more, no state is made.
        wait_until(
            "nobody asks", lambda: program.info()["encoder"]["updates"][-1]["wantedFps"] == 0
        )
        made = named(program)["updates"]
        for seed in range(3):
            letters(brush, seed)
            plain.wait_for(screen.pixels)
        told = named(program)
        assert told["updates"] == made
        assert told["groups"] and told["groupBytes"] > 10_000


def reader_of_something(program: Webcapd) -> ManifestReader | None:
    """Give a reader that has fetched something; None while the screen is too plain for that."""
    reader = reader_of(program)
    return reader if reader.fetched else None


def test_answers_are_what_caches_want(screen: XServer, program: Webcapd) -> None:
    with painter(screen) as brush:
        brush.image(few_colours(brush, 1))
        reader = wait_until("it is seen", lambda: reader_of_something(program))
        check_answers(program, reader)


def check_answers(program: Webcapd, reader: ManifestReader) -> None:
    number = reader.number
    state = f"/manifest/{reader.run}-{number - 1}"
    for path, cached, kind in (
        ("/manifest", BRIEF, TYPE),
        (state, BRIEF, TYPE),
        (
            f"/tiles/{reader.fetched[0]}",
            "public, max-age=31536000, immutable",
            "application/vnd.webcapd.tiles",
        ),
    ):
        status, headers, body = program.get(
            path, If_None_Match="*", Range="bytes=0-1", Cookie="a=b"
        )
        assert (status, headers["Cache-Control"], headers["Content-Type"]) == (200, cached, kind)
        assert int(headers["Content-Length"]) == len(body) > 2
        assert not {"Vary", "Set-Cookie", "ETag"} & set(headers)
        assert program.get(path, "HEAD")[0:3:2] == (200, b"")
        assert program.get(path, Authorization="Basic eDp5")[0] == 200
    for run, ahead in ((reader.run, number + 30), ("0123456789abcdef", 1)):
        status, headers, _ = program.get(f"/manifest/{run}-{ahead}")
        assert (status, headers["Cache-Control"]) == (302, BRIEF)
        assert headers["Location"] == "../manifest"
    for path in ("/tiles/" + 32 * "0", "/tiles/", "/tiles/../x", "/manifest/1", "/manifest/x-1"):
        status, headers, _ = program.get(path)
        assert (status, headers["Cache-Control"]) == (404, "no-store")
    for query in ("tiles=names&once=1", "tiles=names&width=100", "tiles=all"):
        assert program.get(f"/?updates&{query}")[0] == 400


def test_thousand_holds_take_no_thread_and_are_answered_alike(
    screen: XServer, program: Webcapd
) -> None:
    """They wait for a state that is two ahead."""
    reader = reader_of(program)
    clients: list[RawClient] = []
    with contextlib.ExitStack() as stack:
        idle, most_held, most_threads = threads(program), 0, 0
        for number in range(MANY):
            clients.append(stack.enter_context(raw(program)))
            clients[-1].request(f"/manifest/{reader.run}-{reader.number + 2}")
            if number % 100 == 99:
                most_held = max(most_held, program.info()["limits"]["streamsAndWaits"])
                most_threads = max(most_threads, threads(program))
        assert most_held > MANY / 4
        # Those that read requests just then are a bounded number.
        assert most_threads - idle < MANY / 8 < most_held
        with painter(screen) as brush:
            for seed in range(100):
                letters(brush, seed)
                if select.select(clients[-1:], [], [], 0.1)[0]:
                    break
        bodies = set()
        for client in clients:
            head = client.head()
            assert head.code == 200
            bodies.add(client.body(head))
        # Of as many states as came while they asked.
        assert len(bodies) < 10
        for body in sorted(bodies, key=len):
            reader.read(body)
        # The connection is there for the next.
        clients[-1].request("/?health")
        assert clients[-1].head().code in (200, 503)


def test_what_is_not_announced_is_not_there() -> None:
    with webcapd("--source", "pattern:grid") as program:
        for path in ("/manifest", "/manifest/0123456789abcdef-1", "/tiles/" + 32 * "0"):
            status, headers, body = program.get(path)
            assert (status, headers["Cache-Control"]) == (404, "no-store")
            assert b"--announce cache" in body
        assert program.get("/?updates&tiles=names")[0] == 404
        reader = NameReader(lambda name: b"")
        reader.feed(program.get("/?updates&once=1")[2])
        assert "manifest" not in reader.reader.hello


def test_who_may_look_is_settled_at_the_start(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("secret-of-mine-1234567890\n")
    options = ("--source", "pattern:grid", "--token-file", str(tokens), "--port", "0")
    status, said = run_to_end(*options, "--announce", "cache")
    assert status == 2
    assert "--cache-checks-access" in said
    assert run_to_end("--source", "pattern:grid", "--cache-checks-access")[0] == 2
    told = ("--announce", "cache", "--cache-checks-access", "--mask", "8,16,100,80")
    with webcapd(*options, *told, "--allow-origin", "https://a.b") as program:
        status, headers, _ = program.get("/manifest")
        assert status == 200
        # The same for all: whoever asks first, a cache gives it to others.
        assert headers["Access-Control-Allow-Origin"] == "https://a.b"
        assert "Vary" not in headers
        assert program.get("/?updates&tiles=names")[0] == 401
        assert program.get("/?snapshot")[0] == 401
        picture = reader_of(program).reader.picture
        assert picture.any()
        assert not picture[16:96, 8:108].any(), "masks hold"


def test_outage_and_restart_are_told() -> None:
    options = ("--announce", "cache", "--port", str(free_port()))
    with mortal_server() as mortal:
        mortal.start_xvfb()
        with webcapd("--display", mortal.name, *options) as program:
            reader = reader_of(program)
            assert reader.reader.state["state"] == "live"
            mortal.kill()
            wait_until(
                "the news",
                lambda: go_on(program, reader) and reader.reader.state["state"] == "lost",
            )
            run = reader.run
        mortal.start_xvfb()
        with webcapd("--display", mortal.name, *options) as again:
            assert go_on(again, reader) == 302
            assert reader.run != run
            assert reader.reader.state["state"] == "live"
            assert re.fullmatch("[0-9a-f]{16}", reader.run)
