"""The bytes on the wire, seen through a bare socket."""

import re
from collections.abc import Iterator

import mjpeg
import numpy as np
import pytest
from program import Webcapd, webcapd
from rawhttp import Head, RawClient, raw
from xserver import XServer, xvfb

STREAM_TYPE = re.compile(r"multipart/x-mixed-replace;boundary=([a-z-]+)")
PART_HEADERS = re.compile(
    rb"Content-Type: image/jpeg\r\n"
    rb"Content-Length: (\d+)\r\n"
    rb"X-Timestamp: \d+\.\d{6}\r\n"
    rb"\r\n"
)


@pytest.fixture(scope="module")
def screen() -> Iterator[XServer]:
    """Run a screen on which nothing ever moves."""
    with xvfb(96, 64) as running:
        yield running


@pytest.fixture(scope="module")
def program(screen: XServer) -> Iterator[Webcapd]:
    """Serve it; a frame comes a second time only after the longest possible rest."""
    with webcapd("--display", screen.name, "--keepalive", "9") as running:
        yield running


def boundary_of(head: Head) -> bytes:
    match = STREAM_TYPE.fullmatch(head.headers["content-type"])
    assert match, head.lines
    return b"--" + match[1].encode() + b"\r\n"


def frames_sent(program: Webcapd, client: RawClient) -> int:
    """Ask how many frames a streaming client has been sent."""
    (sent,) = (one["frames"] for one in program.info()["clients"] if one["client"] == client.name)
    return int(sent)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_stream_head_promises_no_length_and_no_chunks(program: Webcapd, version: str) -> None:
    with raw(program) as client:
        client.request("/?stream", version=version)
        head = client.head()
        assert head.status == "HTTP/1.1 200 OK"
        boundary_of(head)
        assert head.headers["connection"] == "close"
        assert head.headers["cache-control"] == "no-store"
        assert not {"transfer-encoding", "content-length"} & head.headers.keys()


def test_exact_part_has_length_and_time_and_the_next_boundary(
    program: Webcapd, screen: XServer
) -> None:
    with raw(program) as client:
        client.request("/?stream", "User-Agent: curl/7.88.1")
        boundary = boundary_of(client.head())
        assert client.exactly(len(boundary)) == boundary
        part = PART_HEADERS.fullmatch(client.until(b"\r\n\r\n"))
        assert part
        jpeg = client.exactly(int(part[1]))
        assert np.array_equal(mjpeg.decode(jpeg), mjpeg.decode(mjpeg.encode(screen.pixels())))
        # All this came with the first frame, and not at the head of the second.
        assert client.exactly(len(boundary) + 2) == b"\r\n" + boundary
        assert frames_sent(program, client) <= 1


def test_advance_part_is_followed_by_the_next_headers(program: Webcapd) -> None:
    with raw(program) as client:
        client.request("/?stream&advance=1")
        opening = boundary_of(client.head()) + b"Content-Type: image/jpeg\r\n\r\n"
        assert client.exactly(len(opening)) == opening
        jpeg = client.until(b"\r\n" + opening).removesuffix(b"\r\n" + opening)
        mjpeg.decode(jpeg)
        assert frames_sent(program, client) <= 1


@pytest.mark.parametrize("value", ["2", "", "true", "%0A", "%0D%0AX-Evil:%201", "%C3%BC"])
def test_advance_of_another_value_is_refused_in_one_line(program: Webcapd, value: str) -> None:
    with raw(program) as client:
        client.request(f"/?stream&advance={value}")
        head = client.head()
        assert head.code == 400
        assert one_line(client.body(head))
        # Whoever is refused before there is a stream may ask for something else.
        client.request("/?health", "Connection: close")
        assert client.head().code == 200


def one_line(body: bytes) -> bool:
    text = body.decode()
    return text.endswith("\n") and text[:-1].isprintable()


def test_resting_screen_sends_the_same_complete_part_again(screen: XServer) -> None:
    with (
        webcapd("--display", screen.name, "--keepalive", "0.5") as program,
        raw(program) as client,
    ):
        client.request("/?stream&advance=0")
        boundary = boundary_of(client.head())
        client.exactly(len(boundary))
        first, second, third = (client.until(b"\r\n" + boundary) for _ in range(3))
        assert first == second == third


def comparable(head: Head, also: str = "") -> list[str]:
    """Give a head but for what differs from moment to moment."""
    fleeting = ("Date:", "X-Timestamp:", *([also] if also else []))
    return [head.status, *(line for line in head.lines if not line.startswith(fleeting))]


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/?snapshot",
        "/snapshot",
        "/snapshot.jpg",
        "/video.mjpg",
        "/favicon.ico",
        "/?info",
        "/?stream",
        "/stream",
        "/nothing",
        "/?stream&advance=2",
    ],
)
def test_head_request_gets_the_headers_alone(program: Webcapd, target: str) -> None:
    with raw(program) as client, raw(program) as other:
        client.request(target, "Connection: close", method="HEAD")
        other.request(target, "Connection: close")
        head, expected = client.head(), other.head()
        # The state page tells the uptime, in more or fewer digits.
        also = "Content-Length:" if target == "/?info" else ""
        assert comparable(head, also) == comparable(expected, also)
        assert head.names == expected.names
        assert client.rest() == b""


def test_connection_serves_one_request_after_another(program: Webcapd) -> None:
    with raw(program) as client:
        for target, code in (("/?snapshot", 200), ("/x", 404), ("/?snapshot", 200), ("/", 200)):
            client.request(target)
            head = client.head()
            assert head.code == code
            assert "connection" not in head.headers
            assert client.body(head)
        client.request("/?snapshot", method="HEAD")
        client.head()
        client.request("/?snapshot", "Connection: close")
        head = client.head()
        assert head.headers["connection"] == "close"
        mjpeg.decode(client.rest())


def test_requests_sent_at_once_are_answered_in_order(program: Webcapd) -> None:
    request = b"GET /?%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with raw(program) as client:
        client.send(b"".join(request % page for page in (b"snapshot", b"info", b"snapshot")))
        for kind in ("image/jpeg", "application/json", "image/jpeg"):
            head = client.head()
            assert head.headers["content-type"] == kind
            client.body(head)


def test_snapshot_is_one_picture_of_the_screen(program: Webcapd, screen: XServer) -> None:
    with raw(program) as client:
        client.request("/?snapshot")
        head = client.head()
        assert head.status == "HTTP/1.1 200 OK"
        assert head.headers["content-type"] == "image/jpeg"
        assert re.fullmatch(r"\d+\.\d{6}", head.headers["x-timestamp"])
        expected = mjpeg.decode(mjpeg.encode(screen.pixels()))
        assert np.array_equal(mjpeg.decode(client.body(head)), expected)


@pytest.mark.parametrize("headers", [(), ("Connection: keep-alive",)])
def test_http_1_0_connection_is_closed(program: Webcapd, headers: tuple[str, ...]) -> None:
    with raw(program) as client:
        client.request("/?snapshot", *headers, version="1.0")
        head = client.head()
        assert head.headers["connection"] == "close"
        assert len(client.rest()) == int(head.headers["content-length"])


def test_request_is_read_however_it_is_cut(program: Webcapd) -> None:
    with raw(program) as client:
        for byte in b"GET /?snapshot HTTP/1.1\r\nHost: localhost\r\n\r\n":
            client.send(bytes([byte]))
        head = client.head()
        assert head.code == 200
        mjpeg.decode(client.body(head))
