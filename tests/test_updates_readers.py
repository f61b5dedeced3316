"""Readers of updates that are slow, hostile, or no longer welcome, and proxies before them."""

import contextlib
import http.client
import socket
import statistics
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from motion import moving
from painter import Painter, painter
from program import TIMEOUT, Webcapd, webcapd
from test_foreign_proxies import NGINX, nginx
from updateclient import UpdateClient, updates
from updatereader import UpdateReader
from waiting import wait_until
from xserver import XServer

from ports import free_port

# SO_LINGER that has close() send a reset.
ABORT = struct.pack("ii", 1, 0)


def noisy(brush: Painter, number: int) -> None:
    """Fill the screen with what makes large updates, not the same twice."""
    brush.noise(number)
    time.sleep(0.05)


class RawReader:
    """A connection that reads updates at a bounded rate, or not at all."""

    def __init__(self, program: Webcapd) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        self.socket.connect((program.host, program.port))
        host, port = self.socket.getsockname()
        self.name = f"{host}:{port}"
        self.socket.sendall(b"GET /?updates HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.reader = UpdateReader(self._mark)
        self.bytes = 0
        self.marks: list[tuple[float, bool]] = []
        """Of each mark, how old it was when it came, and whether it was whole."""
        self._program = program
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    def _mark(self) -> None:
        self.marks.append((time.time() - self.reader.captured / 1e6, self.reader.whole))

    def start(self, bytes_per_second: float, piece: int = 4096) -> None:
        self._thread = threading.Thread(target=self._read, args=(bytes_per_second, piece))
        self._thread.start()

    def _read(self, bytes_per_second: float, piece: int) -> None:
        head = b""
        try:
            while b"\r\n\r\n" not in head:
                head += self.socket.recv(1)
            # This pause is what a slow link is; nothing is synchronised by it.
            while not self._ended.wait(piece / bytes_per_second):
                data = self.socket.recv(piece)
                if not data:
                    return
                self.reader.feed(data)
                self.bytes += len(data)
        except OSError:
            pass
        except BaseException as error:
            self._failure = error

    def shows(self, server: XServer) -> bool:
        shown, wanted = self.reader.picture[..., ::-1], server.pixels()
        return shown.shape == wanted.shape and bool((shown == wanted).all())

    def wait_for(self, server: XServer) -> None:
        wait_until("the picture", lambda: self.shows(server))

    def wait_for_bytes(self, count: int) -> None:
        before = self.bytes
        wait_until("more bytes", lambda: self.bytes >= before + count)

    def is_served(self) -> bool:
        return any(one["client"] == self.name for one in self._program.info()["clients"])

    def close(self) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join(TIMEOUT)
        self.socket.close()
        if self._failure is not None:
            raise self._failure


@contextlib.contextmanager
def raw_reader(program: Webcapd) -> Iterator[RawReader]:
    reader = RawReader(program)
    try:
        yield reader
    finally:
        reader.close()


def test_slow_reader_gets_the_newest_in_slices_and_a_fast_one_never_waits(server: XServer) -> None:
    with (
        webcapd("--display", server.name) as program,
        moving(server, noisy),
        raw_reader(program) as slow,
        updates(program) as fast,
    ):
        slow.start(400_000)
        wait_until("slices come", lambda: sum(not whole for _, whole in slow.marks) > 30)
        before = fast.marks
        wait_until("the fast one goes on", lambda: fast.marks > before + 10)
        fast.check()

        def usual_age() -> float:
            return statistics.median(age for age, _ in slow.marks[-30:])

        # What stands in the buffers of kernels on the way is a good part of it here.
        wait_until("what comes is of now", lambda: usual_age() < 1.5)


def test_slow_reader_comes_to_the_picture_once_it_rests(server: XServer) -> None:
    with webcapd("--display", server.name) as program, raw_reader(program) as slow:
        slow.start(400_000)
        with moving(server, noisy):
            wait_until("slices come", lambda: sum(not whole for _, whole in slow.marks) > 5)
        with painter(server) as brush:
            brush.fill(0x123456)
            brush.rectangle(0xFFFF00, 30, 40, 50, 60)
            slow.wait_for(server)


@pytest.mark.parametrize("bytes_per_second", [0, 1])
def test_reader_that_takes_next_to_nothing_is_dropped(
    server: XServer, bytes_per_second: int
) -> None:
    with (
        webcapd("--display", server.name) as program,
        moving(server, noisy),
        raw_reader(program) as stuck,
        updates(program) as other,
    ):
        if bytes_per_second:
            stuck.start(bytes_per_second, 1)
        wait_until("it is served", stuck.is_served)
        wait_until("it is dropped", lambda: not stuck.is_served(), 90)
        before = other.marks
        wait_until("another one goes on", lambda: other.marks > before + 3)


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_half_closed_connection_is_served_and_its_end_is_noticed_at_rest(
    server: XServer, how: str
) -> None:
    """Its last close sends nothing: only a record that it refuses tells of that."""
    options = ("--display", server.name, "--keepalive", "9")
    with webcapd(*options) as program, painter(server) as brush:
        with raw_reader(program) as half:
            half.start(1e9)
            wait_until("the first picture", lambda: half.marks)
            half.socket.shutdown(socket.SHUT_WR)
            for colour in (0xFF0000, 0x00FF00):
                brush.fill(colour)
                half.wait_for(server)
                # Records that ask whether it is there do it no harm.
                half.wait_for_bytes(2 * 12)
            assert half.is_served()
            if how == "reset":
                half.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        # Before the next keepalive would tell.
        wait_until("it has left", lambda: not half.is_served(), 8)


def test_keepalives_come_at_rest(server: XServer) -> None:
    options = ("--display", server.name, "--keepalive", "0.5")
    with webcapd(*options) as program, updates(program) as client:
        wait_until("the first picture", lambda: client.marks)
        before = client.bytes
        wait_until("keepalives", lambda: client.bytes >= before + 3 * 12)
        client.check()


def in_seconds(seconds: float) -> str:
    """Write a moment to come as a file of tokens does."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() + seconds))


@pytest.mark.parametrize("how", ["removed", "expired"])
def test_revoked_token_ends_it_with_a_word(server: XServer, tmp_path: Path, how: str) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("sesame-open-1234567\n")
    tokens.chmod(0o600)
    with webcapd("--display", server.name, "--token-file", str(tokens)) as program:
        assert program.get("/?updates")[0] == 401
        assert program.get("/?updates&once=1&token=wrong")[0] == 401
        if how == "expired":
            # Time enough to begin by; it is cut short when that is done.
            tokens.write_text(f"sesame-open-1234567 {in_seconds(600)}\n")
        with updates(program, "&token=sesame-open-1234567") as client:
            wait_until("the first picture", lambda: client.marks)
            if how == "removed":
                tokens.write_text("another-token-1234567\n")
            else:
                tokens.write_text(f"sesame-open-1234567 {in_seconds(3)}\n")
            assert client.wait_for_end() == "revoked"


def test_server_that_stops_says_so(server: XServer) -> None:
    with webcapd("--display", server.name) as program, updates(program) as client:
        wait_until("the first picture", lambda: client.marks)
        assert program.stop() == 0
        assert client.wait_for_end() == "stopping"


def test_limits_are_those_of_streams(server: XServer) -> None:
    with webcapd("--display", server.name, "--max-clients", "1") as program:
        with updates(program) as client:
            wait_until("the first picture", lambda: client.marks)
            assert program.get("/?updates")[0] == 503
            seen = program.info()["clients"]
            assert [one["form"]["pointerIn"] for one in seen] == [False]
            lines = program.get("/?metrics")[2].decode().splitlines()
            assert "webcapd_streams 1.0" in lines
        program.wait_for_line(lambda line: "watched for" in line)


def test_many_readers_share_what_is_sent(server: XServer) -> None:
    with webcapd("--display", server.name) as program, contextlib.ExitStack() as held:
        clients = [held.enter_context(updates(program)) for _ in range(20)]
        with painter(server) as brush:
            for number in range(10):
                brush.rectangle(number * 0x1234567 & 0xFFFFFF, number * 20, 30, 10, 12)
            for client in clients:
                client.wait_for(server.pixels)
            # What comes last may change no pixel.
            wait_until(
                "all are at the same update",
                lambda: len({client.reader.sequence for client in clients}) == 1,
            )


@contextlib.contextmanager
def through_nginx(program: Webcapd, folder: Path) -> Iterator[int]:
    """Run a stock nginx before webcapd; gives its port."""
    port = free_port()
    lines = f"location / {{ proxy_pass http://127.0.0.1:{program.port}; }}"
    text = NGINX.format(folder=folder, port=port, block=lines)
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(nginx(folder, text), stdout=log, stderr=log)

    def listens() -> bool:
        with contextlib.closing(socket.socket()) as connection:
            return connection.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until("nginx listens", listens)
        yield port
    finally:
        running.terminate()
        running.wait(TIMEOUT)


def test_stock_nginx_passes_updates_on_at_once(server: XServer, tmp_path: Path) -> None:
    with (
        webcapd("--display", server.name, "--keepalive", "9") as program,
        painter(server) as brush,
        through_nginx(program, tmp_path) as port,
    ):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        client = UpdateClient(connection, Accept_Encoding="gzip")
        try:
            for number in range(5):
                brush.rectangle(0xFF8000, number * 30, 20, 13, 14)
                client.wait_for(server.pixels)
        finally:
            client.close()
