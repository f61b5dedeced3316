"""A server under attack, and a viewer alongside who must not notice."""

import contextlib
import socket
import struct
from collections.abc import Iterator

import mjpeg
from footprint import Footprint
from painter import Painter, painter
from program import TIMEOUT, Webcapd, webcapd
from reader import Reader, reader
from waiting import wait_until
from xserver import XServer, xvfb

WIDTH, HEIGHT = 320, 240

# Changes of the screen that the viewer has to see, each.
_CHANGES = 5

# What a server may have grown by for good: caches, and memory that is free in pieces.
_KILOBYTES = 16 * 1024

# What a scenario of script/soak found that ends within attacked().
WATCHED = "the viewer was shown all changes; no thread, file or memory is left"

# A socket closed like this sends a reset.
_NO_LINGER = struct.pack("ii", 1, 0)


class Attack:
    """A server that is watched, and sockets that trouble it."""

    def __init__(self, server: XServer, program: Webcapd, brush: Painter, viewer: Reader) -> None:
        self.program = program
        self._server, self._brush, self._viewer = server, brush, viewer
        self._seed = 0
        self._sockets: list[socket.socket] = []

    def connect(self, data: bytes = b"", buffer: int | None = None) -> socket.socket:
        """Open a connection that stays, and send something on it.

        ``buffer`` bounds what the kernel takes in for it.
        """
        connection = socket.socket()
        self._sockets.append(connection)
        if buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.settimeout(TIMEOUT)
        connection.connect((self.program.host, self.program.port))
        # One that is not let in may be hung up on already.
        with contextlib.suppress(OSError):
            connection.sendall(data)
        return connection

    def give_up(self, reset: bool = False) -> None:
        """Close all connections."""
        for connection in self._sockets:
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            connection.close()
        self._sockets.clear()

    def see_changes(self) -> None:
        """See that the viewer is shown each of some changes."""
        for _ in range(_CHANGES):
            self._seed += 1
            self._brush.noise(self._seed)
            self._viewer.wait_for(mjpeg.decode(mjpeg.encode(self._server.pixels())))

    def footprint(self) -> Footprint:
        """Measure when nothing comes or goes any more: threads end after their answers."""
        sizes = [(-1, -1)]

        def settled() -> bool:
            now = Footprint(self.program.process.pid)
            sizes.append((now.files, now.threads))
            return sizes[-1] == sizes[-2]

        wait_until("nothing comes or goes", settled)
        return Footprint(self.program.process.pid)


@contextlib.contextmanager
def attacked(*options: str) -> Iterator[Attack]:
    """Give a server to attack; afterwards it must hold no more than before."""
    with (
        xvfb(WIDTH, HEIGHT) as server,
        painter(server) as brush,
        webcapd("--display", server.name, "--keepalive", "0.5", *options) as program,
        reader(program) as viewer,
    ):
        attack = Attack(server, program, brush, viewer)
        # Once before, so that what is loaded late is there.
        attack.see_changes()
        program.snapshot()
        before = attack.footprint()
        try:
            yield attack
        finally:
            attack.give_up()
        attack.see_changes()
        assert program.snapshot()
        pid = program.process.pid
        wait_until("threads end", lambda: Footprint(pid).threads <= before.threads)
        wait_until("files close", lambda: Footprint(pid).files <= before.files)
        most = before.kilobytes + _KILOBYTES
        wait_until("memory is given back", lambda: Footprint(pid).kilobytes < most)
