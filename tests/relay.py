"""A way to a real X server that goes quiet: the first connections get through, the others wait.

What sits there takes connections, and lets some of them speak with the server
behind it.  So an X server looks whose machine is overloaded or half dead.
"""

import contextlib
import os
import selectors
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from mortal import free_number


class Relay:
    """A display that stands before another."""

    def __init__(self, behind: str) -> None:
        self.number = free_number()
        self.name = f":{self.number}"
        self.taken = 0
        """How many connections have come.  Written by the relay's thread only."""
        self._let_through = 0
        self._behind = f"/tmp/.X11-unix/X{behind.removeprefix(':')}"
        self._path = Path(f"/tmp/.X11-unix/X{self.number}")
        self._selector = selectors.DefaultSelector()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self._path))
        self._listening.listen()
        self._open = [self._listening]
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._bell = os.eventfd(0)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def let_through(self, count: int) -> None:
        """Have that many more connections speak with the server; the later ones wait."""
        self._let_through = self.taken + count

    def cut(self) -> None:
        """Break all connections that there are."""
        for connection in self._open[1:]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj == self._bell:
                    return
                if key.fileobj is self._listening:
                    self._take()
                else:
                    self._pass_on(key.fileobj, key.data)

    def _take(self) -> None:
        connection, _ = self._listening.accept()
        self.taken += 1
        self._open.append(connection)
        if self.taken <= self._let_through:
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._behind)
            self._open.append(server)
            self._selector.register(connection, selectors.EVENT_READ, server)
            self._selector.register(server, selectors.EVENT_READ, connection)

    def _pass_on(self, source: object, target: socket.socket) -> None:
        assert isinstance(source, socket.socket)
        with contextlib.suppress(OSError):
            if data := source.recv(1 << 16):
                target.sendall(data)
                return
        self._selector.unregister(source)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        os.eventfd_write(self._bell, 1)
        self._thread.join()
        for connection in self._open:
            connection.close()
        self._selector.close()
        os.close(self._bell)
        self._path.unlink()


@contextlib.contextmanager
def relay(behind: str) -> Iterator[Relay]:
    opened = Relay(behind)
    try:
        yield opened
    finally:
        opened.close()
