"""Requests put together from whatever pieces they come in."""

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.http.wire.pending import MAX_HEAD_BYTES, PendingConnection, Received

GET = b"GET /?snapshot HTTP/1.1\r\nHost: localhost\r\n\r\n"


@contextlib.contextmanager
def connected() -> Iterator[tuple[PendingConnection, socket.socket]]:
    """Give a connection that waits, and its other end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield PendingConnection(ours, "", b""), theirs


class Outcome(NamedTuple):
    """What is made of the bytes of one connection."""

    requests: tuple[bytes, ...]
    fault: int
    """Status code of the answer to what can be no request; 0 for none."""


def outcome(pieces: list[bytes]) -> Outcome:
    """Send pieces one by one; what is left behind a request waits as the server has it."""
    with contextlib.ExitStack() as stack:
        waiting, theirs = stack.enter_context(connected())
        requests: list[bytes] = []
        for piece in pieces:
            theirs.sendall(piece)
            sent = len(piece)
            while sent > 0:
                sent -= MAX_HEAD_BYTES
                assert waiting.read()
                while request := waiting.received():
                    requests.append(request.head)
                    waiting = PendingConnection(waiting.connection, "", request.rest)
                if fault := waiting.error_response():
                    return Outcome(tuple(requests), int(fault.split()[1]))
        return Outcome(tuple(requests), 0)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(ends)]


lines = st.sampled_from(
    [b"GET / HTTP/1.1", b"GET /", b"GARBAGE", b"Host: a", b"X:" + b"y" * 40, b"", b"", b"\x16\x03"]
)
texts = st.lists(st.tuples(lines, st.sampled_from([b"\r\n", b"\n"]))).map(
    lambda pairs: b"".join(line + end for line, end in pairs)
)


@settings(deadline=None, max_examples=200)
@given(texts | st.binary(max_size=200), st.lists(st.integers(0, 500)))
def test_pieces_make_the_same_requests_as_the_whole(data: bytes, places: list[int]) -> None:
    whole = outcome([data] if data else [])
    assert outcome(cut(data, places)) == whole
    assert outcome([bytes([byte]) for byte in data]) == whole


@pytest.mark.parametrize(
    ("data", "requests", "fault"),
    [
        (GET + GET + GET[:9], (GET, GET), 0),
        (b"\r\n\n" + GET, (GET,), 0),
        (b"GET /\r\n" + GET, (b"GET /\r\n" + GET,), 0),
        (b"GARBAGE\r\nHost: a\r\n\r\n", (b"GARBAGE\r\nHost: a\r\n\r\n",), 0),
        (b"GET / HTTP/1.1\n\n" + GET, (b"GET / HTTP/1.1\n\n", GET), 0),
        (b"\x16\x03\x01\x02\x00", (), 400),
        (b" GET / HTTP/1.1\r\n", (), 400),
        (b"GET /" + b"x" * MAX_HEAD_BYTES, (), 414),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * MAX_HEAD_BYTES, (), 431),
    ],
)
def test_requests_and_faults(data: bytes, requests: tuple[bytes, ...], fault: int) -> None:
    assert outcome([data]) == Outcome(requests, fault)
    assert outcome(cut(data, list(range(0, len(data), 1000)))) == Outcome(requests, fault)


@pytest.mark.parametrize("length", [MAX_HEAD_BYTES - 1, MAX_HEAD_BYTES, MAX_HEAD_BYTES + 1])
@pytest.mark.parametrize("piece", [1 << 16, 10_000, 4096])
def test_limit_is_the_same_for_any_pieces(length: int, piece: int) -> None:
    """A head of exactly so many bytes is the largest, however it comes."""
    start = b"GET / HTTP/1.1\r\nX: "
    data = start + b"y" * (length - len(start) - 4) + b"\r\n\r\n"
    pieces = [data[at : at + piece] for at in range(0, length, piece)]
    good = length <= MAX_HEAD_BYTES
    assert outcome(pieces) == Outcome((data,) if good else (), 0 if good else 431)


def test_address_beyond_the_limit_is_told_apart_from_headers() -> None:
    """Also where its end comes in the same piece that goes beyond."""
    line = b"GET /" + b"x" * MAX_HEAD_BYTES + b" HTTP/1.1\r\n"
    for place in (1, MAX_HEAD_BYTES // 2, MAX_HEAD_BYTES - 1):
        assert outcome(cut(line, [place])).fault == 414


def test_empty_lines_without_end_are_no_request() -> None:
    """They would fill the memory, and each piece would be looked at with all before it."""
    with connected() as (waiting, theirs):
        for _ in range(8):
            theirs.sendall(b"\r\n" * (MAX_HEAD_BYTES // 8))
            assert waiting.read()
            assert waiting.received() is None
        assert waiting.error_response().split()[1] == b"400"


def test_time_for_a_head_is_counted_from_its_first_byte() -> None:
    with connected() as (waiting, theirs):
        idle = waiting.deadline
        theirs.sendall(b"G")
        assert waiting.read()
        first = waiting.deadline
        theirs.sendall(b"E")
        assert waiting.read()
        assert waiting.deadline == first < idle


def test_what_comes_after_the_last_word_is_thrown_away() -> None:
    with connected() as (waiting, theirs):
        waiting.drain()
        theirs.sendall(GET)
        assert waiting.read()
        assert waiting.data == b""
        assert theirs.recv(1) == b""
        theirs.close()
        assert not waiting.read()


def test_nothing_has_come_yet() -> None:
    with connected() as (waiting, _):
        assert waiting.read()
        assert (waiting.received(), waiting.error_response()) == (None, b"")


@pytest.mark.parametrize("filling", [b"x", b"x: y\n", b"\r\n", b"\n"])
def test_head_that_comes_by_the_byte_costs_no_more_than_its_length(filling: bytes) -> None:
    """Else the accept thread, and with it everybody, would wait for it."""
    start = b"" if filling.strip() == b"" else b"GET / HTTP/1.1\r\nX: "
    data = (start + filling * MAX_HEAD_BYTES)[: MAX_HEAD_BYTES - 1]
    with connected() as (waiting, theirs):
        before = time.thread_time()
        for byte in data:
            theirs.send(bytes([byte]))
            waiting.read()
            assert (waiting.received(), waiting.error_response()) == (None, b"")
        # Some 0.2 s; with a search from the start each time it is 2 s and more.
        assert time.thread_time() - before < 1


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_a_request_or_a_fault_or_wait(data: bytes) -> None:
    with connected() as (waiting, _):
        waiting.data += data
        request, fault = waiting.received(), waiting.error_response()
        assert request is None or isinstance(request, Received)
        assert not fault or re.match(rb"HTTP/1\.1 4\d\d ", fault)
