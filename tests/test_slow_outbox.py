"""For a slow client little waits in the kernel, and all of it arrives."""

import array
import contextlib
import fcntl
import random
import select
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import TIMEOUT

from webcapd.http.streaming.outbox import Outbox
from webcapd.http.wire.sending import OutgoingMessage

_SIOCOUTQNSD = 0x894B
"""Linux: how many bytes of a socket were not even sent yet."""
MOST_UNSENT = 16 * 1024 + 8 * 1024


@contextlib.contextmanager
def connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Connect two sockets; the second has a small buffer, and does not read by itself."""
    with socket.socket() as listener, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.connect(listener.getsockname())
        server, _ = listener.accept()
        with server:
            server.setblocking(False)
            client.settimeout(TIMEOUT)
            yield server, client


def unsent(connection: socket.socket) -> int:
    found = array.array("i", [0])
    fcntl.ioctl(connection, _SIOCOUTQNSD, found)
    return found[0]


def test_little_waits_in_the_kernel_and_all_of_it_arrives() -> None:
    message = random.Random(1).randbytes(400_000)
    with connected() as (server, client), select.epoll() as poll:
        outbox = Outbox(server)
        outbox.is_slow = True
        poll.register(server, select.EPOLLOUT | select.EPOLLET)
        poll.poll(0)
        outbox.put(0.0, message[:100_000], message[100_000:])
        received, has_room = b"", True
        while len(received) < len(message):
            # As the fan-out thread waits: an edge must come for each room that there is.
            if outbox and has_room:
                outbox.push(0.0)
                assert unsent(server) <= MOST_UNSENT
            # A busy kernel tells of the room a moment after all has been read.
            ready, _, _ = select.select([client.fileno(), poll.fileno()], [], [], TIMEOUT)
            assert ready, "nothing comes, and no edge"
            if client.fileno() in ready:
                received += client.recv(4096)
            has_room = bool(poll.poll(0))
        assert received == message


def test_message_is_forgotten_when_nothing_of_it_may_wait() -> None:
    with connected() as (server, _):
        outbox = Outbox(server)
        outbox.is_slow = True
        outbox.put(0.0, bytes(400_000), must_leave=True)
        assert not outbox.push(0.0)
        assert outbox
        # The one before has left in part only; this one stands for the next.
        following = Outbox(server)
        following.is_slow = True
        following.put(0.0, b"newer")
        assert not following.push(0.0)
        assert not following and following.is_full()


@given(st.lists(st.binary(max_size=50), max_size=6), st.integers(1, 60))
def test_message_leaves_in_pieces_of_at_most_so_many_bytes(parts: list[bytes], most: int) -> None:
    left, right = socket.socketpair()
    with left, right:
        message = OutgoingMessage(left, *parts)
        received = b""
        while len(received) < message.size:
            assert message.push(most)
            piece = right.recv(1000)
            assert 0 < len(piece) <= most
            received += piece
        assert received == b"".join(parts)


@pytest.mark.parametrize("size", [1, 10_000])
def test_quick_client_is_given_all_at_once(size: int) -> None:
    with connected() as (server, client):
        outbox = Outbox(server)
        outbox.put(0.0, bytes(size))
        assert outbox.push(0.0)
        assert len(client.recv(size, socket.MSG_WAITALL)) == size


def leaves_in_one_turn(message: bytes) -> bool:
    """Send to a new client with room for all; tells whether all left before anybody else's turn."""
    with socket.socket() as listener, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * len(message))
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.connect(listener.getsockname())
        server, _ = listener.accept()
        with server:
            server.setblocking(False)
            outbox = Outbox(server)
            outbox.put(0.0, message[:100], message[100:])
            return outbox.push(0.0)


def test_more_than_the_buffer_holds_leaves_in_one_turn() -> None:
    """Whoever has room for a frame is not to wait for it until all others had a part of theirs."""
    # A busy kernel may leave the delivery to another moment.
    assert any(leaves_in_one_turn(bytes(400_000)) for _ in range(50))
