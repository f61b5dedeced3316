"""Hundreds who watch at once, each frame more than a connection's buffer holds."""

import contextlib
import re
import select
import socket
import time
import zlib

from program import TIMEOUT, webcapd
from soak import scenario

_REQUEST = b"GET /?stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
_BOUNDARY = b"--webcapd-part\r\n"
_HEAD = re.compile(
    _BOUNDARY + rb"Content-Type: image/jpeg\r\nContent-Length: (\d+)\r\nX-Timestamp: (\S+)\r\n\r\n"
)
_FRAMES = 10
_BUFFER = 128 * 1024


class _Viewer:
    """One connection, and what has come of the part that has begun."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.frames = 0
        self._data = b""
        self._is_begun = False

    def read(self, seen: dict[bytes, int]) -> None:
        """Take what has come; ``seen`` has a checksum of each frame that anybody has got."""
        pieces = [self._data]
        with contextlib.suppress(BlockingIOError):
            while piece := self.connection.recv(1 << 20):
                pieces.append(piece)
            raise AssertionError("the stream ended")
        self._data = b"".join(pieces)
        if not self._is_begun:
            head, found, rest = self._data.partition(b"\r\n\r\n")
            self._is_begun = bool(found)
            self._data = rest if found else head
        while self._is_begun and self._take_part(seen):
            self.frames += 1

    def _take_part(self, seen: dict[bytes, int]) -> bool:
        head = _HEAD.match(self._data)
        if head is None:
            assert len(self._data) < 200, self._data[:200]
            return False
        size, moment = int(head[1]), head[2]
        end = head.end() + size
        if len(self._data) < end + 2:
            return False
        body, line = self._data[head.end() : end], self._data[end : end + 2]
        assert size > _BUFFER, "a frame that fits into the buffer shows nothing"
        assert line == b"\r\n"
        assert seen.setdefault(moment, zlib.crc32(body)) == zlib.crc32(body)
        self._data = self._data[end + 2 :]
        return True


@scenario("crowd", 1000)
def crowd(count: int) -> str:
    """Have COUNT viewers watch, until each has had ten frames: all whole, and the same for all."""
    # One quality for all, however slowly they read.
    options = ("--jpeg-quality", "75", "--min-quality", "75", "--max-clients", str(count + 10))
    with (
        webcapd("--source", "pattern:noise,size=640x480", *options) as program,
        contextlib.ExitStack() as held,
        select.epoll() as poll,
    ):
        viewers = {}
        for _ in range(count):
            address = (program.host, program.port)
            connection = held.enter_context(socket.create_connection(address, TIMEOUT))
            connection.sendall(_REQUEST)
            connection.setblocking(False)
            viewers[connection.fileno()] = _Viewer(connection)
            poll.register(connection, select.EPOLLIN)
        seen: dict[bytes, int] = {}
        deadline = time.monotonic() + TIMEOUT + count / 10
        while few := sum(one.frames < _FRAMES for one in viewers.values()):
            assert time.monotonic() < deadline, f"{few} have had less than {_FRAMES} frames"
            for descriptor, _ in poll.poll(1):
                viewers[descriptor].read(seen)
    most = max(one.frames for one in viewers.values())
    return f"each had {_FRAMES} to {most} frames, of {len(seen)}"
