"""Where it listens: several addresses, both versions of IP, socket files, systemd's sockets."""

import contextlib
import fcntl
import http.client
import json
import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from program import TIMEOUT, Webcapd, run_to_end, webcapd
from rawhttp import RawClient
from waiting import wait_until
from xserver import XServer

from ports import free_port

# Puts descriptors where systemd puts them, and says so to the program it becomes.
HAND_OVER = """
first=3
for descriptor in $GIVEN; do eval "exec $first<&$descriptor $descriptor<&-"; ((first++)); done
unset GIVEN
LISTEN_FDNAMES=web LISTEN_FDS=$((first - 3)) LISTEN_PID=${PID-$$} exec "$@"
"""


class SocketFile(http.client.HTTPConnection):
    """HTTP by way of a socket file."""

    def __init__(self, path: Path | str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


def connection_to(url: str) -> http.client.HTTPConnection:
    if url.startswith("unix:"):
        return SocketFile(url.removeprefix("unix:"))
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)


def serves(url: str) -> bool:
    """Ask an address for a picture."""
    with contextlib.closing(connection_to(url)) as connection:
        connection.request("GET", "/?snapshot")
        answer = connection.getresponse()
        return (answer.status, answer.read()[:2]) == (200, b"\xff\xd8")


@contextlib.contextmanager
def raw_on(path: Path) -> Iterator[RawClient]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT)
        connection.connect(str(path))
        with contextlib.closing(RawClient(connection)) as client:
            yield client


@contextlib.contextmanager
def given_sockets(*sockets: socket.socket) -> Iterator[tuple[int, ...]]:
    """Give descriptors out of the way of those that they shall become."""
    with contextlib.ExitStack() as stack:
        numbers = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD_CLOEXEC, 20) for one in sockets]
        for number in numbers:
            stack.callback(os.close, number)
        yield tuple(numbers)


@contextlib.contextmanager
def activated(sockets: list[socket.socket], *arguments: str, pid: str = "") -> Iterator[Webcapd]:
    """Run webcapd as systemd does, with sockets that it has opened."""
    with given_sockets(*sockets) as numbers:
        environment = {"GIVEN": " ".join(map(str, numbers))} | ({"PID": pid} if pid else {})
        with webcapd(
            *arguments,
            environment=environment,
            wrapper=("bash", "-c", HAND_OVER, "bash"),
            descriptors=numbers,
        ) as program:
            yield program


def listening(family: int, address: object) -> socket.socket:
    one = socket.socket(family)
    one.bind(address)  # type: ignore[arg-type]
    one.listen()
    return one


def test_several_addresses_are_listened_on_and_no_other(server: XServer) -> None:
    # One that nobody is given meanwhile, at the other addresses.
    port = str(free_port())
    with webcapd(
        *("--display", server.name, "--v4bindaddress", "127.0.0.9", "--port", port),
        *("--listen", "127.0.0.2", "--listen", "127.0.0.3:0", "--listen", "[::1]:0"),
    ) as program:
        hosts = [urlsplit(url).hostname for url in program.urls]
        assert hosts == ["127.0.0.2", "127.0.0.3", "::1"]
        assert all(map(serves, program.urls))
        assert program.info()["config"]["listen"] == ["127.0.0.2", "127.0.0.3:0", "[::1]:0"]
        for other in ("127.0.0.1", "127.0.0.9"):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((other, program.port), TIMEOUT)


@pytest.mark.parametrize("version", ["6", "46"])
def test_ip_versions_are_listened_on_as_asked(server: XServer, version: str) -> None:
    with webcapd("--display", server.name, "--ipv", version) as program:
        hosts = [urlsplit(url).hostname for url in program.urls]
        assert hosts == [{"4": "127.0.0.1", "6": "::1"}[one] for one in version]
        assert all(map(serves, program.urls))


def test_both_wildcards_can_be_had_on_one_port(server: XServer) -> None:
    port = str(free_port())
    wild = ("--ipv", "46", "--v4bindaddress", "0.0.0.0", "--v6bindaddress", "::")
    with webcapd("--display", server.name, *wild, "--port", port) as program:
        assert serves(f"http://127.0.0.1:{port}/")
        assert serves(f"http://[::1]:{port}/")
        program.wait_for_line(lambda line: "whoever can reach that address" in line)


def test_taken_address_among_several_is_refused_in_one_line(
    server: XServer, tmp_path: Path
) -> None:
    with listening(socket.AF_INET, ("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        path = tmp_path / "socket"
        status, said = run_to_end(
            *("--display", server.name, "--unix", str(path)),
            *("--listen", "127.0.0.2:0", "--listen", taken),
        )
    assert status == 1
    assert said.count("\n") == 0
    assert "cannot listen on 127.0.0.1" in said
    assert not path.exists()


def test_socket_file_is_served_alone_with_its_mode_and_removed(
    server: XServer, tmp_path: Path
) -> None:
    path = tmp_path / "socket"
    with webcapd("--display", server.name, "--unix", str(path), "--unix-mode", "606") as program:
        assert program.urls == [f"unix:{path}"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o606
        assert serves(program.url)
        with raw_on(path) as client:
            client.request("/?stream")
            assert client.head().code == 200
            with contextlib.closing(SocketFile(path)) as asking:
                asking.request("GET", "/?info")
                info = json.load(asking.getresponse())
            assert [one["client"].split("#")[0] for one in info["clients"]] == ["unix"]
        # Nobody is warned of: only this machine reaches it.
        assert len(program.own_lines()) == 1
    assert not path.exists()


def test_socket_file_has_a_state_for_those_who_name_no_host(
    server: XServer, tmp_path: Path
) -> None:
    path = tmp_path / "socket"
    with webcapd("--display", server.name, "--unix", str(path)), raw_on(path) as client:
        client.send(b"GET /?info HTTP/1.0\r\n\r\n")
        info = json.loads(client.body(client.head()))
        assert info["stats"]["server"] == "unix"


def test_socket_file_and_addresses_are_served_together(server: XServer, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    both = ("--unix", str(path), "--listen", "127.0.0.1:0")
    with webcapd("--display", server.name, *both) as program:
        assert len(program.urls) == 2
        assert all(map(serves, program.urls))


def test_socket_file_of_a_server_that_was_killed_is_replaced(
    server: XServer, tmp_path: Path
) -> None:
    path = tmp_path / "socket"
    killed = Webcapd("--display", server.name, "--unix", str(path)).wait_ready()
    assert killed.stop(signal.SIGKILL) == -signal.SIGKILL
    assert path.is_socket()
    with webcapd("--display", server.name, "--unix", str(path)) as program:
        assert serves(program.url)
    assert not path.exists()


def test_socket_file_of_somebody_else_is_left_alone(server: XServer, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with listening(socket.AF_UNIX, str(path)):
        status, said = run_to_end("--display", server.name, "--unix", str(path))
        assert (status, said.count("\n")) == (1, 0)
        assert "somebody listens there already" in said
        with socket.socket(socket.AF_UNIX) as still:
            still.connect(str(path))


@pytest.mark.parametrize("kind", ["file", "link to nothing", "folder"])
def test_what_is_no_socket_is_left_alone(server: XServer, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "socket"
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "nowhere")
    status, said = run_to_end("--display", server.name, "--unix", str(path))
    assert (status, said.count("\n")) == (1, 0)
    assert "it is no socket" in said
    assert os.path.lexists(path)
    assert kind != "file" or path.read_text() == "precious"


def test_socket_file_that_cannot_be_is_refused_in_one_line(server: XServer, tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "socket", tmp_path / ("x" * 120)):
        status, said = run_to_end("--display", server.name, "--unix", str(path))
        assert (status, said.count("\n")) == (1, 0)
        assert f"cannot listen on {path}: " in said


def test_socket_file_of_a_successor_is_left_to_it(server: XServer, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with webcapd("--display", server.name, "--unix", str(path)):
        path.unlink()
        successor = listening(socket.AF_UNIX, str(path))
    with successor:
        assert path.is_socket()


def test_sockets_that_systemd_opened_are_taken_over(server: XServer, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with (
        listening(socket.AF_INET, ("127.0.0.1", 0)) as tcp,
        listening(socket.AF_UNIX, str(path)) as unix,
        activated([tcp, unix], "--display", server.name) as program,
    ):
        assert program.urls == [f"http://127.0.0.1:{tcp.getsockname()[1]}/", f"unix:{path}"]
        assert all(map(serves, program.urls))
    # It is systemd's, which will start us with it again.
    assert path.is_socket()


def test_addresses_are_listened_on_beside_systemds_sockets(server: XServer) -> None:
    with (
        listening(socket.AF_INET, ("127.0.0.1", 0)) as tcp,
        activated([tcp], "--display", server.name, "--listen", "127.0.0.2:0") as program,
    ):
        assert [urlsplit(url).hostname for url in program.urls] == ["127.0.0.1", "127.0.0.2"]
        assert all(map(serves, program.urls))


def test_sockets_for_another_process_are_not_ours(server: XServer) -> None:
    with (
        listening(socket.AF_INET, ("127.0.0.1", 0)) as tcp,
        activated([tcp], "--display", server.name, pid="1") as program,
    ):
        assert program.port != tcp.getsockname()[1]
        assert serves(program.url)


def test_handed_over_socket_that_does_not_listen_is_refused(server: XServer) -> None:
    with socket.socket() as idle, given_sockets(idle) as numbers:
        program = Webcapd(
            *("--display", server.name),
            environment={"GIVEN": str(numbers[0])},
            wrapper=("bash", "-c", HAND_OVER, "bash"),
            descriptors=numbers,
        )
        assert program.ended() == 1
    (line,) = program.lines
    assert "does not listen" in line


def test_program_in_the_embedded_display_knows_nothing_of_systemds_sockets(tmp_path: Path) -> None:
    """It could take them for its own, or hold them open."""
    seen = tmp_path / "seen"
    tell = f"(env; ls -l /proc/$$/fd) > {seen}.part; mv {seen}.part {seen}; exec sleep 60"
    with (
        listening(socket.AF_INET, ("127.0.0.1", 0)) as tcp,
        activated([tcp], "--virtual", "160x120", "--", "bash", "-c", tell),
    ):
        wait_until("the program has told what it sees", seen.exists)
    assert "DISPLAY=" in seen.read_text()
    assert "LISTEN_" not in seen.read_text()
    assert "socket:" not in seen.read_text()
