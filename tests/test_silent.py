"""X servers that answer some connections and not others, and what they say unasked."""

import contextlib
import os
from pathlib import Path

import mjpeg
import numpy as np
import pytest
from footprint import Footprint
from painter import painter
from program import TIMEOUT, Webcapd, run_to_end, webcapd
from relay import Relay, relay
from waiting import wait_until
from xserver import XServer, xvfb

from webcapd.capture.x11.dial import Dialler
from webcapd.capture.x11.xcb import XcbConnection

# What webcapd opens, in this order: a knock, python-xlib's connection, libxcb's.
CONNECTIONS = 3


@pytest.mark.parametrize("answered", range(CONNECTIONS))
def test_ends_while_a_connection_is_not_answered(server: XServer, answered: int) -> None:
    with relay(server.name) as quiet:
        quiet.let_through(answered)
        program = Webcapd("--display", quiet.name, "--port", "0")
        try:
            wait_until("webcapd waits for an answer", lambda: quiet.taken == answered + 1)
            assert program.stop() == 0, program.lines
            assert program.lines == []
        finally:
            program.process.kill()
            program.ended()


def test_connection_that_is_not_answered_is_given_up(server: XServer) -> None:
    """It takes the twenty seconds that opening a display may take."""
    with (
        relay(server.name) as quiet,
        painter(server) as brush,
    ):
        quiet.let_through(CONNECTIONS)
        with webcapd("--display", quiet.name) as program, mjpeg.stream(program) as stream:
            brush.noise(1)
            live = mjpeg.decode(mjpeg.encode(server.pixels()))
            stream.until(live)
            taken = quiet.taken
            quiet.let_through(CONNECTIONS - 1)
            quiet.cut()
            wait_until("an attempt hangs", lambda: quiet.taken == taken + CONNECTIONS)
            wait_until("the attempt is given up", lambda: attempts(program) >= 2, 2 * TIMEOUT)
            assert program.info()["encoder"]["reason"] == silence(quiet)
            quiet.let_through(2 * CONNECTIONS)
            stream.until(live)


def silence(quiet: Relay) -> str:
    return f"the X server of display {quiet.name} does not answer"


def attempts(program: Webcapd) -> int:
    return int(program.info()["encoder"]["attempts"])


def test_start_says_that_the_server_does_not_answer(server: XServer) -> None:
    with relay(server.name) as quiet:
        quiet.let_through(1)
        status, said = run_to_end("--display", quiet.name, "--port", "0")
    assert (status, said) == (1, f"webcapd: {silence(quiet)}")


def test_events_that_nobody_wants_are_thrown_away(server: XServer) -> None:
    dialler = Dialler(server.name)
    connection = XcbConnection(dialler)
    try:
        connection.shm_version()
        assert connection.drain() == 0
        change_mapping(server, 100)
        connection.shm_version()
        assert connection.drain() == 100
    finally:
        connection.close()
        dialler.reset()


def change_mapping(server: XServer, times: int) -> None:
    """Have the server tell all its clients, so many times, that the keyboard is another one."""
    with server.connected() as display:
        keys = display.get_keyboard_mapping(8, 1)
        for number in range(times):
            display.change_keyboard_mapping(8, keys)
            if number % 100 == 0:
                display.sync()
        display.sync()


@pytest.mark.parametrize("fps", [0, 10])
def test_memory_does_not_grow_with_what_the_server_tells(fps: int) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(xvfb(64, 64))
        program = stack.enter_context(webcapd("--display", server.name))
        if fps:
            stack.enter_context(mjpeg.stream(program, f"/?stream&fps={fps}"))
        sizes = []
        for _ in range(5):
            change_mapping(server, 20_000)
            program.snapshot()
            sizes.append(Footprint(program.process.pid).kilobytes)
        # Those that are kept take 2.7 MB each time; what the allocator keeps is half a MB.
        assert sizes[-1] < sizes[0] + 2 * 2700


@pytest.mark.parametrize("path", ["/dev/zero", "pipe", "/nowhere", "/proc/self/mem", "/"])
def test_authority_file_that_is_none_does_no_harm(
    server: XServer, path: str, tmp_path: Path
) -> None:
    if path == "pipe":
        path = str(tmp_path / "pipe")
        os.mkfifo(path)
    with webcapd("--display", server.name, environment={"XAUTHORITY": path}) as program:
        pixels = mjpeg.decode(program.snapshot())
        assert np.array_equal(pixels, mjpeg.decode(mjpeg.encode(server.pixels())))
        assert len(program.lines) == 1
