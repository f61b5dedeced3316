"""System calls that fail: it costs the connection concerned, and nobody else anything."""

import contextlib
from collections.abc import Iterator

import mjpeg
from program import Webcapd, webcapd
from rawhttp import head_or_none, raw, response_or_none
from waiting import wait_until
from xserver import XServer


@contextlib.contextmanager
def failing(server: XServer, call: str, which: str) -> Iterator[Webcapd]:
    """Run webcapd, of each of whose threads some calls, by number, fail."""
    # In the background, so that the process we start is webcapd itself.
    inject = f"inject={call}:error=ENOSPC:when={which}"
    strace = ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject)
    with webcapd("--display", server.name, "--keepalive", "0.5", wrapper=strace) as program:
        yield program


def test_connection_that_cannot_be_watched_is_hung_up_on(server: XServer) -> None:
    # The first two calls of the accept thread are for its waker and the listening socket.
    with failing(server, "epoll_ctl", "3..5") as program:
        for _ in range(3):
            assert response_or_none(program) is None
        program.wait_for_line(lambda line: "cannot accept clients: " in line)
        answer = response_or_none(program)
        assert answer is not None
        assert answer.code == 200
        program.wait_for_line(lambda line: "accepting clients again" in line)
        assert len([line for line in program.lines if "accept" in line]) == 2


def test_stream_that_cannot_be_watched_ends_alone(server: XServer) -> None:
    # The accept thread forgets the first, and takes in and forgets the others; the third
    # call of the fan-out thread is for the second stream.
    with failing(server, "epoll_ctl", "3") as program:
        assert response_or_none(program) is None
        with mjpeg.stream(program) as stream, raw(program) as lost:
            head_or_none(lost, "/?stream")
            program.wait_for_line(lambda line: "cannot watch a stream's connection" in line)
            assert lost.rest() == b""
            assert stream.part().body
            wait_until("one is left", lambda: program.info()["stats"]["sessionCount"] == 1)
        wait_until("none is left", lambda: program.info()["stats"]["sessionCount"] == 0)
