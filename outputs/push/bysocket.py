"""Pictures without HTTP: behind their lengths over TCP or TLS, or in datagrams."""

import contextlib
import hashlib
import secrets
import socket
import time

from webcapd.base.framing.datagrams import datagrams
from webcapd.base.framing.picture import Stamped
from webcapd.base.framing.prefixed import prefixed
from webcapd.encoder.frame import Frame
from webcapd.outputs.push.sender import Connection, Refused

_MAX_LINE = 1000

# Datagrams in a row, and the rest behind them: receivers have short queues.
_BURST, _REST_SECONDS = 32, 0.001


def _stamped(frame: Frame) -> Stamped:
    return Stamped(int(frame.captured * 1e9), frame.data)


class TcpSender:
    """The token on a line, if there is one, and then pictures."""

    repeat_seconds = 4.0

    def __init__(self, connection: Connection, token: str) -> None:
        self._connection, self._token = connection, token
        self._heard = b""

    def connect(self) -> None:
        self._heard = b""
        self._connection.open()
        if self._token:
            self._connection.send(f"{self._token}\n".encode())

    def fileno(self) -> int:
        return self._connection.opened.fileno()

    def check(self) -> None:
        """Read why it hangs up, if it does."""
        while (data := self._connection.received()) is not None:
            self._heard += data
            if not data or b"\n" in self._heard or len(self._heard) > _MAX_LINE:
                line = self._heard[:_MAX_LINE].decode("ascii", "replace").partition("\n")[0]
                if not line:
                    raise ConnectionResetError(0, "it hung up")
                said = "".join(c if c.isascii() and c.isprintable() else "?" for c in line)
                # Its other refusals are of pictures, or of two who send.
                raise Refused(f"it says: {said}", is_final="token" in said)

    def send(self, frame: Frame) -> None:
        try:
            self._connection.send(prefixed(_stamped(frame)))
        except ConnectionError:
            # It may have said why.
            self.check()
            raise

    def finish(self) -> None:
        """Nothing: whole pictures end where they end."""

    def close(self) -> None:
        self._connection.close()

    def interrupt(self) -> None:
        self._connection.interrupt()


class UdpSender:
    """Datagrams, which nobody acknowledges."""

    # Less than the two seconds of silence that count as loss, also if one is lost.
    repeat_seconds = 0.7

    def __init__(self, host: str, port: int, token: str) -> None:
        self._place = (host, port)
        self._key = hashlib.sha256(token.encode()).digest() if token else b""
        self._run, self._frame = secrets.randbits(32), 0
        self._socket: socket.socket | None = None

    def connect(self) -> None:
        family, kind, protocol, _, address = socket.getaddrinfo(
            *self._place, type=socket.SOCK_DGRAM
        )[0]
        self._socket = socket.socket(family, kind, protocol)
        self._socket.connect(address)

    @property
    def _opened(self) -> socket.socket:
        assert self._socket is not None, "it is not connected"
        return self._socket

    def fileno(self) -> int:
        return self._opened.fileno()

    def check(self) -> None:
        """Raise what the network has told of datagrams that found nobody."""
        with contextlib.suppress(BlockingIOError):
            self._opened.recv(1, socket.MSG_DONTWAIT)

    def send(self, frame: Frame) -> None:
        self._frame = (self._frame + 1) & 0xFFFFFFFF
        parts = datagrams(_stamped(frame), self._run, self._frame, self._key)
        for number, datagram in enumerate(parts, 1):
            self._opened.send(datagram)
            if number % _BURST == 0:
                time.sleep(_REST_SECONDS)

    def finish(self) -> None:
        """Nothing: there is no connection."""

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def interrupt(self) -> None:
        """Nothing: nothing here waits."""
