"""The one thread behind all streams."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import mjpeg
import numpy as np
import pytest
from motion import moving
from painter import painter
from program import Webcapd, webcapd
from rawhttp import RawClient, raw
from waiting import wait_until
from xserver import Pixels, XServer

MANY = 60
WIDTH = 640


@pytest.fixture
def still(server: XServer) -> Iterator[Webcapd]:
    """Run webcapd on a screen that rests, and never send a frame again of itself."""
    with webcapd("--display", server.name, "--keepalive", "9") as program:
        yield program


def threads(program: Webcapd) -> int:
    return len(list(Path(f"/proc/{program.process.pid}/task").iterdir()))


def watching(program: Webcapd) -> int:
    count: int = program.info()["stats"]["sessionCount"]
    return count


def begin(client: RawClient, target: str = "/?stream") -> None:
    """Ask for a stream, and read its head and first boundary."""
    client.request(target)
    assert client.head().code == 200
    client.until(b"\r\n")


def part(client: RawClient) -> bytes:
    """Read one part, and the boundary behind it."""
    headers = client.until(b"\r\n\r\n").decode().split("\r\n")
    (length,) = [line.partition(": ")[2] for line in headers if line.startswith("Content-Length")]
    picture = client.exactly(int(length))
    client.until(b"\r\n")
    client.until(b"\r\n")
    return picture


def wait_for(client: RawClient, picture: Pixels) -> None:
    """Read parts until one is this picture."""
    wait_until("the client sees it", lambda: np.array_equal(mjpeg.decode(part(client)), picture))


def test_many_streams_take_one_thread(server: XServer) -> None:
    with webcapd("--display", server.name) as program, contextlib.ExitStack() as clients:
        streams = [clients.enter_context(raw(program)) for _ in range(MANY)]
        for one in streams:
            begin(one)
        # Those of the requests are gone when these have been answered.
        wait_until("few threads", lambda: threads(program) < 10)
        with painter(server) as brush:
            # Small pictures: who is read last would be taken for a slow client.
            for colour in (0xF00000, 0x00F000, 0x0000F0):
                brush.fill(colour)
                wanted = mjpeg.decode(mjpeg.encode(server.pixels()))
                for one in streams:
                    wait_for(one, wanted)
        assert watching(program) == MANY


def test_each_gets_its_own_form_and_rate(server: XServer) -> None:
    with (
        webcapd("--display", server.name) as program,
        raw(program) as plain,
        raw(program) as small,
        raw(program) as seldom,
        moving(server, lambda brush, number: brush.noise(number)),
    ):
        begin(plain)
        begin(small, "/?stream&width=64")
        begin(seldom, "/?stream&fps=2")
        for _ in range(8):
            assert mjpeg.decode(part(plain)).shape[1] == WIDTH
            assert mjpeg.decode(part(small)).shape[1] == 64
        assert mjpeg.decode(part(seldom)).shape[1] == WIDTH

        def has_fewer() -> bool:
            part(plain), part(small)
            frames = sorted(client["frames"] for client in program.info()["clients"])
            return bool(frames[0] < frames[1])

        # The more come, the more it lags behind: not at once where all are slow.
        wait_until("who asks for few gets fewer", has_fewer)


def test_reset_connection_is_noticed_while_the_screen_rests(still: Webcapd) -> None:
    connection = socket.create_connection((still.host, still.port))
    client = RawClient(connection)
    begin(client)
    part(client)
    wait_until("it watches", lambda: watching(still) == 1)
    # What has come is counted a little later.
    frames = wait_until("it is counted", lambda: still.info()["clients"][0]["frames"])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    wait_until("it is gone", lambda: watching(still) == 0)
    assert f"{frames} frames" in still.wait_for_line(lambda line: "until it left" in line)


def test_client_that_leaves_is_noticed_while_the_screen_rests(still: Webcapd) -> None:
    """Its side refuses the part that asks whether it is still there."""
    with raw(still) as client:
        begin(client)
        part(client)
        wait_until("it watches", lambda: watching(still) == 1)
    wait_until("it is gone", lambda: watching(still) == 0)


def test_client_that_only_said_all_it_had_to_say_is_served_on(
    still: Webcapd, server: XServer
) -> None:
    connection = socket.create_connection((still.host, still.port), 30)
    with contextlib.closing(RawClient(connection)) as client, painter(server) as brush:
        begin(client)
        first = part(client)
        connection.shutdown(socket.SHUT_WR)
        assert part(client) == first
        for seed in (1, 2):
            brush.noise(seed)
            wanted = mjpeg.decode(mjpeg.encode(server.pixels()))
            wait_for(client, wanted)
    # Its last close sends nothing: only a part that its side refuses tells of that.
    wait_until("it is gone", lambda: watching(still) == 0, 7)


def test_client_that_chats_on_is_served_on(still: Webcapd, server: XServer) -> None:
    with raw(still) as client, painter(server) as brush:
        begin(client)
        part(client)
        client.send(b"GET /?info HTTP/1.1\r\n\r\n" * 1000)
        brush.noise(7)
        wanted = mjpeg.decode(mjpeg.encode(server.pixels()))
        wait_for(client, wanted)


def test_stop_ends_all_streams_and_says_so(server: XServer) -> None:
    with webcapd("--display", server.name) as program, contextlib.ExitStack() as clients:
        for _ in range(5):
            begin(clients.enter_context(raw(program)))
        wait_until("all watch", lambda: watching(program) == 5)
        program.process.terminate()
        assert program.process.wait() == 0
        wait_until(
            "all are told",
            lambda: sum("until the server stops" in line for line in program.lines) == 5,
        )
