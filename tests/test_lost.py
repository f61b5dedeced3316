"""The display goes away and comes back: viewers stay, are told why, and see it again."""

import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mjpeg
import numpy as np
import pytest
from footprint import Footprint, segments_of
from mortal import MortalServer, mortal_server
from motion import moving
from painter import Painter, painter
from program import TIMEOUT, Webcapd, webcapd
from waiting import wait_until
from xserver import Pixels, XServer

from webcapd.capture.x11.xvfb import authority
from webcapd.encoder.outage import Outage

# The rounds after which fonts are loaded and caches have grown.
SETTLED = 4


@pytest.fixture
def mortal() -> Iterator[MortalServer]:
    with mortal_server() as server:
        yield server


def state(program: Webcapd) -> Any:
    return program.info()["encoder"]


def wait_for_state(program: Webcapd, wanted: str) -> Any:
    return wait_until(
        f"state {wanted}", lambda: now if (now := state(program))["state"] == wanted else None
    )


def expected(server: XServer) -> Pixels:
    return mjpeg.decode(mjpeg.encode(server.pixels()))


def picture(stream: mjpeg.Stream) -> Pixels:
    return mjpeg.decode(stream.part().body)


def until_another(stream: mjpeg.Stream, known: Pixels) -> Pixels:
    """Read until a picture is not the one that is known."""
    deadline = time.monotonic() + TIMEOUT
    while np.array_equal(found := picture(stream), known):
        assert time.monotonic() < deadline, "the picture stayed the same"
    return found


def assert_lost(program: Webcapd, stream: mjpeg.Stream, live: Pixels) -> str:
    """See that all who watch or ask are told that there is no picture; returns the reason."""
    placeholder = until_another(stream, live)
    now: Any = None

    def is_told_alike() -> bool:
        # The next attempt may find another reason between the two.
        nonlocal now
        now = wait_for_state(program, "lost")
        status, headers, body = program.get("/?snapshot")
        assert (status, int(headers["Retry-After"]) > 0) == (503, True)
        return body.decode() == f"{now['reason']}\n"

    wait_until("who asks is told the reason that is shown", is_told_alike)
    assert now["since"] <= time.time()
    with mjpeg.stream(program) as newcomer:
        assert picture(newcomer).shape == placeholder.shape == live.shape
    return str(now["reason"])


@contextmanager
def watched(mortal: MortalServer, *options: str) -> Iterator[tuple[Webcapd, mjpeg.Stream, Pixels]]:
    """Run webcapd on a server that shows something, and follow it."""
    with (
        webcapd("--display", mortal.name, *options) as program,
        mjpeg.stream(program) as stream,
        painter(mortal) as brush,
    ):
        brush.noise(1)
        live = expected(mortal)
        stream.until(live)
        # The noise must be what the placeholder takes the place of.
        yield program, stream, live


@pytest.mark.parametrize("shm", ["fd", "sysv", "off"])
def test_picture_is_back_when_the_killed_server_is(mortal: MortalServer, shm: str) -> None:
    mortal.start_xvfb()
    with watched(mortal, "--shm", shm) as (program, stream, live):
        mortal.kill()
        assert mortal.name in assert_lost(program, stream, live)
        mortal.start_xvfb()
        with painter(mortal) as brush:
            brush.noise(2)
            stream.until(expected(mortal))
            now = wait_for_state(program, "live")
            assert (now["outages"], now["reason"], now["since"]) == (1, None, None)
            assert program.info()["capture"]["shm"] == shm
            assert np.array_equal(mjpeg.decode(program.snapshot()), expected(mortal))


def test_server_of_another_make_and_size_may_take_the_place(mortal: MortalServer) -> None:
    mortal.start_xvfb(320, 240)
    starts: list[Callable[[], None]] = [
        lambda: mortal.start_xvnc(200, 150),
        lambda: mortal.start_xvfb(333, 111, "-extension", "DAMAGE"),
        lambda: mortal.start_xvfb(64, 48, "-extension", "MIT-SHM"),
        lambda: mortal.start_xvnc(320, 240),
    ]
    with watched(mortal) as (program, stream, live):
        for seed, start in enumerate(starts):
            mortal.kill()
            assert_lost(program, stream, live)
            start()
            with painter(mortal) as brush:
                brush.noise(seed + 2)
                live = expected(mortal)
                stream.until(live)
        assert wait_for_state(program, "live")["outages"] == len(starts)


def test_server_that_hangs_is_told_apart_and_comes_back(mortal: MortalServer) -> None:
    mortal.start_xvfb()
    with watched(mortal) as (program, stream, live):
        mortal.freeze()
        try:
            # Somebody has to ask for it to be noticed on a screen that rests.
            program.get("/?snapshot")
            assert "does not answer" in assert_lost(program, stream, live)
        finally:
            mortal.thaw()
        stream.until(live)
        assert wait_for_state(program, "live")["outages"] == 1


def test_busy_server_is_not_taken_for_one_that_hangs(mortal: MortalServer) -> None:
    """More is drawn than can be shown, for longer than a silent server is waited for."""
    mortal.start_xvfb(1600, 1200)

    def scroll(brush: Painter, number: int) -> None:
        brush.window.copy_area(brush.gc, brush.window, 0, 0, brush.width, brush.height, 1, 1)
        brush.rectangle(number * 0x010203 & 0xFFFFFF, 0, 0, brush.width, 1)

    with (
        webcapd("--display", mortal.name, "--fps", "240", "--subsampling", "444") as program,
        mjpeg.stream(program) as stream,
        painter(mortal) as brush,
    ):
        brush.noise(1)
        with moving(mortal, scroll):
            began = program.info()["uptime"]
            while program.info()["uptime"] < began + 5:
                stream.part()
        assert state(program)["outages"] == 0


def test_revoked_authority_is_named_and_a_new_cookie_is_taken(
    mortal: MortalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"

    def renew(path: Path) -> None:
        path.write_bytes(authority(secrets.token_bytes(16), socket.gethostname().encode()))

    renew(ours)
    monkeypatch.setenv("XAUTHORITY", str(ours))
    mortal.start_xvfb(320, 240, "-auth", str(ours))
    with watched(mortal) as (program, stream, live):
        renew(theirs)
        mortal.kill()
        mortal.start_xvfb(320, 240, "-auth", str(theirs))
        assert_lost(program, stream, live)
        wait_until("a refusal", lambda: "XAUTHORITY" in state(program)["reason"])
        ours.write_bytes(theirs.read_bytes())
        with painter(mortal) as brush:
            brush.noise(3)
            stream.until(expected(mortal))


@pytest.mark.parametrize(("shm", "rounds"), [("fd", 50), ("sysv", 10)])
def test_nothing_is_left_behind_by_many_outages(
    mortal: MortalServer, shm: str, rounds: int
) -> None:
    mortal.start_xvfb(64, 64)
    with (
        webcapd("--display", mortal.name, "--shm", shm, "--capture-cursor") as program,
        mjpeg.stream(program) as stream,
    ):
        pid = program.process.pid
        early = Footprint(pid)
        for number in range(rounds):
            wait_for_state(program, "live")
            # That of the screen as it is now.
            wait_until("the one before is given back", lambda: Footprint(pid).shared == 1)
            if number == SETTLED:
                early = Footprint(pid)
            live = picture(stream)
            mortal.kill()
            wait_for_state(program, "lost")
            until_another(stream, live)
            mortal.start_xvfb(64, 64)
        assert wait_for_state(program, "live")["outages"] == rounds
        # The threads and connections of requests end a moment after the answer.
        wait_until("files closed", lambda: Footprint(pid).files <= early.files)
        wait_until("threads ended", lambda: Footprint(pid).threads <= early.threads)
        assert Footprint(pid).kilobytes < early.kilobytes + 8192
        mortal.kill()
        wait_for_state(program, "lost")
        wait_until("the memory is given back", lambda: Footprint(pid).shared == 0)
        assert segments_of(pid) == 0


def test_a_display_is_waited_for_however_long_it_takes() -> None:
    """A night is ten thousand attempts and more."""
    outage = Outage()
    waits = [outage.next_wait() for _ in range(20_000)]
    assert waits == sorted(waits) and (waits[0], waits[-1]) == (0.1, 1.0)
