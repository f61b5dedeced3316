"""Another server's stream or snapshot as a source: webcapd's own, and servers that lie."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from feedreader import reason, shown, wait_shown
from front import make_certificate
from hypothesis import given
from hypothesis import strategies as st
from mjpeg import decode, stream
from pictures import BAD, BOUNDARY, jpeg, part
from program import TIMEOUT, run_to_end, webcapd
from scripted import serving
from waiting import wait_until

from webcapd.capture.feeds.feed import Feed, FeedContext
from webcapd.capture.feeds.received import remote
from webcapd.capture.feeds.received.webaddress import parse_address
from webcapd.capture.feeds.registry import make_feed

JPEG = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=sent\r\n\r\n"


@contextlib.contextmanager
def made(source: str, secret: str = "") -> Iterator[Feed]:
    feed = make_feed(source, FeedContext(secret_for=lambda host: secret))
    try:
        yield feed
    finally:
        feed.close()
        feed.dispose()
    wait_until(
        "its threads end",
        lambda: not [one for one in threading.enumerate() if one.name.startswith("remote")],
    )


def until_left(connection: socket.socket) -> None:
    """Wait until the other side hangs up."""
    with contextlib.suppress(OSError):
        while connection.recv(1000):
            pass


def wait_reason(feed: Feed, words: str) -> None:
    try:
        wait_until(f"{words!r} is told", lambda: words in reason(feed))
    except AssertionError:
        raise AssertionError(f"{words!r} was not told, but {reason(feed)!r}") from None


@pytest.mark.parametrize("page", ["?stream", "?snapshot"])
def test_webcapd_shows_what_webcapd_shows(page: str) -> None:
    """The very bytes, where nothing is to be done with them."""
    with webcapd("--source", "pattern:bars,size=160x120") as first:
        source = f"{first.url}{page}"
        with webcapd("--source", source) as second:
            wait_until("it is shown", lambda: second.get("/?snapshot")[0] == 200)
            assert np.array_equal(decode(second.snapshot()), decode(first.snapshot()))
            assert second.snapshot() == second.snapshot()
            first.stop()
            wait_until("the placeholder", lambda: second.get("/?snapshot")[0] == 503)
            words = second.get("/?snapshot")[2].decode()
            assert words.startswith(f"http://127.0.0.1:{first.port}: "), words
            second.stop()


def test_a_stream_is_read_until_it_ends_and_then_again() -> None:
    pictures = iter(range(1, 100))

    def answer(connection: socket.socket, head: str) -> None:
        connection.sendall(STREAM + BOUNDARY + b"\r\n" + part(jpeg(seed=next(pictures))))
        if len(server.heads) > 1:
            until_left(connection)

    with serving(answer) as server, made(f"http://127.0.0.1:{server.port}/x?y") as feed:
        wait_shown(feed, jpeg(seed=2))
        assert server.heads[0].startswith("GET /x?y HTTP/1.1\r\n")
        assert f"Host: 127.0.0.1:{server.port}\r\n" in server.heads[0]
        assert "Authorization" not in server.heads[0]
        feed.dispose()


def test_a_snapshot_is_asked_for_again_and_sent_only_if_it_is_new() -> None:
    def answer(connection: socket.socket, head: str) -> None:
        if 'If-None-Match: "a"' in head:
            connection.sendall(b"HTTP/1.1 304 Not Modified\r\n\r\n")
        else:
            length = b'ETag: "a"\r\nContent-Length: %d\r\n\r\n' % len(jpeg())
            connection.sendall(JPEG + length + jpeg())

    with (
        serving(answer) as server,
        made(f"http://localhost:{server.port}/a.jpg,every=0.05") as feed,
    ):
        wait_shown(feed, jpeg())
        wait_until("it has asked again", lambda: len(server.heads) > 5)
        assert not reason(feed)
        assert feed.status()["pictures"] == 1


@pytest.mark.parametrize(
    ("typed", "secret", "header"),
    [
        ("ann:a%40b@", "", "Authorization: Basic YW5uOmFAYg=="),
        ("", "ann:a@b", "Authorization: Basic YW5uOmFAYg=="),
        ("", "token-1", "Authorization: Bearer token-1"),
    ],
)
def test_what_opens_it_is_sent_and_shown_to_nobody(typed: str, secret: str, header: str) -> None:
    refusal = b"HTTP/1.1 401 Unauthorized\r\n\r\n"
    with (
        serving(refusal) as server,
        made(f"http://{typed}127.0.0.1:{server.port}/", secret) as feed,
    ):
        wait_reason(feed, "it answers 401 Unauthorized")
        assert f"{header}\r\n" in server.heads[0]
        assert "a@b" not in reason(feed) and "a%40b" not in reason(feed) + feed.name


def redirect(location: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def test_redirects_within_the_server_are_followed() -> None:
    def answer(connection: socket.socket, head: str) -> None:
        if head.startswith("GET /here/it/is "):
            connection.sendall(JPEG + b"\r\n" + jpeg())
        else:
            connection.sendall(redirect("here/it/is"))

    with serving(answer) as server, made(f"http://t:s@127.0.0.1:{server.port}/") as feed:
        wait_shown(feed, jpeg())
        assert all("Authorization" in head for head in server.heads)


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://localhost/", "redirects to another server"),
        ("https://127.0.0.1/", "redirects to another server"),
        ("//evil.com/", "redirects to another server"),
        ("file:///etc/passwd", "no address"),
        ("http://[", "no address"),
        ("/again", "redirects again and again"),
        ("", "redirects again and again"),
    ],
)
def test_other_redirects_are_not_followed(location: str, why: str) -> None:
    with serving(redirect(location)) as server, made(f"http://127.0.0.1:{server.port}/") as feed:
        wait_reason(feed, why)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "it answers 404 Not Found"),
        (b"HTTP/1.1 503 \x1b[31m\r\n\r\n", "it answers 503 ?[31m"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", "sends text/html, and no JPEG"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "no JPEG"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, "does not speak HTTP"),
        (b"", "the connection broke"),
        (JPEG + b"Content-Length: 99999\r\n\r\n" + jpeg(), "ended early"),
        (JPEG + b"Content-Length: 99999999999\r\n\r\n" + bytes(17 << 20), "more than 16777216"),
        (JPEG + b"\r\n" + bytes(17 << 20), "more than 16777216"),
        *((JPEG + b"\r\n" + bad, why) for bad, why in BAD.values()),
        (STREAM + b"<html>", "neither as a JPEG nor as multipart"),
        (STREAM + b"--x\r\nContent-Length: 4294967296\r\n\r\n", "more than 16777216"),
        (STREAM + BOUNDARY + b"\r\n" + 10 * part(BAD["truncated"][0]), "ended its stream"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(answer: bytes, why: str) -> None:
    with serving(answer) as server, made(f"http://127.0.0.1:{server.port}/") as feed:
        wait_reason(feed, why)
        assert reason(feed).startswith(f"http://127.0.0.1:{server.port}")


def test_the_log_has_what_is_wrong_once_it_is_known() -> None:
    """Not only that nothing has come yet; and once, however often it is tried."""
    html = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    with (
        serving(html) as server,
        webcapd("--source", f"http://127.0.0.1:{server.port}/") as program,
        stream(program),
    ):
        program.wait_for_line(lambda line: "sends text/html, and no JPEG" in line)
        tried = len(server.heads)
        wait_until("it has tried again", lambda: len(server.heads) > tried + 1)
        server.answer = lambda connection, head: connection.sendall(JPEG + b"\r\n" + jpeg())
        program.wait_for_line(lambda line: "the picture is back" in line)
    assert len([line for line in program.lines if "no JPEG" in line]) == 1


def test_a_server_that_comes_to_its_senses_is_shown() -> None:
    with serving(STREAM + b"<html>") as server, made(f"http://127.0.0.1:{server.port}/") as feed:
        wait_reason(feed, "neither as a JPEG nor as multipart")
        server.answer = lambda connection, head: connection.sendall(JPEG + b"\r\n" + jpeg())
        wait_shown(feed, jpeg())


def test_a_server_that_is_not_there_is_waited_for() -> None:
    # Held, so that nobody else comes to listen there.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with made(f"http://127.0.0.1:{taken.getsockname()[1]}/") as feed:
            wait_reason(feed, "nobody listens there")
    with made("http://no-such-host.invalid/") as feed:
        wait_reason(feed, "there is no host no-such-host.invalid")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def test_certificates_are_verified(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(JPEG + b"\r\n" + jpeg(), context) as server:
        url = f"https://localhost:{server.port}/a.jpg"
        with made(url) as feed:
            wait_reason(feed, "its certificate is not accepted: self-signed certificate")
        with made(f"https://127.0.0.1:{server.port}/,ca={certificate}") as feed:
            wait_reason(feed, "its certificate is not accepted: IP address mismatch")
        with made(f"{url},ca={certificate}") as feed:
            wait_shown(feed, jpeg())
    with serving(b"") as server, made(f"https://localhost:{server.port}/") as feed:
        server.greeting = b"220 this is no TLS\r\n"
        wait_reason(feed, "TLS")


def test_it_ends_while_a_server_says_nothing() -> None:
    with (
        serving(lambda connection, head: until_left(connection)) as server,
        made(f"http://127.0.0.1:{server.port}/") as feed,
    ):
        assert reason(feed)
        wait_until("it has asked", lambda: server.heads)
        feed.dispose()


@pytest.mark.parametrize(
    "begun",
    [b"HTTP/1.1 200 OK\r\n", JPEG + b"\r\n\xff\xd8", STREAM + BOUNDARY + b"\r\nX-A: "],
    ids=["head", "snapshot", "stream"],
)
def test_what_only_trickles_in_is_given_up(monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    """Though there is never a time without a byte."""
    monkeypatch.setattr(remote, "_WHOLE_SECONDS", 0.5)

    def trickle(connection: socket.socket, head: str) -> None:
        connection.sendall(begun)
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(b"x")
                time.sleep(0.02)

    with serving(trickle) as server, made(f"http://127.0.0.1:{server.port}/") as feed:
        assert reason(feed)
        wait_until("it has asked again", lambda: len(server.heads) > 1)
        assert reason(feed)
        feed.dispose()


def test_a_server_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_SILENCE_SECONDS", 0.3)

    def fall_silent(connection: socket.socket, head: str) -> None:
        connection.sendall(STREAM + BOUNDARY + b"\r\n" + part(jpeg()))
        until_left(connection)

    with serving(fall_silent) as server, made(f"http://127.0.0.1:{server.port}/") as feed:
        wait_shown(feed, jpeg())
        wait_until("it has asked again", lambda: len(server.heads) > 1)
        wait_shown(feed, jpeg())
        feed.dispose()


def test_the_last_picture_stays_while_bad_ones_come() -> None:
    def answer(connection: socket.socket, head: str) -> None:
        bad = part(BAD["truncated"][0])
        connection.sendall(STREAM + BOUNDARY + b"\r\n" + part(jpeg()))
        seen.wait(TIMEOUT)
        connection.sendall(bad)
        until_left(connection)

    seen = threading.Event()
    with serving(answer) as server, made(f"http://127.0.0.1:{server.port}/") as feed:
        wait_shown(feed, jpeg())
        seen.set()
        wait_until("it is refused", lambda: feed.status()["refused"])
        assert np.array_equal(shown(feed), decode(jpeg()))
        feed.dispose()


@given(st.text(max_size=40) | st.text(max_size=40).map(lambda text: f"http://h/{text}"))
def test_any_text_is_an_address_or_refused_without_quoting_it(text: str) -> None:
    try:
        address = parse_address(text)
    except ValueError as error:
        assert text not in str(error) or len(text) < 8
    else:
        assert address.scheme in ("http", "https") and address.path.startswith("/")
        assert not set(address.path) & set(" \r\n\t\0")


@pytest.mark.parametrize(
    "source",
    ["http:", "http://", "http:///x", "http://h:99999/", "http://h/ x", "http://h/,every=0"],
)
def test_a_mistake_is_refused(source: str) -> None:
    with pytest.raises(ValueError):
        make_feed(source)


def test_a_mistake_ends_the_program_with_a_sentence() -> None:
    code, words = run_to_end("--source", "https://user:sesame@h/,ca=/nowhere")
    assert code == 2
    assert "ca=/nowhere cannot be used: No such file" in words
    assert "sesame" not in words and words.count("\n") == 0
