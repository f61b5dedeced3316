"""``tcp://[ADDRESS]:PORT`` and ``tcps://…,cert=FILE``: pictures behind their lengths.

Where there are tokens, a connection begins with one of them on a line.  One sender at a time;
one that is refused is told why, in a line, and hung up on.
"""

import contextlib
import hashlib
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from functools import partial

from webcapd.base.framing.prefixed import PrefixedReader
from webcapd.capture.feeds.feed import FeedContext, FeedPicture
from webcapd.capture.feeds.received.endpoint import Endpoint, check_permitted, parse_endpoint
from webcapd.capture.feeds.received.inlet import Inlet, Occupied
from webcapd.capture.feeds.received.inletfeed import ThreadedFeed
from webcapd.capture.feeds.received.intake import Intake
from webcapd.capture.feeds.received.jpeg import check_decoder
from webcapd.capture.feeds.received.reception import Keys
from webcapd.capture.feeds.settings import split_settings

log = logging.getLogger(__name__)

# Without a byte, and for a token.
_SILENCE_SECONDS = 10.0
# Of which three may be strangers who say nothing.
_MAX_CONNECTIONS = 4
_PIECE_BYTES = 64 * 1024
_MAX_TOKEN_LINE = 1024
# Before a wrong token is answered: with the above, guesses are few.
_WRONG_SECONDS = 1.0


def parse(rest: str, context: FeedContext) -> "TcpFeed":
    """Make the feed; raises ValueError with a sentence."""
    name, settings = split_settings(rest, {"cert": str} if context.scheme == "tcps" else {})
    endpoint = parse_endpoint(context.scheme, name)
    check_permitted(context.scheme, endpoint, context.reception)
    tls = None
    if context.scheme == "tcps":
        tls = _tls(settings.get("cert", ""))
    check_decoder()
    return TcpFeed(context.scheme, endpoint, context.reception.keys, tls)


def _tls(path: str) -> ssl.SSLContext:
    """Load certificate and key; raises ValueError with a sentence."""
    if not path:
        raise ValueError("tcps: needs ,cert=FILE: certificate and key, in one file")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(path)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or "it has no certificate and key in PEM"
        raise ValueError(f"{path} cannot be used for TLS: {reason}") from None
    return context


class TcpFeed(ThreadedFeed):
    """Listens, and shows what one connection at a time sends."""

    def __init__(
        self, scheme: str, endpoint: Endpoint, keys: Keys | None, tls: ssl.SSLContext | None
    ) -> None:
        """``keys`` gives the SHA-256 of the tokens, if any is demanded."""
        self._place = f"{scheme}://{endpoint}"
        super().__init__(Inlet[FeedPicture](f"{self._place} waits for pictures"))
        self._endpoint, self._keys, self._tls = endpoint, keys, tls
        self._listening: socket.socket | None = None
        self._ends = threading.Event()
        """Set with _stopping, for who waits a while."""
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._connections: set[socket.socket] = set()
        self._stopping = False

    def begin(self) -> None:
        family = socket.AF_INET6 if ":" in self._endpoint.address else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((self._endpoint.address, self._endpoint.port))
            listening.listen(_MAX_CONNECTIONS)
        except OSError:
            listening.close()
            raise
        if not self._endpoint.is_here and self._tls is None:
            log.warning("%s: tokens and pictures cross the network as they are", self._place)
        self._listening = listening
        self.start_thread("tcp-accept", self._accept)

    def end(self) -> None:
        with self._lock:
            self._stopping = True
            self._ends.set()
            ends = [*self._connections, *filter(None, [self._listening])]
        for one in ends:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        if self._listening is not None:
            self._listening.close()

    def _accept(self) -> None:
        """Accept connections until end()."""
        assert self._listening is not None
        while True:
            try:
                connection, peer = self._listening.accept()
            except OSError:
                with self._lock:
                    if self._stopping:
                        return
                # Out of descriptors, mostly.
                self._ends.wait(_WRONG_SECONDS)
                continue
            with self._lock:
                full = self._stopping or len(self._connections) >= _MAX_CONNECTIONS
                if not full:
                    self._connections.add(connection)
            if full:
                connection.close()
                continue
            serve = partial(self._serve, connection, f"{peer[0]}:{peer[1]}")
            try:
                self.start_thread("tcp-sender", serve)
            except RuntimeError:
                log.warning("%s: the system gives no thread for a sender", self._place)
                self._forget(connection)

    def _serve(self, connection: socket.socket, name: str) -> None:
        """Take what one connection sends, until it ends."""
        try:
            connection.settimeout(_SILENCE_SECONDS)
            with self._secured(connection) as secured:
                self._answer(secured, name)
        except (OSError, ssl.SSLError) as error:
            log.info("%s is gone from %s: %s", name, self._place, error)
        finally:
            self._forget(connection)

    def _forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)
        connection.close()

    @contextlib.contextmanager
    def _secured(self, connection: socket.socket) -> Iterator[socket.socket]:
        """Give a connection as TLS leaves it; raises OSError."""
        if self._tls is None:
            yield connection
            return
        # The descriptor stays with the connection, so that end() reaches it.
        copy = connection.dup()
        copy.settimeout(_SILENCE_SECONDS)
        with self._tls.wrap_socket(copy, server_side=True) as wrapped:
            yield wrapped

    def _answer(self, connection: socket.socket, name: str) -> None:
        """Take its pictures, and tell it in a line why it is hung up on.  Raises OSError."""
        try:
            key, rest = self._admitted(connection)
            with self.inlet.occupied(name):
                self._receive(connection, name, key, rest)
        except Occupied:
            connection.sendall(b"another one is sending pictures here\n")
        except ValueError as error:
            log.info("%s sent to %s what is refused: %s", name, self._place, error)
            connection.sendall(f"{error}\n".encode())

    def _admitted(self, connection: socket.socket) -> tuple[bytes, bytes]:
        """Read the token, if one is demanded; gives its SHA-256, and what came behind it.

        Raises ValueError, OSError.
        """
        if self._keys is None:
            return b"", b""
        line = b""
        while b"\n" not in line:
            piece = connection.recv(_MAX_TOKEN_LINE)
            line += piece
            if not piece or (len(line) > _MAX_TOKEN_LINE and b"\n" not in line[:_MAX_TOKEN_LINE]):
                raise ValueError("a token on a line of its own comes first")
        token, _, rest = line.partition(b"\n")
        key = hashlib.sha256(token.removesuffix(b"\r")).digest()
        if not self._permits(key):
            self._ends.wait(_WRONG_SECONDS)
            raise ValueError("the token is unknown or has expired")
        return key, rest

    def _permits(self, key: bytes) -> bool:
        """Whether a token permits to send, by its SHA-256."""
        return self._keys is None or key in self._keys()

    def _receive(self, connection: socket.socket, name: str, key: bytes, rest: bytes) -> None:
        """Take pictures until there are no more; raises ValueError, OSError."""
        reader, intake = PrefixedReader(), Intake(self.inlet)
        log.info("%s begins to send pictures to %s", name, self._place)
        try:
            data = rest or connection.recv(_PIECE_BYTES)
            while data:
                if not self._permits(key):
                    raise ValueError("access was revoked meanwhile")
                intake.take([one.data for one in reader.feed(data)])
                data = connection.recv(_PIECE_BYTES)
            if reader.is_within:
                raise ValueError("it ends within a picture")
        except TimeoutError:
            raise ValueError(f"nothing came for {_SILENCE_SECONDS:g} s") from None
        finally:
            self.inlet.end(f"nobody sends pictures to {self._place} any more")
            log.info("%s has sent %d pictures to %s", name, intake.pictures, self._place)
