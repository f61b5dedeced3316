"""A request's body, handed on in pieces to who wants it, over a real connection."""

import contextlib
import math
import socket
import threading
from collections.abc import Iterator

import pytest
from program import TIMEOUT

from webcapd.http.wire.body import Body
from webcapd.http.wire.pending import PendingConnection
from webcapd.http.wire.request import new_parser, read_head
from webcapd.http.wire.response import HttpError

HEAD = b"POST /x HTTP/1.1\r\nHost: localhost\r\n"
NEXT = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = bytes(range(256)) * 4096


@contextlib.contextmanager
def sent(data: bytes, timeout: float = TIMEOUT) -> Iterator[tuple[Body, socket.socket]]:
    """Give the body of a request that is sent meanwhile, and the client's end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:

        def send() -> None:
            # Who refuses a body hangs up on who still sends it.
            with contextlib.suppress(OSError):
                theirs.sendall(data)

        sending = threading.Thread(target=send, name="client")
        sending.start()
        waiting = PendingConnection(ours, "")
        ours.setblocking(True)
        while (received := waiting.received()) is None:
            assert waiting.read()
        ours.settimeout(timeout)
        parser = new_parser()
        request = read_head(parser, received.head)
        yield Body(ours, parser, request, received.rest), theirs
        with contextlib.suppress(OSError):
            ours.shutdown(socket.SHUT_RDWR)
        sending.join()


def chunked(*pieces: bytes) -> bytes:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def whole(data: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % len(data) + data


@pytest.mark.parametrize(
    ("framed", "content"),
    [
        (b"\r\n", b""),
        (b"Content-Length: 0\r\n\r\n", b""),
        (whole(b"abc"), b"abc"),
        (whole(LARGE), LARGE),
        (chunked(), b""),
        (chunked(b"a", b"bc"), b"abc"),
        (chunked(LARGE, b"x" * 70_000, b"y"), LARGE + b"x" * 70_000 + b"y"),
    ],
)
def test_body_comes_in_bounded_pieces_and_the_next_request_is_left(
    framed: bytes, content: bytes
) -> None:
    with sent(HEAD + framed + NEXT) as (body, _):
        pieces = list(body.pieces(math.inf))
        assert b"".join(pieces) == content
        assert all(0 < len(piece) <= 1 << 16 for piece in pieces)
        assert body.is_read
        # None of it is lost, and none comes twice.
        assert NEXT.startswith(body.rest)


def test_body_left_alone_is_told() -> None:
    with sent(HEAD + whole(b"abc")) as (body, _):
        assert not body.is_read
    with sent(HEAD + whole(LARGE)) as (body, _):
        next(body.pieces(math.inf))
        assert not body.is_read


@pytest.mark.parametrize("framed", [whole(bytes(11)), chunked(bytes(6), bytes(5))])
def test_larger_body_than_wanted_is_refused(framed: bytes) -> None:
    with sent(HEAD + framed) as (body, _), pytest.raises(HttpError) as caught:
        list(body.pieces(10))
    assert caught.value.status == 413
    with sent(HEAD + framed) as (body, _):
        assert len(b"".join(body.pieces(11))) == 11


@pytest.mark.parametrize("chunks", [b"x\r\n", b"-1\r\n", b"5\r\nabcdefgh", b"5;" + b"x" * 100_000])
def test_malformed_body_is_refused(chunks: bytes) -> None:
    start = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    with sent(start + chunks) as (body, _), pytest.raises(HttpError) as caught:
        list(body.pieces(math.inf))
    assert caught.value.status in (400, 431)
    assert caught.value.sentence.isprintable()
    assert not body.is_read


def test_body_that_ends_early_is_refused() -> None:
    with sent(HEAD + whole(b"abcdef")[:-1]) as (body, client), pytest.raises(HttpError) as caught:
        client.shutdown(socket.SHUT_WR)
        list(body.pieces(math.inf))
    assert caught.value.status == 400


@pytest.mark.parametrize(("seconds", "timeout"), [(60.0, 0.1), (-1.0, TIMEOUT)])
def test_body_that_does_not_come_in_time_is_refused(seconds: float, timeout: float) -> None:
    with (
        sent(HEAD + b"Content-Length: 9\r\n\r\nabc", timeout) as (body, _),
        pytest.raises(HttpError) as caught,
    ):
        list(body.pieces(math.inf, seconds))
    assert caught.value.status == 408


def test_client_that_waits_for_leave_to_send_gets_it_when_the_body_is_wanted() -> None:
    start = HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    with sent(start) as (body, client):
        pieces = body.pieces(3)
        taken: list[bytes] = []
        reading = threading.Thread(target=lambda: taken.extend(pieces), name="server")
        reading.start()
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"abc")
        reading.join()
        assert b"".join(taken) == b"abc"
