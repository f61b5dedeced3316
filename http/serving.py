"""The listening socket and the threads behind it: one to accept, one a client."""

import contextlib
import http.server
import ipaddress
import itertools
import logging
import socket
import socketserver
import threading
import time
from typing import Any

from webcapd.http.handler import Handler
from webcapd.http.response import common_headers, response_head
from webcapd.http.site import Site

log = logging.getLogger(__name__)

# How long the accept thread rests when it is out of something.
_TROUBLE_SECONDS = 0.2


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
        self._troubled = False  # Accept thread only.
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

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.socket.getsockname()[0]).is_loopback

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
                self.process_request(connection, address)
                self._tell_trouble(None)
            except (OSError, RuntimeError) as error:
                # Out of descriptors, memory or threads: what is served goes
                # on, and some of it ends.
                self._tell_trouble(error)
                self._stopping.wait(_TROUBLE_SECONDS)

    def _tell_trouble(self, error: Exception | None) -> None:
        """Log when clients cannot be accepted, once, and when they can again."""
        if error is not None and not self._troubled and not self._stopping.is_set():
            log.warning("cannot accept clients: %s", error)
        elif error is None and self._troubled:
            log.info("accepting clients again")
        self._troubled = error is not None

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a client's thread."""
        thread = threading.Thread(
            target=self._serve_client,
            args=(request, client_address),
            name=f"client-{next(self._numbers)}"[:15],
            daemon=True,
        )
        with self._lock:
            full = len(self._clients) >= self.site.options.max_clients
            if not (full or self._stopping.is_set()):
                self._clients[request] = thread
        if request not in self._clients:
            _turn_away(request)
            return
        try:
            thread.start()
        except RuntimeError:
            with self._lock:
                del self._clients[request]
            _turn_away(request)
            raise

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


def _turn_away(connection: socket.socket) -> None:
    """Answer a client there is no room for, and hang up; never waits for it."""
    sentence = b"there are as many clients as --max-clients allows\n"
    headers = common_headers("webcapd", "text/plain; charset=utf-8", len(sentence), close=True)
    head = response_head(503, [*headers, ("Retry-After", "10")])
    with contextlib.suppress(OSError):
        connection.setblocking(False)
        connection.send(head + sentence)
    connection.close()


def _hang_up(connection: socket.socket) -> None:
    """Wake whoever waits on a socket, for good."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
