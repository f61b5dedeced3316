"""What a request's head says; pure."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.http.wire.pending import MAX_HEAD_BYTES
from webcapd.http.wire.request import Request, new_parser, read_head
from webcapd.http.wire.response import HttpError

START = b"GET /?snapshot HTTP/1.1\r\nHost: localhost\r\n"


def parsed(*lines: str, start: bytes = START) -> Request:
    return read_head(
        new_parser(), start + "".join(f"{one}\r\n" for one in lines).encode() + b"\r\n"
    )


def test_headers_are_found_in_any_case_and_order() -> None:
    headers = parsed("ACCEPT: a", "x-forwarded-for: 1", "X-Forwarded-For:2 ", "Empty:").headers
    assert (headers.get("Accept"), headers.get("host")) == ("a", "localhost")
    assert headers.get_all("X-Forwarded-For") == ["1", "2"]
    assert (headers.get("empty", "x"), headers.get("none"), headers.get("none", "x")) == (
        "",
        "",
        "x",
    )
    assert ("EMPTY" in headers, "none" in headers, headers.get_all("none")) == (True, False, [])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("X: y", False),
        ("Content-Length: 0", False),
        ("Content-Length: 000", False),
        ("Content-Length: 10", True),
        ("Content-Length: 3, 3", True),
        ("Transfer-Encoding: Chunked", True),
    ],
)
def test_body_is_known_of(line: str, expected: bool) -> None:
    assert parsed(line).has_body is expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), False),
        (("Connection: keep-alive",), False),
        (("Connection: Close",), True),
        (("Connection: TE , close",), True),
        (("Connection: TE", "Connection: close"), True),
    ],
)
def test_last_request_is_known(lines: tuple[str, ...], expected: bool) -> None:
    assert parsed(*lines).is_last is expected
    assert parsed(*lines, start=b"GET / HTTP/1.0\r\n").is_last


@pytest.mark.parametrize("end", [b"\0", b"\x0b", b"\x0c", b"\ry"])
@pytest.mark.parametrize("filling", [b" ", b"\t", b"a "])
def test_hostile_line_costs_no_more_than_its_length(filling: bytes, end: bytes) -> None:
    """In h11's pattern blanks before a byte that is in no line are tried in all ways: seconds."""
    line = b"X:" + filling * (MAX_HEAD_BYTES // len(filling)) + end + b"\r\n"
    before = time.thread_time()
    with pytest.raises(HttpError) as caught:
        read_head(new_parser(), START + line + b"\r\n")
    assert caught.value.status == 400
    assert time.thread_time() - before < 0.5


def test_longest_heads_are_parsed_soon() -> None:
    lines = [f"X{number}: " + "y " * 150 for number in range(98)]
    before = time.thread_time()
    assert parsed(*lines).headers.get("X97")
    assert time.thread_time() - before < 0.5


pieces = st.sampled_from(
    [b"GET", b" ", b"/", b"HTTP/1.1", b"\r\n", b"\n", b"Host: a", b":", b"\t", b"Content-Length: 1"]
)


@settings(deadline=None)
@given(st.binary() | st.lists(pieces | st.binary(max_size=3)).map(b"".join))
def test_any_bytes_are_a_request_or_a_refusal(data: bytes) -> None:
    for head in (data, START + data + b"\r\n\r\n"):
        try:
            request = read_head(new_parser(), head)
        except HttpError as error:
            assert error.status in (400, 431, 501, 505)
            assert error.sentence.isprintable()
        else:
            assert request.version in ("1.0", "1.1")
