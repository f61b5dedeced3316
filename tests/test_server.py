"""The server as an object: several in one process, which leave nothing behind."""

import gc
import json
import os
import threading
import urllib.request
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import mjpeg
import pytest
from program import TIMEOUT
from waiting import wait_until
from xserver import XServer

import webcapd
from webcapd.app.access import StartError
from webcapd.app.commandline import Options, parse
from webcapd.app.server import Server
from webcapd.capture.source import SourceError
from webcapd.http.wire.sockets import CannotListen

TOKEN = "0123456789abcdef0123456789abcdef"


class Holdings(NamedTuple):
    """What this process holds of the system."""

    threads: Counter[str]
    descriptors: Counter[str]
    """By what they lead to, sockets and the like without their numbers."""
    shared_memory: Counter[str]
    children: Counter[str]

    def is_within(self, most: "Holdings") -> bool:
        return all(one <= other for one, other in zip(self, most, strict=True))


def holdings() -> Holdings:
    gc.collect()
    descriptors: Counter[str] = Counter()
    for one in list(Path("/proc/self/fd").iterdir()):
        try:
            descriptors[os.readlink(one).partition(":[")[0]] += 1
        except FileNotFoundError:
            continue  # The one of the listing itself.
    maps = [line.split(maxsplit=5) for line in Path("/proc/self/maps").read_text().splitlines()]
    return Holdings(
        Counter(thread.name for thread in threading.enumerate()),
        descriptors,
        Counter(fields[-1] for fields in maps if fields[1].endswith("s")),
        Counter(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()),
    )


def assert_no_more_than(before: Holdings) -> None:
    """See that what is held comes to what was; threads of clients take a moment to end."""
    try:
        wait_until("all is given back", lambda: holdings().is_within(before))
    except AssertionError:
        assert holdings() == before


def at_rest(threads: set[threading.Thread]) -> Holdings:
    """Give what is held once no threads are left but some of these."""
    wait_until("others have ended", lambda: set(threading.enumerate()) <= threads)
    return holdings()


def options(*arguments: str) -> Options:
    return parse(["--port", "0", *arguments])


def watch(server: Server) -> tuple[int, int]:
    """Look at a snapshot and at the first frame of a stream; gives width and height."""
    with urllib.request.urlopen(f"{server.urls}?stream&token={TOKEN}", timeout=TIMEOUT) as answer:
        frame = mjpeg.decode(mjpeg.Stream(answer).part().body)
    with urllib.request.urlopen(f"{server.urls}?snapshot&token={TOKEN}", timeout=TIMEOUT) as answer:
        assert mjpeg.decode(answer.read()).shape == frame.shape
    height, width = frame.shape[:2]
    return width, height


def serve_two(first: Options, second: Options) -> None:
    """Start two servers, look at both, and end them."""
    one, other = Server(first), Server(second)
    try:
        one.start()
        other.start()
        assert watch(one) == (320, 240)
        assert watch(other) == (240, 160)
    finally:
        one.close()
        other.close()


def test_two_embedded_displays_have_a_cookie_each() -> None:
    threads = set(threading.enumerate())
    serve_two(options("--virtual", "320x240"), options("--virtual", "240x160"))
    before, environment = at_rest(threads), dict(os.environ)
    for _ in range(2):
        serve_two(options("--virtual", "320x240"), options("--virtual", "240x160"))
    assert dict(os.environ) == environment
    assert_no_more_than(before)


def test_it_tells_its_version() -> None:
    one = Server(options("--source", "pattern:bars"))
    try:
        one.start()
        with urllib.request.urlopen(f"{one.urls}?info", timeout=TIMEOUT) as answer:
            assert json.load(answer)["version"] == webcapd.__version__
    finally:
        one.close()


def test_servers_that_cannot_start_say_why_and_leave_nothing_behind(server: XServer) -> None:
    ways: list[tuple[type[Exception], tuple[str, ...]]] = [
        (SourceError, ("--display", ":4242")),
        (CannotListen, ("--display", server.name, "--v4bindaddress", "192.0.2.1")),
        (StartError, ("--display", server.name, "--token-file", "/nonexistent")),
    ]

    def fail_in_all_ways() -> None:
        for kind, arguments in ways:
            one = Server(options(*arguments))
            with pytest.raises(kind):
                one.start()
            one.close()

    threads = set(threading.enumerate())
    fail_in_all_ways()
    before = at_rest(threads)
    fail_in_all_ways()
    assert_no_more_than(before)


def test_server_may_be_closed_at_any_time(server: XServer) -> None:
    never_started = Server(options("--display", server.name))
    never_started.close()
    never_started.close()
    asked_to_stop = Server(options("--display", server.name))
    asked_to_stop.start()
    asked_to_stop.stop()
    assert asked_to_stop.join(TIMEOUT)
    asked_to_stop.close()
