"""The listening socket and the threads behind it: one to accept, one a client."""

import contextlib
import http.server
import itertools
import logging
import socket
import socketserver
import threading
import time
from typing import Any

from webcapd.http.handler import Handler
from webcapd.http.site import Site

log = logging.getLogger(__name__)


class Listener(http.server.ThreadingHTTPServer):
    """The standard library's threading server, with its client threads accounted for.

    start(), stop() and join() are for the main thread.
    """

    request_queue_size = 128

    def __init__(self, address: str, port: int, site: Site) -> None:
        """Bind and listen; raises OSError."""
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.site = site
        self._lock = threading.Lock()
        self._clients: dict[socket.socket, threading.Thread] = {}  # Guarded by _lock.
        self._stopping = threading.Event()
        self._numbers = itertools.count(1)
        self._thread = threading.Thread(target=self.serve_forever, name="accept", daemon=True)
        super().__init__((address, port), Handler)

    def server_bind(self) -> None:
        # Not HTTPServer's: that one asks DNS for our name.
        socketserver.TCPServer.server_bind(self)

    @property
    def url(self) -> str:
        """The address to type into a browser."""
        host, port = self.socket.getsockname()[:2]
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Accept nobody more and hang up on everybody; returns at once."""
        self._stopping.set()
        _hang_up(self.socket)
        with self._lock:
            for connection in self._clients:
                _hang_up(connection)

    def join(self, timeout: float) -> bool:
        """Wait until all threads have ended; tells whether they did in time."""
        deadline = time.monotonic() + timeout
        with self._lock:
            threads = [self._thread, *self._clients.values()]
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        self.socket.close()
        return not any(thread.is_alive() for thread in threads)

    def serve_forever(self, poll_interval: float = 0) -> None:
        """Accept until stop(); unlike the base class's, without waking up to poll."""
        while not self._stopping.is_set():
            try:
                connection, address = self.get_request()
            except OSError as error:
                if not self._stopping.is_set():
                    # Out of descriptors or memory: what is served goes on, and
                    # some of it ends.
                    log.warning("cannot accept: %s", error)
                    self._stopping.wait(0.2)
                continue
            self.process_request(connection, address)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a client's thread."""
        thread = threading.Thread(
            target=self._serve_client,
            args=(request, client_address),
            name=f"client-{next(self._numbers)}"[:15],
            daemon=True,
        )
        with self._lock:
            if self._stopping.is_set():
                request.close()
                return
            self._clients[request] = thread
        thread.start()

    def _serve_client(self, connection: socket.socket, address: Any) -> None:
        try:
            self.finish_request(connection, address)
        except OSError as error:
            # A client that leaves is not an error.
            log.debug("%s is gone: %s", address[0], error)
        except Exception:
            log.exception("a request from %s failed", address[0])
        finally:
            with self._lock:
                del self._clients[connection]
            self.shutdown_request(connection)


def _hang_up(connection: socket.socket) -> None:
    """Wake whoever waits on a socket, for good."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
