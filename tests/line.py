"""A line between a browser and webcapd that is slow, or holds back what has no end."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

_CHUNK = 1 << 16


class Line:
    """Listens on a port of its own, and passes on.

    It takes all that the server sends, as proxies do: the server cannot see that the
    line is slow.
    """

    def __init__(self, port: int) -> None:
        self.rate = 0.0
        """Bytes a second towards browsers; 0 for as many as there are."""
        self.holds = False
        """Whether answers without a length wait for their end."""
        self.spoils = False
        """Whether updates are made to be of another version."""
        self._behind = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/"
        self._open: list[socket.socket] = [self._listening]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                browser = self._listening.accept()[0]
                server = socket.create_connection(("127.0.0.1", self._behind))
                self._open += [browser, server]
                for run in (self._up, self._down):
                    threading.Thread(target=run, args=(browser, server), daemon=True).start()

    def _up(self, browser: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := browser.recv(_CHUNK):
                server.sendall(data)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)

    def _down(self, browser: socket.socket, server: socket.socket) -> None:
        waiting: list[bytes] = []
        more = threading.Condition()
        passing = threading.Thread(target=self._pass, args=(browser, waiting, more), daemon=True)
        passing.start()
        with contextlib.suppress(OSError):
            while data := server.recv(_CHUNK):
                with more:
                    waiting.append(data)
                    more.notify()
        with more:
            waiting.append(b"")
            more.notify()

    def _pass(
        self, browser: socket.socket, waiting: list[bytes], more: threading.Condition
    ) -> None:
        with contextlib.suppress(OSError):
            while True:
                with more:
                    more.wait_for(lambda: waiting)
                    data = waiting.pop(0)
                if not data:
                    break
                is_endless = (
                    data.startswith(b"HTTP/1.1 200") and b"content-length" not in data.lower()
                )
                if self.holds and is_endless:
                    return
                if self.spoils:
                    data = data.replace(b"WCU1{", b"WCU2{")
                for begin in range(0, len(data), 4096):
                    piece = data[begin : begin + 4096]
                    browser.sendall(piece)
                    if self.rate:
                        time.sleep(len(piece) / self.rate)
        with contextlib.suppress(OSError):
            browser.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def line(port: int) -> Iterator[Line]:
    """Run a line to a port of this machine."""
    running = Line(port)
    try:
        yield running
    finally:
        running.close()
