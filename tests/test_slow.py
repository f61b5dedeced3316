"""Slow clients beside fast ones, over real sockets."""

import contextlib
import io
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import mjpeg
from motion import moving
from painter import Painter, painter
from PIL import Image
from program import TIMEOUT, Webcapd, webcapd
from waiting import wait_until
from xserver import XServer


class SlowReader:
    """Reads a stream at a bounded rate, in a thread of its own."""

    def __init__(self, program: Webcapd) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        self._socket.connect((program.host, program.port))
        host, port = self._socket.getsockname()
        self.name = f"{host}:{port}"
        self._socket.sendall(b"GET /?stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.bytes_per_second = 0.0
        self._program = program
        self._thread = threading.Thread(target=self._read, name="slow-reader")
        self._ended = threading.Event()

    def start(self, bytes_per_second: float) -> None:
        self.bytes_per_second = bytes_per_second
        self._thread.start()

    def _read(self) -> None:
        # This pause is what a slow link is; nothing is synchronised by it.
        while not self._ended.wait(4096 / self.bytes_per_second):
            with contextlib.suppress(TimeoutError):
                if not self._socket.recv(4096):
                    return

    def seen(self) -> dict[str, Any] | None:
        """Give what the server says of this client, None if it has none like it."""
        clients = self._program.info()["clients"]
        return next((client for client in clients if client["client"] == self.name), None)

    def close(self) -> None:
        self._ended.set()
        self._socket.settimeout(0.1)
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()


@contextlib.contextmanager
def slow_reader(program: Webcapd) -> Iterator[SlowReader]:
    reader = SlowReader(program)
    try:
        yield reader
    finally:
        reader.close()


def noisy(brush: Painter, number: int) -> None:
    """Fill the screen with what makes large frames, not the same twice."""
    brush.noise(number)
    time.sleep(0.05)


def level(reader: SlowReader) -> int:
    seen = reader.seen()
    return int(seen["level"]) if seen else 0


def test_slow_client_goes_down_and_comes_back_and_a_fast_one_never_waits(server: XServer) -> None:
    with (
        webcapd("--display", server.name, "--max-age", "0.4") as program,
        moving(server, noisy),
        slow_reader(program) as slow,
        mjpeg.stream(program) as fast,
    ):
        slow.start(100_000)
        # Who is fast reads on meanwhile.
        wait_until("the slow client is lowered", lambda: fast.part() and level(slow) > 0)
        seen = slow.seen()
        assert seen
        sent = seen["frames"]
        for _ in range(30):
            fast.part()
        seen = slow.seen()
        assert seen
        assert seen["frames"] - sent < 30
        qualities = {form["fixedQuality"] for form in program.info()["encoder"]["variants"]}
        assert qualities & {60, 45, 30}
        slow.bytes_per_second = 1e9
        # Each level is tried for a while, and longer once a try failed.
        wait_until("it has its quality back", lambda: level(slow) == 0, 4 * TIMEOUT)


def test_client_that_never_reads_is_dropped(server: XServer) -> None:
    with (
        webcapd("--display", server.name) as program,
        moving(server, noisy),
        slow_reader(program) as stuck,
    ):
        wait_until("it is served", stuck.seen)
        wait_until("it is dropped", lambda: stuck.seen() is None)
        with mjpeg.stream(program) as other:
            other.part()


def test_pictures_of_a_slow_client_are_no_older_than_allowed(server: XServer) -> None:
    with (
        webcapd("--display", server.name, "--max-age", "0.6") as program,
        moving(server, noisy),
        slow_reader(program) as slow,
    ):
        slow.start(1_000_000)

        def young() -> bool:
            seen = slow.seen()
            return bool(seen and seen["frames"] > 20 and seen["ageMs"] <= 600)

        wait_until("its pictures are young enough", young)


def test_first_picture_of_another_level_is_of_now(server: XServer) -> None:
    """A variant that nobody has followed for a while holds the picture of that time."""
    with webcapd("--display", server.name, "--max-age", "0.4") as program:
        with painter(server) as brush:
            brush.fill(0xFF0000)
            for quality in (60, 45, 30):
                assert program.get(f"/?snapshot&quality={quality}")[0] == 200
        contrasts: list[float] = []
        with moving(server, noisy), mjpeg.stream(program) as stream:
            # It reads too slowly until it is lowered, and a little longer.
            while not (lowered := program.info()["clients"][0]["level"]) or len(contrasts) < 30:
                time.sleep(0 if lowered else 0.5)
                contrasts.append(mjpeg.decode(stream.part().body)[:, :, 0].std())
        # A flat red picture has no contrast in its blue; noise has.
        assert min(contrasts) > 20


def tables(jpeg: bytes) -> Any:
    """Give the quantization tables of a JPEG: its quality."""
    return Image.open(io.BytesIO(jpeg)).quantization  # type: ignore[attr-defined]


def test_slow_client_gets_its_quality_while_the_screen_rests(server: XServer) -> None:
    """And what moves then comes in the lower one again."""
    with (
        webcapd("--display", server.name, "--max-age", "0.4") as program,
        mjpeg.stream(program) as stream,
    ):
        for _ in range(2):
            with moving(server, noisy):
                # It reads too slowly until it is lowered.
                while not program.info()["clients"][0]["level"]:
                    time.sleep(0.5)
                    stream.part()
            with painter(server) as brush:
                brush.noise(1)
                still = mjpeg.encode(server.pixels())
                stream.until(mjpeg.decode(still))
                assert program.info()["clients"][0]["level"] > 0
                brush.rectangle(0xFF0000, 0, 0, 64, 64)
                wait_until("it moves", lambda: tables(stream.part().body) != tables(still))  # noqa: B023
