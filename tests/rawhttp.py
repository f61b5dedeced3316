"""HTTP by hand: what goes over the socket is what the test says, and what comes is all seen."""

import contextlib
import socket
from collections.abc import Iterator

from program import TIMEOUT, Webcapd


class Head:
    """A response head: its status line and its header lines, as they came."""

    def __init__(self, data: bytes) -> None:
        assert data.endswith(b"\r\n\r\n")
        self.status, *self.lines = data[:-4].decode("ascii").split("\r\n")
        pairs = [line.partition(": ") for line in self.lines]
        assert all(name and colon and value for name, colon, value in pairs), data
        self.names = [name for name, _, _ in pairs]
        assert len(set(self.names)) == len(self.names), "a header came twice"
        self.headers = {name.lower(): value for name, _, value in pairs}

    @property
    def code(self) -> int:
        return int(self.status.split(" ")[1])


class RawClient:
    """One connection, read by the byte."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")
        name = connection.getsockname()
        self.name = f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "unix"
        """What the server calls this client."""

    def fileno(self) -> int:
        """Let select() wait for it."""
        return self._connection.fileno()

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def request(
        self, target: str, *headers: str, method: str = "GET", version: str = "1.1"
    ) -> None:
        """Send a request of a well-behaved client, with some headers of its own."""
        lines = [f"{method} {target} HTTP/{version}", "Host: localhost", *headers]
        self.send("".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1"))

    def until(self, end: bytes) -> bytes:
        """Read until some bytes have come, those included."""
        data = b""
        while not data.endswith(end):
            data += self.exactly(1)
        return data

    def head(self) -> Head:
        return Head(self.until(b"\r\n\r\n"))

    def exactly(self, length: int) -> bytes:
        data = self._file.read(length)
        assert len(data) == length, "the connection ended early"
        return data

    def body(self, head: Head) -> bytes:
        """Read a body of the length that its head says."""
        return self.exactly(int(head.headers["content-length"]))

    def rest(self) -> bytes:
        """Read until the server closes the connection."""
        return self._file.read()

    def close(self) -> None:
        self._file.close()
        self._connection.close()


@contextlib.contextmanager
def raw(program: Webcapd) -> Iterator[RawClient]:
    """Connect to a running webcapd."""
    connection = socket.create_connection((program.host, program.port), TIMEOUT)
    with contextlib.closing(RawClient(connection)) as client:
        yield client


def response_or_none(program: Webcapd) -> Head | None:
    """Ask once; None if the server hangs up without an answer."""
    with raw(program) as client:
        return head_or_none(client, "/?health")


def head_or_none(client: RawClient, page: str) -> Head | None:
    """Ask on a connection; None if the server hangs up without an answer."""
    with contextlib.suppress(ConnectionError, AssertionError):
        client.request(page)
        return client.head()
    return None
