"""A message on its way out of a socket that does not wait."""

import select
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.http.wire.connection import SendBuffer
from webcapd.http.wire.sending import OutgoingMessage

BIG = 4_000_000


@pytest.fixture(scope="module", params=["unix", "tcp"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give both ends of a connection; the first does not wait."""
    if request.param == "unix":
        ours, theirs = socket.socketpair()
    else:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            theirs = socket.create_connection(listening.getsockname())
            ours, _ = listening.accept()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


@settings(deadline=None, max_examples=30)
@given(st.lists(st.binary(max_size=300_000), min_size=1, max_size=3), st.integers(1, 200_000))
def test_message_arrives_whole_however_it_is_taken(
    pair: tuple[socket.socket, socket.socket], buffers: list[bytes], step: int
) -> None:
    ours, theirs = pair
    message, came = b"".join(buffers), b""
    unsent = OutgoingMessage(ours)
    unsent.put(*buffers)
    assert unsent.size == len(message)
    while unsent or len(came) < len(message):
        moved = bool(unsent) and unsent.push()
        if len(came) < len(message) and (not moved or unsent):
            came += theirs.recv(step)
        elif not unsent:
            came += theirs.recv(len(message) - len(came)) if len(came) < len(message) else b""
    assert came == message


def test_little_waits_in_a_unix_socket_for_who_is_slow() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        buffer = SendBuffer(ours)
        assert ours.send(bytes(BIG)) < 64 * 1024
        # Who took a frame at once gets the next one at once; who did not any more, does not.
        buffer.adapt(BIG, 9, 0.001)
        assert ours.send(bytes(BIG)) > 256 * 1024
        buffer.adapt(BIG, 9, 1.0)
        while select.select([theirs], [], [], 0)[0]:
            theirs.recv(1 << 20)
        assert ours.send(bytes(BIG)) < 64 * 1024


def test_what_has_not_begun_to_leave_can_be_taken_back() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        unsent = OutgoingMessage(ours)
        unsent.put(bytes(BIG))
        assert unsent.push()
        assert not unsent.push(), "the other side reads nothing"
        unsent.take_back()
        assert unsent, "some of it has left"
        other = OutgoingMessage(ours)
        other.put(b"newer")
        assert not other.push()
        other.take_back()
        assert not other
        other.put(b"must", must_leave=True)
        other.take_back()
        assert other


def test_gone_reader_is_an_error() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.close()
    with ours:
        unsent = OutgoingMessage(ours)
        unsent.put(b"x")
        with pytest.raises(BrokenPipeError):
            unsent.push()
