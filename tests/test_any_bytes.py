"""Whatever bytes come in, what goes out is HTTP, and the next request is answered."""

import contextlib
import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from program import TIMEOUT, Webcapd, webcapd
from rawhttp import raw
from xserver import xvfb

# RFC 9112, 4 and 5; reasons and values are printable ASCII here.
_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [ -~]+\r\n")
_HEADER = re.compile(rb"([A-Za-z][A-Za-z0-9-]*): ([!-~](?:[ -~]*[!-~])?)\r\n")
_STREAM = b"Content-Type: multipart/x-mixed-replace;boundary=webcapd-part\r\n"
_BOUNDARY = b"--webcapd-part\r\n"


class NotHttp(Exception):
    """What came is no sequence of complete responses."""


def check(data: bytes, to_head: bool) -> None:
    """See that data is nothing but complete responses; raises NotHttp.

    ``to_head``: some of them may answer HEAD, and then lengths are of no body.
    """
    if not data:
        return
    code, head, rest = _split_head(data)
    if _STREAM in data[: len(data) - len(rest)]:
        if not (rest.startswith(_BOUNDARY) or _BOUNDARY.startswith(rest)):
            raise NotHttp("a stream does not begin by its boundary", rest[:80])
        return
    length = int(head.get(b"content-length", b"0"))
    if code >= 200 and (code in (204, 304)) == (b"content-length" in head):
        raise NotHttp("a length where there is none, or none where there is one", data[:800])
    try:
        if len(rest) < length:
            raise NotHttp("a body is cut short", rest[:80])
        _check_next(rest[length:], head, to_head)
    except NotHttp:
        if not to_head:
            raise
        _check_next(rest, head, to_head)


def _check_next(rest: bytes, head: dict[bytes, bytes], to_head: bool) -> None:
    if head.get(b"connection") == b"close" and rest:
        raise NotHttp("something follows the last response", rest[:80])
    check(rest, to_head)


def _split_head(data: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
    """Give the status, the headers with names in lower case, and what follows the head."""
    status = _STATUS_LINE.match(data)
    if not status:
        raise NotHttp("no status line", data[:80])
    at, head = status.end(), dict[bytes, bytes]()
    while line := _HEADER.match(data, at):
        if head.setdefault(line[1].lower(), line[2]) != line[2]:
            raise NotHttp("a header came twice", line[0])
        at = line.end()
    if data[at : at + 2] != b"\r\n":
        raise NotHttp("no header line", data[at : at + 80])
    return int(status[1]), head, data[at + 2 :]


def exchange(program: Webcapd, pieces: list[bytes]) -> bytes:
    """Send bytes, and that there are no more; gives all that is answered.

    Of a stream only the beginning: it does not end by itself.
    """
    answer = b""
    with socket.create_connection((program.host, program.port), TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A server that has heard enough hangs up; what it said before is there all the same.
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while _STREAM not in answer and (chunk := connection.recv(1 << 16)):
                answer += chunk
    return answer


METHODS = [b"GET", b"HEAD", b"POST", b"OPTIONS", b"PRI", b"get", b"", b"G\0T", b"\xff", b"CONNECT"]
TARGETS = [
    *(b"/", b"/?stream", b"/?snapshot", b"/?info", b"/?health", b"*", b"", b"//", b"/\0", b"/\xff"),
    *(
        b"/?snapshot&quality=1e999",
        b"/?snapshot&crop=1,1,-1,1",
        b"/?stream&fps=nan",
        b"/?%",
        b"/?=&",
    ),
    *(b"http://[::1/", b"http://localhost/?info", b"/?snapshot&width=9&height=9&flip=hv&gray=1"),
    *(
        b"/?snapshot&after=99999999999999999999",
        b"/?stream&advance=\xc3\xbc",
        b"/%2e%2e/",
        b"/?info#x",
    ),
]
VERSIONS = [
    *(
        b"HTTP/1.1",
        b"HTTP/1.0",
        b"HTTP/0.9",
        b"HTTP/2.0",
        b"HTTP/1.10",
        b"HTTP/11",
        b"http/1.1",
        b"",
    ),
    *(
        b"HTTP/1.1 ",
        b"HTTP/-1.1",
        b"HTTP/1.1.1",
        b"HTTP/1.\xb2",
        b"HTTP/99999999999.1",
        b"HTTP/1.1\0",
    ),
]
HEADERS = [
    *(
        b"Host: localhost",
        b"Host: evil.com",
        b"Host:",
        b"Host: \xff",
        b"host: [::1]:80",
        b" folded",
    ),
    *(b"Content-Length: 3", b"Content-Length: -1", b"Content-Length: 9" + b"9" * 40, b"no colon"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: \0", b": nameless", b"A\0B: x", b"X: \r"),
    *(b"Connection: close", b"Connection: keep-alive", b"Connection: Upgrade", b"Upgrade: h2c"),
    *(b"Expect: 100-continue", b"Expect: more", b"If-None-Match: \xff, *", b"Range: bytes=0-1"),
    *(
        b"Accept: image/*",
        b"User-Agent: Chrome/1",
        b"User-Agent: " + b"x" * 9000,
        b"Cookie: \xc3\xbc",
    ),
    *(
        b"Content-Length: x",
        b"Content-Length: \xb2",
        b"Content-Length:",
        b"If-None-Match: " + b',"' * 900,
    ),
]
ENDS = [b"\r\n", b"\n", b"\r\n\r\n", b"\r", b"\0"]

junk = st.binary(max_size=60)


def some(well: bytes, odd: list[bytes]) -> st.SearchStrategy[bytes]:
    """Make what is right rather often: else nothing gets beyond the first line."""
    return st.just(well) | st.sampled_from(odd) | st.sampled_from(odd) | junk


lines = st.lists(st.sampled_from(HEADERS) | junk, max_size=6).map(b"\r\n".join)
requests = st.builds(
    lambda method, target, version, host, headers, end: (
        b" ".join((method, target, version)) + end + host + headers + end + end
    ),
    some(b"GET", METHODS),
    some(b"/?snapshot", TARGETS),
    some(b"HTTP/1.1", VERSIONS),
    st.sampled_from([b"Host: localhost\r\n", b""]),
    lines,
    st.just(b"\r\n") | st.sampled_from(ENDS),
)
RIGHT = [
    b"GET /?snapshot HTTP/1.1\r\nHost: localhost\r\nUser-Agent: any\r\n\r\n",
    b"HEAD /?stream HTTP/1.1\r\nHost: localhost\r\nAccept: image/*\r\n\r\n",
    b"GET /?stream&fps=5&scale=0.5 HTTP/1.0\r\n\r\n",
    b'GET /?snapshot HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: "x"\r\n\r\n',
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Take a good request, and put something else in some places."""
    data = draw(st.sampled_from(RIGHT))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(start + 12, len(data))))
        data = data[:start] + draw(junk) + data[end:]
    return data


lengths = st.sampled_from([1000, 65_530, 65_536, 65_537, 70_000, 200_000])
oversized = st.builds(
    lambda before, fill, length, after: before + fill * length + after,
    st.sampled_from(
        [b"", b"GET /", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/", b"GET /?snapshot&x="]
    ),
    st.sampled_from([b"x", b"\0", b" ", b"\r", b"\xff", b":", b"&"]),
    lengths,
    st.sampled_from([b"", b"\r\n\r\n", b" HTTP/1.1\r\nHost: localhost\r\n\r\n"]),
)
crowded = st.builds(
    lambda line, number: (
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + (line + b"\r\n") * number + b"\r\n"
    ),
    st.sampled_from([b"X: y", b"X:", b" y", b"\0: \0", b"y" * 600 + b": y"]),
    st.sampled_from([90, 99, 100, 101, 5000]),
)
anything = st.one_of(
    st.binary(max_size=2000),
    requests,
    mutated(),
    mutated(),
    oversized,
    crowded,
    # A good request and what follows it on the same connection.
    st.builds(
        lambda *both: b"".join(both), st.sampled_from(RIGHT), st.binary(max_size=200) | requests
    ),
    st.lists(st.sampled_from(RIGHT) | mutated(), min_size=2, max_size=5).map(b"".join),
)


@pytest.fixture(scope="module")
def program() -> Iterator[Webcapd]:
    """Run one server for all: what an example does to it, the next ones would see."""
    with xvfb(48, 32) as screen, webcapd("--display", screen.name, "--keepalive", "0.5") as running:
        yield running


@settings(max_examples=300, deadline=None)
@given(data=anything, cut=st.integers(0, 300))
@example(data=b"\r\n" * 3 + RIGHT[0], cut=0)
@example(data=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), cut=0)
@example(data=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), cut=5)
@example(data=b"SSH-2.0-OpenSSH_9.2\r\n", cut=0)
@example(data=RIGHT[0].replace(b"\r\n", b"\n"), cut=0)
@example(data=b"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n", cut=0)
@example(
    data=b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n" + bytes(300_000),
    cut=0,
)
def test_any_bytes_are_answered_by_http_or_a_close(program: Webcapd, data: bytes, cut: int) -> None:
    answer = exchange(program, [data[:cut], data[cut:]])
    check(answer, to_head=b"HEAD" in data)
    if data.startswith(tuple(RIGHT)):
        assert answer.startswith(b"HTTP/1.1 200 ")
    with raw(program) as client:
        client.request("/?health", "Connection: close")
        head = client.head()
        assert head.code == 200
        assert len(client.rest()) == int(head.headers["content-length"])
    assert len(program.own_lines()) == 1, program.own_lines()


def test_empty_line_before_a_request_is_passed_over(program: Webcapd) -> None:
    """Some clients send one behind a body (RFC 9112, 2.2)."""
    with raw(program) as client:
        for _ in range(2):
            client.send(b"\r\n")
            client.request("/?health")
            head = client.head()
            assert head.code == 200
            client.body(head)


def test_server_is_well_after_all_that(program: Webcapd) -> None:
    assert program.process.poll() is None
    assert program.snapshot()
