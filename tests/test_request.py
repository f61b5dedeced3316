"""Requests that are wrong, hostile or odd, sent through a bare socket."""

from collections.abc import Iterator

import pytest
from program import Webcapd, webcapd
from rawhttp import RawClient, raw
from xserver import xvfb

HOST = b"Host: localhost\r\n"
INNER = b"GET /?info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def program() -> Iterator[Webcapd]:
    with xvfb(96, 64) as screen, webcapd("--display", screen.name) as running:
        yield running


def refused(client: RawClient, code: int) -> str:
    """See that one request is refused in one line of text; returns that."""
    head = client.head()
    assert head.code == code, head.status
    assert head.headers["content-type"] == "text/plain; charset=utf-8"
    text = client.body(head).decode()
    assert text.endswith("\n")
    assert text[:-1].isprintable(), text
    return text


@pytest.mark.parametrize(
    "line",
    [
        b"GARBAGE",
        b"GET / HTTP/x",
        b"GET / HTTP/1",
        b"GET / FTP/1.1",
        b"GET / and more HTTP/1.1",
        b"POST /",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # The beginning of a TLS handshake.
        b"GET /\x1b[2J HTTP/x",
        b"GET http://[broken/?stream HTTP/1.1",
        b"GET / HTTP/1.01",
        b"GET / HTTP/1.1 ",
        b"GET /  HTTP/1.1",
        b"GET\t/\tHTTP/1.1",
        b"GET /\x0bHTTP/1.1",
        b"GET /\xa0HTTP/1.1",
        b"GET /\x1c HTTP/1.1",
        b"GET /\xc3\xbc HTTP/1.1",
        b"GET\x85/ HTTP/1.1",
        b"GET ftp://localhost/?stream HTTP/1.1",
        b"GET localhost:stream HTTP/1.1",
        b"GET stream HTTP/1.1",
        b"GET http:stream HTTP/1.1",
        b"GET http:///?stream HTTP/1.1",
        b"GET http://ann:secret@localhost/?stream HTTP/1.1",
    ],
)
def test_malformed_request_line_is_refused_in_one_line(program: Webcapd, line: bytes) -> None:
    with raw(program) as client:
        client.send(line + b"\r\nConnection: close\r\n" + HOST + b"\r\n")
        refused(client, 400)
        assert client.rest() == b""


@pytest.mark.parametrize(
    ("request_bytes", "code"),
    [
        pytest.param(b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505, id="version"),
        pytest.param(b"GET / HTTP/0.9\r\n" + HOST + b"\r\n", 505, id="old version"),
        pytest.param(b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", 505, id="new version"),
        pytest.param(b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n", 501, id="method"),
        pytest.param(b"GET /" + b"x" * 66000 + b" HTTP/1.1\r\n", 414, id="long line"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"x" * 66000 + b"\r\n\r\n", 431, id="long header"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431, id="many headers"),
    ],
)
def test_request_beyond_the_limits_is_refused(
    program: Webcapd, request_bytes: bytes, code: int
) -> None:
    with raw(program) as client:
        client.send(request_bytes)
        refused(client, code)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused_by_naming_the_right_ones(program: Webcapd, method: str) -> None:
    with raw(program) as client:
        client.request("/?stream", "Content-Length: 5", method=method)
        client.send(b"GET /")
        head = client.head()
        assert head.code == 405
        assert head.headers["allow"] == "GET, HEAD, OPTIONS"
        assert head.headers["connection"] == "close"
        client.body(head)
        assert client.rest() == b""


@pytest.mark.parametrize("path", ["/nothing", "/stream/x", "/favicon", "//evil.com/nothing"])
def test_unknown_path_is_refused_by_naming_the_real_ones(program: Webcapd, path: str) -> None:
    with raw(program) as client:
        client.request(path)
        text = refused(client, 404)
        assert all(page in text for page in ("/?stream", "/?snapshot", "/?info"))


@pytest.mark.parametrize("target", ["/", "/?stream", "/?snapshot", "/?info", "/nothing"])
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_foreign_host_is_refused_whatever_it_asks_for(
    program: Webcapd, target: str, version: bytes
) -> None:
    with raw(program) as client:
        client.send(b"GET %s HTTP/%s\r\nHost: evil.com:80\r\n\r\n" % (target.encode(), version))
        text = refused(client, 403)
        assert "evil.com" in text
        assert "--allow-host" in text


@pytest.mark.parametrize(
    "host", [b"\x1b[2J", b"<b>evil</b>", b"evil\xfc.com", b"evil.com:80:80", b"a@evil.com", b""]
)
def test_host_that_is_none_is_refused(program: Webcapd, host: bytes) -> None:
    """No --allow-host would let it in."""
    with raw(program) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        assert "--allow-host" not in refused(client, 400)


@pytest.mark.parametrize(
    "url", ["http://evil.com/?health", "http://evil.com:80/", "https://EVIL.com", "//evil.com/"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_foreign_host_in_the_address_is_refused(program: Webcapd, url: str, method: str) -> None:
    """Of a whole URL the host counts (RFC 9112, 3.2.2); two slashes are a path."""
    with raw(program) as client:
        client.request(url, method=method)
        code = {"GET": 404, "HEAD": 404, "OPTIONS": 204, "POST": 405}[method]
        assert client.head().code == (code if url[0] == "/" else 403)


def test_own_host_in_the_address_is_served(program: Webcapd) -> None:
    with raw(program) as client:
        client.request("http://localhost:8080/?health")
        assert client.body(client.head())
        client.request("HTTP://127.0.0.1?health")
        assert client.body(client.head())


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "BREW"])
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (b"Host: evil.com\r\n", 403),
        (b"Host: <b>\r\n", 400),
        (b"", 400),
        (HOST + b"Host: localhost\r\n", 400),
        (HOST + b"Content-Length: x\r\n", 400),
        (HOST + b"Content-Length: -1\r\n", 400),
        (HOST + b"Content-Length: 1, 2\r\n", 400),
        (HOST + b"Content-Length: \xb2\r\n", 400),
        (HOST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400),
        (HOST + b"Transfer-Encoding: gzip, chunked\r\n", 501),
        (HOST + b"From me\r\n", 400),
        (HOST + b"From \r\n", 400),
        (b"From me Fri\r\n" + HOST, 400),
        (HOST + b": nameless\r\n", 400),
        (HOST + b"X : y\r\n", 400),
        (HOST + b"X: \x0b\r\n", 400),
        (b" X: y\r\n" + HOST, 400),
    ],
)
def test_all_methods_are_checked_alike(
    program: Webcapd, method: str, headers: bytes, code: int
) -> None:
    with raw(program) as client:
        client.send(b"%s / HTTP/1.1\r\n%s\r\n" % (method.encode(), headers) + INNER)
        head = client.head()
        assert head.code == code
        if b"evil.com" not in headers and b"<b>" not in headers:
            # What follows might be its body.
            assert head.headers["connection"] == "close"
            assert b"HTTP/1.1" not in client.rest()


@pytest.mark.parametrize("framing", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_body_of_options_is_never_taken_for_a_request(program: Webcapd, framing: bytes) -> None:
    with raw(program) as client:
        client.send(b"OPTIONS / HTTP/1.1\r\n" + HOST + framing + b"\r\n" + INNER)
        head = client.head()
        assert (head.code, head.headers["connection"]) == (204, "close")
        assert client.rest() == b""


def test_chunked_body_is_not_known_to_http_1_0(program: Webcapd) -> None:
    """A proxy may have taken what follows for the next request (RFC 9112, 6.1)."""
    with raw(program) as client:
        client.send(b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        refused(client, 400)


@pytest.mark.parametrize("header", [b"X: y\rX-Forwarded-For: 10.0.0.7", b"X: y\rz", b"X: \0"])
def test_header_that_a_proxy_may_read_otherwise_is_refused(program: Webcapd, header: bytes) -> None:
    """Whoever sees no end of the line in a CR passes another header on than is read here."""
    with raw(program) as client:
        client.send(b"GET /?health HTTP/1.1\r\n" + HOST + header + b"\r\n\r\n")
        refused(client, 400)


@pytest.mark.parametrize(
    "lines", [("close",), ("Close, TE",), ("TE,close",), ("TE", "close"), ("keep-alive, close",)]
)
def test_who_asks_for_a_close_gets_it(program: Webcapd, lines: tuple[str, ...]) -> None:
    with raw(program) as client:
        client.request("/?health", *(f"Connection: {line}" for line in lines))
        head = client.head()
        assert head.headers["connection"] == "close"
        client.body(head)
        assert client.rest() == b""


def test_missing_host_is_refused_but_to_http_1_0(program: Webcapd) -> None:
    with raw(program) as client:
        client.send(b"GET /?snapshot HTTP/1.1\r\n\r\n")
        assert "Host" in refused(client, 400)
    with raw(program) as client:
        client.send(b"GET /?snapshot HTTP/1.0\r\n\r\n")
        assert client.head().code == 200


def test_second_host_is_refused(program: Webcapd) -> None:
    """A proxy in front may have minded the other one (RFC 9112, 3.2)."""
    with raw(program) as client:
        client.send(b"GET /?snapshot HTTP/1.1\r\n" + HOST + b"Host: evil.com\r\n\r\n")
        refused(client, 400)


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: %d",
        b"content-length:%d",
        b"Content-Length: 0\r\nContent-Length: %d",
        b"Content-Length: %d\r\nContent-Length: 0",
        b"Content-Length: 0, %d",
        b"Content-Length: +%d",
        b"Content-Length : %d",
        b"no colon here\r\nContent-Length: %d",
        b"X: y\rContent-Length: %d",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 0",
    ],
)
def test_body_is_never_taken_for_a_request(program: Webcapd, header: bytes) -> None:
    """Otherwise a page could smuggle requests through a proxy that shares connections."""
    length = header % len(INNER) if b"%" in header else header
    with raw(program) as client:
        client.send(b"GET /?snapshot HTTP/1.1\r\n" + HOST + length + b"\r\n\r\n" + INNER)
        head = client.head()
        assert head.code in (200, 400)
        client.body(head)
        assert client.rest() == b""


def test_connections_that_say_nothing_hold_up_nobody(program: Webcapd) -> None:
    """Browsers open some in advance."""
    with raw(program), raw(program) as half, raw(program) as client:
        half.send(b"GET /?snap")
        client.request("/?snapshot")
        assert client.head().code == 200
        half.send(b"shot HTTP/1.1\r\n" + HOST + b"\r\n")
        assert half.head().code == 200


def test_client_that_leaves_at_any_point_harms_nobody(program: Webcapd) -> None:
    request = b"GET /?stream HTTP/1.1\r\n" + HOST + b"\r\n"
    for length in range(0, len(request) + 1, 8):
        with raw(program) as client:
            client.send(request[:length])
    with raw(program) as client:
        client.request("/?snapshot")
        assert client.head().code == 200


def test_logged_request_cannot_write_to_the_terminal() -> None:
    """Control characters in a request's address would be obeyed by whoever shows the log."""
    with xvfb(96, 64) as screen, webcapd("--display", screen.name, "--loghttp") as program:
        with raw(program) as client:
            client.send(b"GET /\x1b[2J\x07\x9b HTTP/1.1\r\n" + HOST + b"\r\n")
            refused(client, 400)
        assert program.wait_for_line(lambda line: "GET" in line).isprintable()
