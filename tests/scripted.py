"""A server that answers as a test says, also as no server should."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

from program import TIMEOUT

Answer = Callable[[socket.socket, str], None]
"""Gets the connection, and the head of the request."""


class Server:
    """Answers each connection as a test says, in a thread of its own."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.heads: list[str] = []
        self.greeting = b""
        """What it says before it is asked."""
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="scripted")
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            connection.settimeout(TIMEOUT)
            with connection, contextlib.suppress(OSError):
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True)
        connection.sendall(self.greeting)
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(1)
            if not piece:
                return
            head += piece
        self.heads.append(head.decode())
        self.answer(connection, self.heads[-1])
        connection.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(TIMEOUT)
        assert not self._thread.is_alive()


@contextlib.contextmanager
def serving(answer: Answer | bytes, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run a server that answers all alike."""

    def same(connection: socket.socket, head: str) -> None:
        assert isinstance(answer, bytes)
        connection.sendall(answer)

    server = Server(same if isinstance(answer, bytes) else answer, tls)
    try:
        yield server
    finally:
        server.close()
