"""Answers that are taken slowly: they are bounded, and let others in."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from footprint import Footprint
from painter import painter
from program import TIMEOUT, webcapd
from waiting import wait_until
from xserver import xvfb

from webcapd.http.wire import sending
from webcapd.http.wire.sending import MESSAGE_SECONDS, ResponseSender, response_seconds

# What is sent is more than the kernel holds for a socket of this kind by far.
SIZE = (1600, 1200)


class Trickle:
    """Takes a little of each connection, again and again, until closed."""

    def __init__(self, connections: Sequence[socket.socket]) -> None:
        self._connections = connections
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, name="trickle")
        self._thread.start()

    def _read(self) -> None:
        # This pause is what a slow reader is; nothing is synchronised by it.
        while not self._ended.wait(0.5):
            for one in self._connections:
                with contextlib.suppress(OSError):
                    one.recv(16 * 1024, socket.MSG_DONTWAIT)

    def close(self) -> None:
        self._ended.set()
        self._thread.join()


@pytest.mark.parametrize(
    ("size", "seconds"),
    [(0, 5), (128 * 1024, 6), (1 << 20, 13), (1 << 40, MESSAGE_SECONDS)],
)
def test_time_for_an_answer_follows_its_size(size: int, seconds: float) -> None:
    assert response_seconds(size) == seconds


def test_reader_that_takes_too_little_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    # In earnest it has seconds.
    monkeypatch.setattr(sending, "_RESPONSE_SECONDS", 0.1)
    monkeypatch.setattr(sending, "_RESPONSE_BYTES_PER_SECOND", 1 << 40)
    ours, theirs = socket.socketpair()
    with ours, theirs, contextlib.closing(Trickle([theirs])):
        ours.settimeout(TIMEOUT)
        with pytest.raises(TimeoutError):
            ResponseSender().send(ours, bytes(1 << 24))


def test_slow_readers_make_room_for_who_comes(tmp_path: Path) -> None:
    """They would hold all threads for the better part of a minute."""

    def readers(stack: contextlib.ExitStack) -> Iterator[socket.socket]:
        for _ in range(33):
            one = stack.enter_context(socket.socket(socket.AF_UNIX))
            one.connect(path)
            one.sendall(b"GET /?snapshot&quality=100 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            yield one

    path = str(tmp_path / "socket")
    with contextlib.ExitStack() as stack:
        screen = stack.enter_context(xvfb(*SIZE))
        options = ("--max-clients", "1", "--unix", path, "--listen", "127.0.0.1")
        program = stack.enter_context(webcapd("--display", screen.name, *options))
        stack.enter_context(painter(screen)).noise(1)
        # Of requests that came before, a thread may be left that serves the next.
        before = Footprint(program.process.pid).threads
        assert len(program.get("/?snapshot&quality=100")[2]) > 2_000_000
        slow = list(readers(stack))
        wait_until(
            "all threads are held",
            lambda: Footprint(program.process.pid).threads >= before + len(slow),
        )
        stack.enter_context(contextlib.closing(Trickle(slow)))
        wait_until("there is room", lambda: program.get("/?snapshot")[0] == 200)
        assert Footprint(program.process.pid).threads > before + len(slow) // 2
