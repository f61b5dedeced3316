"""webcapd ends when asked, whatever goes on, and says in one sentence why it cannot start."""

import contextlib
import re
import secrets
import signal
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import mjpeg
import pytest
from motion import moving
from painter import Painter, painter
from program import TIMEOUT, Webcapd, run_to_end, webcapd
from waiting import wait_until
from xserver import XServer, xvfb

from ports import free_port

STREAM = b"GET /?stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
INFO = b"GET /?info HTTP/1.1\r\nHost: localhost\r\n\r\n"
SNAPSHOT = b"GET /?snapshot HTTP/1.1\r\nHost: localhost\r\n\r\n"

BOTH_SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@contextlib.contextmanager
def client(program: Webcapd, said: bytes, receive_buffer: int = 0) -> Iterator[socket.socket]:
    """Connect and say something."""
    with socket.socket() as connection:
        connection.settimeout(TIMEOUT)
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect((program.host, program.port))
        connection.sendall(said)
        yield connection


def read_to_end(connection: socket.socket) -> None:
    """Read until the other side ends the connection, one way or the other."""
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(1 << 16):
            pass


def flicker(brush: Painter, number: int) -> None:
    """Cover the screen with noise: frames larger than what the kernel keeps for a client."""
    brush.noise(number)


def assert_one_sentence(said: str, wanted: str) -> None:
    assert re.fullmatch(f"webcapd: .*{wanted}.*", said), said


@BOTH_SIGNALS
def test_ends_with_clients_of_all_kinds(server: XServer, number: signal.Signals) -> None:
    with (
        webcapd("--display", server.name) as program,
        moving(server, flicker),
        mjpeg.stream(program) as reading,
        client(program, STREAM, receive_buffer=4096) as stalled,
        client(program, INFO) as idle,
        client(program, b"GET /?stream HT") as slow,
        client(program, b"") as silent,
    ):
        assert idle.recv(1 << 16).startswith(b"HTTP/1.1 200 ")

        def one_is_stuck() -> bool:
            reading.part()
            clients = program.info()["clients"]
            return [session["frames"] > 5 for session in clients] == [True, False]

        wait_until("one client reads and one is stuck", one_is_stuck)
        assert program.stop(number) == 0, program.lines
        # No complaint either: all of it was to be expected.
        assert len(program.own_lines()) == 1, program.lines
        for connection in (stalled, idle, slow, silent):
            read_to_end(connection)
        with contextlib.suppress(ConnectionResetError):
            reading.response.read()


@BOTH_SIGNALS
def test_ends_while_nobody_is_there(server: XServer, number: signal.Signals) -> None:
    with webcapd("--display", server.name) as program:
        assert program.stop(number) == 0
        assert len(program.own_lines()) == 1, program.lines


@pytest.mark.parametrize("shm", ["fd", "off"])
def test_ends_while_the_x_server_does_not_answer(server: XServer, shm: str) -> None:
    with (
        webcapd("--display", server.name, "--shm", shm) as program,
        painter(server) as brush,
        mjpeg.stream(program) as stream,
    ):
        stream.part()
        brush.noise(1)
        server.process.send_signal(signal.SIGSTOP)
        try:
            # This answer shows that the encoder waits for the server in vain.
            status, headers, sentence = program.get("/?snapshot")
            assert status == 503, sentence
            assert "Retry-After" in headers
            assert program.stop() == 0, program.lines
            assert all(line.startswith("webcapd: ") for line in program.lines), program.lines
        finally:
            server.process.send_signal(signal.SIGCONT)


def test_ends_while_the_x_server_is_gone_quiet_and_nobody_watches(server: XServer) -> None:
    with webcapd("--display", server.name) as program:
        server.process.send_signal(signal.SIGSTOP)
        try:
            assert program.stop() == 0, program.lines
        finally:
            server.process.send_signal(signal.SIGCONT)


def handles(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of its own for a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(re.findall(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)[0], 16)
    return bool(caught >> (number - 1) & 1)


def test_ends_while_the_x_server_does_not_answer_at_the_start(server: XServer) -> None:
    server.process.send_signal(signal.SIGSTOP)
    program = Webcapd("--display", server.name, "--port", "0")
    pid = program.process.pid
    try:
        wait_until("webcapd minds the signal", lambda: handles(pid, signal.SIGTERM))
        assert program.stop() == 0, program.lines
    finally:
        program.process.kill()
        program.ended()
        server.process.send_signal(signal.SIGCONT)


def test_port_is_free_afterwards(server: XServer) -> None:
    # None that anybody else is given in between.
    port = free_port()
    # A connection that we end is the one that TCP keeps a port busy for.
    with (
        webcapd("--display", server.name, "--port", str(port)) as first,
        client(first, SNAPSHOT) as connection,
    ):
        assert connection.recv(4096)
        assert first.stop() == 0
    with webcapd("--display", server.name, "--port", str(port)) as second:
        assert second.port == port
        assert second.snapshot()


def test_taken_port_is_named_in_one_sentence(server: XServer) -> None:
    with webcapd("--display", server.name) as first:
        port = str(first.port)
        status, said = run_to_end("--display", server.name, "--port", port)
        assert status == 1
        assert_one_sentence(said, f"{port}.*in use")
        assert first.snapshot()


def test_address_of_another_machine_is_named_in_one_sentence(server: XServer) -> None:
    # Set aside for documentation: no machine has it.
    options = ("--port", "0", "--v4bindaddress", "192.0.2.1")
    status, said = run_to_end("--display", server.name, *options)
    assert status == 1
    assert_one_sentence(said, "192.0.2.1")


@pytest.mark.parametrize("name", [":4242", "127.0.0.1:4242", "no-such-host.invalid:0"])
def test_display_out_of_reach_is_named_in_one_sentence(name: str) -> None:
    status, said = run_to_end("--display", name, "--port", "0")
    assert status == 1
    assert_one_sentence(said, re.escape(name))


def test_name_that_is_none_is_named_in_one_sentence() -> None:
    status, said = run_to_end("--display", "nonsense", "--port", "0")
    assert status == 2
    assert_one_sentence(said, "nonsense.* no display name")


def test_display_that_refuses_is_named_with_the_remedy(tmp_path: Path) -> None:
    cookies = tmp_path / "cookies"
    fields = (b"", b"", b"MIT-MAGIC-COOKIE-1", secrets.token_bytes(16))
    wild = struct.pack(">H", 0xFFFF)
    cookies.write_bytes(wild + b"".join(struct.pack(">H", len(f)) + f for f in fields))
    none = tmp_path / "none"
    none.touch()
    with xvfb(320, 240, "-auth", str(cookies)) as server:
        status, said = run_to_end(
            "--display", server.name, "--port", "0", environment={"XAUTHORITY": str(none)}
        )
    assert status == 1
    assert_one_sentence(said, f"{server.name}.*refuses.*XAUTHORITY")
