"""HTTP/2 over one TLS connection: many responses at a time, each read like a file."""

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset
from program import TIMEOUT
from waiting import wait_until


class H2Response:
    """One response; its body comes through a pair of sockets, so that it reads like any other."""

    def __init__(self) -> None:
        self._reader, self.writer = socket.socketpair()
        self._reader.settimeout(TIMEOUT)
        self._file = self._reader.makefile("rb")
        self._headers: dict[str, str] = {}
        self._begun = threading.Event()

    def begin(self, headers: dict[str, str]) -> None:
        self._headers = headers
        self._begun.set()

    def getheader(self, name: str, default: str = "", /) -> str:
        assert self._begun.wait(TIMEOUT), "there is no answer"
        return self._headers.get(name.lower(), default)

    @property
    def status(self) -> int:
        return int(self.getheader(":status", "0"))

    def readline(self) -> bytes:
        return self._file.readline()

    def read(self, length: int | None = None, /) -> bytes:
        return self._file.read(-1 if length is None else length)

    def close(self) -> None:
        self._file.close()
        self._reader.close()
        self.writer.close()


class H2Client:
    """One connection; a thread of it hands out what comes."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        assert connection.selected_alpn_protocol() == "h2"
        connection.setblocking(False)
        # Guarded by _lock: OpenSSL does not bear two threads in one connection.
        self._socket = connection
        self._lock = threading.Lock()
        self._h2 = H2Connection(H2Configuration(header_encoding="utf-8"))  # Guarded by _lock.
        self._responses: dict[int, H2Response] = {}  # Guarded by _lock.
        with self._lock:
            self._h2.initiate_connection()
            # Windows as large as browsers': what is on its way is not for them to bound.
            self._h2.increment_flow_control_window(1 << 24)
            self._flush()
        self._thread = threading.Thread(target=self._listen, name="h2", daemon=True)
        self._thread.start()

    def get(self, path: str, *headers: tuple[str, str]) -> H2Response:
        """Ask; returns at once."""
        response = H2Response()
        pseudo = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost")]
        with self._lock:
            number = self._h2.get_next_available_stream_id()
            self._responses[number] = response
            self._h2.send_headers(number, [*pseudo, (":path", path), *headers], end_stream=True)
            self._h2.increment_flow_control_window(1 << 22, number)
            self._flush()
        return response

    def _flush(self) -> None:
        rest = self._h2.data_to_send()
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except ssl.SSLWantWriteError:
                select.select([], [self._socket], [], TIMEOUT)

    def _listen(self) -> None:
        # Closing the connection ends this thread.
        with contextlib.suppress(OSError, ValueError):
            while select.select([self._socket], [], []) and self._take():
                pass

    def _take(self) -> bool:
        """Hand out what has come; tells whether more may come."""
        with self._lock, contextlib.suppress(ssl.SSLWantReadError):
            while data := self._socket.recv(1 << 16):
                for event in self._h2.receive_data(data):
                    self._heed(event)
                self._flush()
            return False
        return True

    def _heed(self, event: Any) -> None:
        if isinstance(event, ResponseReceived):
            self._responses[event.stream_id].begin(
                {str(name): str(value) for name, value in event.headers}
            )
        elif isinstance(event, DataReceived):
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self._responses[event.stream_id].writer.sendall(event.data)
        elif isinstance(event, StreamEnded | StreamReset):
            self._responses[event.stream_id].writer.close()

    def close(self) -> None:
        # Not as of a TLS connection, which would be none any more: what has come already would be
        # read as it is, by a thread that takes it for HTTP/2.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        # Whoever has not been read to the end holds the thread up no longer.
        for response in self._responses.values():
            response.close()
        self._thread.join(TIMEOUT)
        assert not self._thread.is_alive()
        self._socket.close()


@contextlib.contextmanager
def h2_client(port: int) -> Iterator[H2Client]:
    """Connect to a TLS server on this machine, whatever its certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    plain = socket.create_connection(("127.0.0.1", port), TIMEOUT)
    client = H2Client(context.wrap_socket(plain))
    try:
        yield client
    finally:
        client.close()


def served(response: H2Response) -> H2Response | None:
    """Give a response, None if it is none of what was asked for: a proxy may be impatient."""
    return response if response.status == 200 else None


@contextlib.contextmanager
def h2_client_of(port: int, path: str) -> Iterator[tuple[H2Client, H2Response]]:
    """Connect, and ask until it is served, as Front.served() does; gives the response, too."""
    with contextlib.ExitStack() as stack:

        def asked() -> tuple[H2Client, H2Response] | None:
            client = stack.enter_context(h2_client(port))
            with contextlib.suppress(OSError, AssertionError):
                if response := served(client.get(path)):
                    return client, response
            stack.close()
            return None

        yield wait_until(f"{path} is served", asked)
