"""The embedded display: private, and gone with webcapd whatever way it goes."""

import os
import re
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import mjpeg
import numpy as np
import pytest
from processes import children, descendants, outlived
from program import TIMEOUT, Webcapd, run_to_end, webcapd
from waiting import wait_until
from Xlib.display import Display
from xserver import XServer

PYTHON = Path(sys.executable).name
SIZE = ("--virtual", "320x240")

# Shows one colour and stays, as a program with a window does.
PROGRAM = """
import signal
from Xlib.display import Display

display = Display()
screen = display.screen()
width, height = screen.width_in_pixels, screen.height_in_pixels
window = screen.root.create_window(
    0, 0, width, height, 0, screen.root_depth, override_redirect=True, background_pixel=0x2060C0
)
window.map()
display.sync()
signal.pause()
"""


@pytest.fixture
def program_path(tmp_path: Path) -> Path:
    """Write the program that shows one colour."""
    path = tmp_path / "blue.py"
    path.write_text(PROGRAM)
    return path


def admits_anybody(x_socket: Path) -> bool:
    """Say hello to an X server without a cookie; tells whether it lets us in."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT)
        connection.connect(str(x_socket))
        # Byte order, protocol 11.0, name and cookie of length zero.
        connection.sendall(struct.pack("=BxHHHHxx", ord("l"), 11, 0, 0, 0))
        return connection.recv(1) == b"\1"


def x_socket(display: str) -> Path:
    return Path("/tmp/.X11-unix") / f"X{display.removeprefix(':')}"


@contextmanager
def family_gone_after(program: Webcapd, expected: set[str]) -> Iterator[None]:
    """See that what webcapd started, and the display's socket, go away in the context."""
    pid = program.process.pid
    expected = expected | {"Xvfb", "webcapd-keeper"}
    wait_until(f"{expected} run", lambda: set(descendants(pid)) == expected)
    family = descendants(pid)
    path = x_socket(program.display)
    before = identity(path)
    with outlived(*family.values()):
        yield
    # Another server may come and take the name.
    wait_until("the display's socket is gone", lambda: identity(path) != before)


def identity(path: Path) -> tuple[int, int] | None:
    """Give what no other file has, though it have the same name and number; None for no file."""
    with suppress(FileNotFoundError):
        found = path.stat()
        return found.st_ino, found.st_ctime_ns
    return None


def test_embedded_display_has_the_size_asked_for() -> None:
    with webcapd(*SIZE) as program:
        assert program.size == (320, 240)
        assert re.fullmatch(r":\d+", program.display)
        assert mjpeg.decode(program.snapshot()).shape == (240, 320, 3)
        assert len(program.lines) == 1, program.lines


def test_embedded_display_refuses_whoever_has_no_cookie(server: XServer) -> None:
    with webcapd(*SIZE) as program:
        assert not admits_anybody(x_socket(program.display))
    assert admits_anybody(x_socket(server.name)), "the question is asked wrong"


def test_embedded_display_is_not_on_the_network() -> None:
    with webcapd(*SIZE) as program:
        port = 6000 + int(program.display.removeprefix(":"))
        for address in ("127.0.0.1", "::1"):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((address, port)).close()


def test_program_is_given_the_display_and_its_cookie(monkeypatch: pytest.MonkeyPatch) -> None:
    told = ("sh", "-c", 'echo "told $DISPLAY $XAUTHORITY" >&2; exec sleep 1000')
    with webcapd(*SIZE, "--", *told) as program:
        line = program.wait_for_line(lambda line: line.startswith("told "))
        _, display, authority = line.split()
        assert display == program.display
        # Others may not read it, and what has dropped its privileges still can.
        assert Path(authority).stat().st_mode & 0o777 == 0o600
        monkeypatch.setenv("XAUTHORITY", authority)
        with closing(Display(display)) as connection:
            screen = connection.screen()
            assert (screen.width_in_pixels, screen.height_in_pixels) == (320, 240)
    assert not Path(authority).exists()


def test_cookie_that_a_killed_one_left_is_taken_away_by_the_next(tmp_path: Path) -> None:
    told = ("sh", "-c", 'echo "told $XAUTHORITY" >&2; exec sleep 1000')
    # A folder of its own: in the usual one, any other's webcapd may be the next.
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)}
    with webcapd(*SIZE, "--", *told, environment=environment) as program:
        left = Path(program.wait_for_line(lambda line: line.startswith("told ")).split()[1])
        program.process.kill()
        program.ended()
    assert left.exists()
    with webcapd(*SIZE, environment=environment):
        assert not left.exists()


def test_program_draws_and_viewers_see_it(program_path: Path) -> None:
    blue = np.full((240, 320, 3), (0xC0, 0x60, 0x20), np.uint8)
    with (
        webcapd(*SIZE, "--", sys.executable, str(program_path)) as program,
        mjpeg.stream(program) as stream,
    ):
        stream.until(mjpeg.decode(mjpeg.encode(blue)))


@pytest.mark.parametrize(("its_status", "our_status"), [(0, 0), (1, 1), (77, 1)])
def test_webcapd_ends_with_its_program(its_status: int, our_status: int) -> None:
    command = ("sh", "-c", f"exit {its_status}")
    status, said = run_to_end("--port", "0", *SIZE, "--", *command)
    assert status == our_status, said
    assert "Traceback" not in said
    assert f"ended with status {its_status}" in said


def test_webcapd_fails_with_a_program_that_is_killed() -> None:
    status, said = run_to_end("--port", "0", *SIZE, "--", "sh", "-c", "kill -KILL $$")
    assert status == 1, said
    assert "Traceback" not in said


def test_program_that_does_not_exist_is_named_in_one_sentence() -> None:
    status, said = run_to_end("--port", "0", *SIZE, "--", "/nowhere/at-all")
    assert status == 1
    assert re.fullmatch(r"webcapd: .*/nowhere/at-all.*", said), said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_everything_ends_when_asked_to(program_path: Path, number: signal.Signals) -> None:
    with webcapd(*SIZE, "--", sys.executable, str(program_path)) as program:
        with family_gone_after(program, {PYTHON}):
            assert program.stop(number) == 0
        assert not [line for line in program.lines if "Traceback" in line], program.lines


def test_everything_ends_with_a_program_that_ignores_the_signal() -> None:
    stubborn = ("sh", "-c", "trap '' TERM; echo trapped >&2; while :; do sleep 1000; done")
    with webcapd(*SIZE, "--", *stubborn) as program:
        program.wait_for_line(lambda line: line == "trapped")
        with family_gone_after(program, {"sh", "sleep"}):
            assert program.stop() == 0


def test_everything_ends_when_webcapd_is_killed(program_path: Path) -> None:
    with (
        webcapd(*SIZE, "--", sys.executable, str(program_path)) as program,
        family_gone_after(program, {PYTHON}),
    ):
        # Else it may say on our standard error that the display went as it connected.
        wait_until("it draws", lambda: mjpeg.decode(program.snapshot())[120, 160, 0] > 150)
        os.kill(program.process.pid, signal.SIGKILL)
        assert program.ended() == -signal.SIGKILL


def test_loss_of_the_embedded_display_ends_webcapd() -> None:
    with webcapd(*SIZE) as program:
        left = x_socket(program.display)
        before = identity(left)
        os.kill(children(program.process.pid)["Xvfb"], signal.SIGKILL)
        status = program.ended()
        # A server that was killed leaves its socket, which may be another's by now.
        if identity(left) == before:
            left.unlink(missing_ok=True)
        assert status == 1
        # Nobody starts that display again: to wait for it would be in vain.
        program.wait_for_line(re.compile("webcapd: the embedded X server ended .*").fullmatch)


# Gets away from its parent, group and session, and minds no signal.
RUNAWAY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork():
    if sys.argv[1] == "ends":
        time.sleep(1)
        sys.exit()
    while True:
        time.sleep(1000)
os.setsid()
if os.fork():
    os._exit(0)
with open("/proc/self/comm", "w") as file:
    file.write("runaway")
while True:
    time.sleep(1000)
"""


@pytest.fixture
def runaway_path(tmp_path: Path) -> Path:
    path = tmp_path / "runaway.py"
    path.write_text(RUNAWAY)
    return path


def runaway_of(program: Webcapd) -> int:
    return wait_until(
        "the child has got away", lambda: descendants(program.process.pid).get("runaway")
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_child_that_got_away_ends_with_webcapd(runaway_path: Path, number: signal.Signals) -> None:
    command = (sys.executable, str(runaway_path), "stays")
    with webcapd(*SIZE, "--", *command) as program, outlived(runaway_of(program)):
        program.process.send_signal(number)
        assert program.ended() in (0, -signal.SIGKILL)


def test_child_that_got_away_ends_with_a_keeper_that_is_held_up(runaway_path: Path) -> None:
    command = (sys.executable, str(runaway_path), "stays")
    with webcapd(*SIZE, "--", *command) as program, outlived(runaway_of(program)):
        keeper = descendants(program.process.pid)["webcapd-keeper"]
        os.kill(keeper, signal.SIGSTOP)
        try:
            program.process.terminate()
            assert program.ended() == 0
        finally:
            os.kill(keeper, signal.SIGCONT)


def test_child_that_got_away_ends_with_the_program(runaway_path: Path) -> None:
    command = (sys.executable, str(runaway_path), "ends")
    program = Webcapd("--port", "0", *SIZE, "--", *command)
    with outlived(runaway_of(program)):
        assert program.ended() == 0, program.lines


def test_program_ends_with_its_keeper() -> None:
    """Also if somebody kills the keeper: the kernel tells the program, and the display goes."""
    with webcapd(*SIZE, "--", "sleep", "1000") as program:
        wait_until("the program runs", lambda: "sleep" in descendants(program.process.pid))
        family = descendants(program.process.pid)
        with outlived(family["sleep"], family["Xvfb"]):
            os.kill(family["webcapd-keeper"], signal.SIGKILL)
            assert program.ended() == 1
