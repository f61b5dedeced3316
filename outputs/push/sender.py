"""How pictures are sent: what all ways have in common."""

import contextlib
import socket
import ssl
from typing import Protocol

from webcapd.encoder.frame import Frame

# From the question for a connection to its answer, and for each picture.
TIMEOUT_SECONDS = 10.0

# What waits in the kernel grows old.
_UNSENT_BYTES = 16 * 1024


class Refused(Exception):
    """The other side does not want it; one sentence."""

    def __init__(self, sentence: str, is_final: bool) -> None:
        """``is_final``: there is no sense in trying again."""
        super().__init__(sentence)
        self.is_final = is_final


class Sender(Protocol):
    """Sends pictures to one place, over one connection after the other.

    For the pusher's thread, but for interrupt().
    """

    repeat_seconds: float
    """After so long the picture is sent again though it is the same: silence is taken for loss."""

    def connect(self) -> None:
        """Begin; raises OSError, Refused."""

    def fileno(self) -> int:
        """Give what turns readable when check() has something to tell, and writable for send()."""

    def check(self) -> None:
        """Raise OSError or Refused if the other side has said that it takes nothing more."""

    def send(self, frame: Frame) -> None:
        """Send a picture; raises OSError, Refused."""

    def finish(self) -> None:
        """Say that this was all; raises OSError, Refused."""

    def close(self) -> None:
        """End the connection, if there is one."""

    def interrupt(self) -> None:
        """Make a call that waits fail by OSError; from any thread."""


class Connection:
    """A TCP connection, perhaps with TLS, one after the other."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._host, self._port, self._tls = host, port, tls
        # Replaced by the pusher's thread; interrupt() looks at what is there.
        self._plain: socket.socket | None = None
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Connect, and agree on TLS; raises OSError."""
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        for number, (family, kind, protocol, _, address) in enumerate(found, 1):
            self._plain = socket.socket(family, kind, protocol)
            try:
                self._plain.settimeout(TIMEOUT_SECONDS)
                self._plain.connect(address)
                break
            except OSError:
                self._plain.close()
                if number == len(found):
                    raise
        assert self._plain is not None
        self._plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        self._socket = self._plain
        if self._tls is not None:
            # The descriptor stays with the plain one, so that interrupt() reaches it.
            copy = self._plain.dup()
            copy.settimeout(TIMEOUT_SECONDS)
            try:
                self._socket = self._tls.wrap_socket(copy, server_hostname=self._host)
            except BaseException:
                copy.close()
                raise

    @property
    def opened(self) -> socket.socket:
        assert self._socket is not None, "it is not connected"
        return self._socket

    def send(self, data: bytes) -> None:
        self.opened.sendall(data)

    def received(self) -> bytes | None:
        """Give what has come; None if nothing has, and b"" at the end.  Raises OSError."""
        self.opened.settimeout(0)
        try:
            return self.opened.recv(16 * 1024)
        except (BlockingIOError, ssl.SSLWantReadError):
            # With TLS there may be news that are none of ours.
            return None
        finally:
            self.opened.settimeout(TIMEOUT_SECONDS)

    def interrupt(self) -> None:
        plain = self._plain
        if plain is not None:
            # Otherwise it is gone already.
            with contextlib.suppress(OSError):
                plain.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for one in (self._socket, self._plain):
            if one is not None:
                one.close()
        self._socket = self._plain = None


def sentence_of(error: Exception) -> str:
    """Say what went wrong with a connection."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(error, ssl.SSLError):
        return "it does not speak TLS as it should"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, OSError):
        return error.strerror or "the connection broke"
    return str(error)
