"""What systemd hands over and is told, on real sockets, with its own tool where it has one."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from front import end
from mortal import mortal_server
from program import TIMEOUT, Webcapd, webcapd
from test_consumers import Still
from waiting import wait_until
from xserver import XServer

from ports import free_port
from webcapd.encoder import loop, stall
from webcapd.encoder.options import EncoderOptions


class Manager:
    """Stands where systemd does: hears what a service tells of itself."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))
        self._socket.settimeout(TIMEOUT)
        self.heard: list[str] = []
        """All assignments so far."""

    def hear(self) -> list[str]:
        """Wait for the next message; returns its assignments."""
        lines = self._socket.recv(4096).decode().splitlines()
        self.heard += lines
        return lines

    def hear_until(self, wanted: str) -> None:
        """Wait for an assignment."""
        while wanted not in self.hear():
            pass

    def hear_all(self) -> None:
        """Hear what has been said already."""
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.hear()
        self._socket.settimeout(TIMEOUT)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    name = f"@webcapd-test-{os.getpid()}" if request.param == "abstract" else tmp_path / "notify"
    with contextlib.closing(Manager(str(name))) as manager:
        yield manager


def test_tells_when_it_is_ready_and_when_it_stops(server: XServer, manager: Manager) -> None:
    environment = {"NOTIFY_SOCKET": manager.address}
    with webcapd("--display", server.name, environment=environment) as program:
        manager.hear_until("READY=1")
        # Whoever was told so is answered.
        assert program.get("/?health")[0] == 200
        assert program.stop() == 0
        manager.hear_until("STOPPING=1")
    assert [line for line in manager.heard if line.startswith("STATUS=")]
    assert "WATCHDOG=1" not in manager.heard


def test_is_not_ready_where_it_cannot_start(tmp_path: Path) -> None:
    with contextlib.closing(Manager(str(tmp_path / "notify"))) as manager:
        program = Webcapd(
            *("--display", ":999", "--auth-file", str(tmp_path / "none")),
            environment={"NOTIFY_SOCKET": manager.address},
        )
        assert program.ended() == 1
        manager.hear_all()
        assert "READY=1" not in manager.heard


def test_service_is_ready_with_a_placeholder_until_its_display_comes(tmp_path: Path) -> None:
    with mortal_server() as server, contextlib.ExitStack() as context:
        manager = context.enter_context(contextlib.closing(Manager(str(tmp_path / "notify"))))
        environment = {"NOTIFY_SOCKET": manager.address}
        program = context.enter_context(webcapd("--display", server.name, environment=environment))
        manager.hear_until("READY=1")
        status = next(line for line in manager.heard if line.startswith("STATUS="))
        assert f"display {server.name}" in status and "no X server answers" in status
        assert program.get("/?health")[0] == 503
        server.start_xvfb(320, 240)
        wait_until("the picture", lambda: program.get("/?health")[0] == 200)
        wait_until(
            "it says so",
            lambda: any(f" {server.name}, 320x240" in line for line in manager.hear()),
        )


def test_keeps_the_watchdog_quiet(server: XServer, tmp_path: Path) -> None:
    with contextlib.closing(Manager(str(tmp_path / "notify"))) as manager:
        environment = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "300000"}
        with webcapd("--display", server.name, environment=environment):
            for _ in range(5):
                manager.hear_until("WATCHDOG=1")


def test_heeds_no_watchdog_of_another_process(server: XServer, tmp_path: Path) -> None:
    with contextlib.closing(Manager(str(tmp_path / "notify"))) as manager:
        environment = {
            "NOTIFY_SOCKET": manager.address,
            "WATCHDOG_USEC": "30000",
            "WATCHDOG_PID": str(os.getpid()),
        }
        with webcapd("--display", server.name, environment=environment) as program:
            manager.hear_until("READY=1")
            # The next thing that it says by itself.
            manager.hear()
            assert program.stop() == 0
        manager.hear_all()
        assert "WATCHDOG=1" not in manager.heard


def test_manager_that_is_gone_does_no_harm(server: XServer, tmp_path: Path) -> None:
    environment = {"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "300000"}
    with webcapd("--display", server.name, environment=environment) as program:
        assert program.get("/?health")[0] == 200


def test_children_are_told_nothing_of_it(tmp_path: Path) -> None:
    with contextlib.closing(Manager(str(tmp_path / "notify"))) as manager:
        environment = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1000000"}
        seen = tmp_path / "environment"
        script = f"env >{seen}.part && mv {seen}.part {seen} && exec sleep 1000"
        with webcapd("--virtual", "64x64", "--", "sh", "-c", script, environment=environment):
            wait_until("the program has run", seen.exists)
    names = {line.partition("=")[0] for line in seen.read_text().splitlines()}
    assert not names & {"NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID"}


class StuckSource(Still):
    """A source that answers no more, whoever interrupts it."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()

    def pending(self, poll: bool = False) -> bool:
        self.free.wait(TIMEOUT)
        return False


def test_encoder_that_hangs_makes_no_headway(monkeypatch: pytest.MonkeyPatch) -> None:
    # In earnest it is given seconds.
    monkeypatch.setattr(stall, "_ANSWER_SECONDS", 0.1)
    source = StuckSource()
    encoder = loop.Encoder(source, EncoderOptions(), lambda: None, lambda error: None)
    assert encoder.makes_progress()
    encoder.start()
    try:
        wait_until("it is known to hang", lambda: not encoder.makes_progress())
        encoder.abort_if_stuck()
        source.free.set()
        wait_until("it goes on", encoder.makes_progress)
    finally:
        source.free.set()
        encoder.stop()
        assert encoder.join(TIMEOUT)
        encoder.close()


@contextlib.contextmanager
def activated(server: XServer, *listen: str) -> Iterator[Webcapd]:
    """Have systemd's own tool listen, and start webcapd when the first client comes."""
    launcher = ("systemd-socket-activate", *(f"--listen={one}" for one in listen))
    program = Webcapd("--display", server.name, "--unix", listen[0], wrapper=launcher)
    try:
        program.wait_for_line(lambda line: line.startswith("Listening on "))
        yield program
        if program.process.poll() is None:
            assert program.stop() == 0, program.lines
    finally:
        end(program)


def ask(connection: socket.socket) -> bytes:
    """Ask for the state on a fresh connection; returns the status line."""
    with connection, connection.makefile("rb") as answer:
        connection.settimeout(TIMEOUT)
        connection.sendall(b"GET /?health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return answer.readline()


def to(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    return connection


def test_takes_over_sockets_and_whoever_waits_there(server: XServer, tmp_path: Path) -> None:
    path = str(tmp_path / "http.sock")
    port = free_port()
    with activated(server, path, f"127.0.0.1:{port}") as program:
        # Connected while nobody but the tool is there: nothing is lost.
        assert ask(to(path)) == b"HTTP/1.1 200 OK\r\n"
        program.wait_for_line(
            lambda line: line.endswith(f" on unix:{path} and http://127.0.0.1:{port}/")
        )
        assert ask(socket.create_connection(("127.0.0.1", port))) == b"HTTP/1.1 200 OK\r\n"
        assert program.stop() == 0
    # It is the tool's file, not ours.
    assert Path(path).is_socket()


def test_sockets_for_another_process_are_left_alone(server: XServer) -> None:
    environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
    with webcapd("--display", server.name, environment=environment) as program:
        assert program.get("/?health")[0] == 200


def test_what_does_not_listen_is_refused(server: XServer) -> None:
    script = 'exec 3</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
    program = Webcapd("--display", server.name, wrapper=("bash", "-c", script, "bash"))
    assert program.ended() == 1
    assert program.lines[-1].startswith("webcapd: cannot take over systemd's sockets: ")
