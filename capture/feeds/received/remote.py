"""``http://…`` and ``https://…``: the stream or the snapshot that another server gives."""

import contextlib
import http.client
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping

from webcapd.base.framing.multipart import MultipartReader
from webcapd.base.framing.picture import MAX_BYTES, check_bytes
from webcapd.base.number import parse_number
from webcapd.capture.feeds.feed import FeedContext, FeedPicture
from webcapd.capture.feeds.received.inlet import Inlet
from webcapd.capture.feeds.received.inletfeed import ThreadedFeed
from webcapd.capture.feeds.received.intake import Intake
from webcapd.capture.feeds.received.jpeg import check_decoder
from webcapd.capture.feeds.received.webaddress import WebAddress, parse_address
from webcapd.capture.feeds.settings import split_settings

log = logging.getLogger(__name__)

_MAX_REDIRECTS = 5
_PIECE_BYTES = 64 * 1024
# Without a byte; servers send a picture at rest again each 5 s, some each 9.
_SILENCE_SECONDS = 15.0
# From the request to the last header, for a snapshot, and from one picture of a stream to the next.
_WHOLE_SECONDS = 30.0
# Between attempts: doubled each time, until a picture comes.
_FIRST_WAIT, _MAX_WAIT = 0.5, 10.0

_HEADERS = {
    # Not one that asks for the lengths to be left out, or for repeated frames.
    "User-Agent": "webcapd",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


def parse(rest: str, context: FeedContext) -> "RemoteFeed":
    """Make the feed; raises ValueError with a sentence."""
    url, settings = split_settings(rest, {"every": _parse_period, "ca": str})
    address = parse_address(f"{context.scheme}:{url}")
    if not address.secret:
        secret = context.secret_for(f"{address.host}:{address.port}")
        address = WebAddress(address.scheme, address.host, address.port, address.path, secret)
    tls = None
    if address.scheme == "https":
        try:
            tls = ssl.create_default_context(cafile=settings.get("ca"))
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror or "it has no certificate in PEM"
            raise ValueError(f"ca={settings['ca']} cannot be used: {reason}") from None
    check_decoder()
    return RemoteFeed(address, tls, settings.get("every", 1.0))


def _parse_period(text: str) -> float:
    seconds = parse_number(text)
    if not 0.05 <= seconds <= 86400:
        raise ValueError(f"every={text} is not from 0.05 to 86400 seconds")
    return seconds


class _Refused(Exception):
    """The server gives no picture; one sentence, without secrets."""


class RemoteFeed(ThreadedFeed):
    """Has a thread that reads a stream, or a snapshot again and again."""

    def __init__(self, address: WebAddress, tls: ssl.SSLContext | None, every: float) -> None:
        """``every`` is the time from one snapshot to the next, in seconds."""
        self._server = f"{address.scheme}://{address.host_header}"
        super().__init__(Inlet[FeedPicture](f"{self._server} has not answered yet"))
        self._address, self._tls, self._every = address, tls, every
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None  # Guarded by _lock.
        # That thread only; others read the number:
        self._connections = 0
        self._tag = ""
        """The ETag of the last snapshot."""

    def begin(self) -> None:
        self.start_thread("remote", self._run)

    def end(self) -> None:
        self._stopping.set()
        self._hang_up()

    def _hang_up(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)

    def status(self) -> Mapping[str, object]:
        return {**super().status(), "connections": self._connections}

    def _run(self) -> None:
        """Have pictures come in until end()."""
        wait = _FIRST_WAIT
        while not self._stopping.is_set():
            intake = Intake(self.inlet)
            again = self._every
            try:
                many = self._fetch(intake)
            except Exception as error:
                again, self._tag = 0.0, ""
                reason = _sentence(error, self._address)
                log.debug("%s: %r", self._server, error)
                self.inlet.end(f"{self._server}: {reason}")
            else:
                if many:
                    again = 0.0
                    self.inlet.end(f"{self._server} ended its stream")
            wait = _FIRST_WAIT if intake.pictures or again else min(2 * wait, _MAX_WAIT)
            self._stopping.wait(again or wait)

    def _fetch(self, intake: Intake) -> bool:
        """Read one response to its end; tells whether it was a stream of pictures.

        Raises what _sentence() knows to tell.
        """
        with self._response() as response:
            if response.status == 304:
                return False
            kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
            if kind.startswith("multipart/"):
                self._read_stream(response, intake)
                return True
            if kind not in ("image/jpeg", "image/jpg"):
                hint = "; webcapd has its stream at /?stream" if kind == "text/html" else ""
                raise _Refused(f"it sends {_word(kind)}, and no JPEG{hint}")
            self._read_snapshot(response, intake)
            self._tag = response.getheader("ETag") or ""
            return False

    def _read_stream(self, response: http.client.HTTPResponse, intake: Intake) -> None:
        reader, last = MultipartReader(), time.monotonic()
        while piece := response.read1(_PIECE_BYTES):
            parts = reader.feed(piece)
            intake.take([part.data for part in parts])
            if parts:
                last = time.monotonic()
            elif time.monotonic() - last > _WHOLE_SECONDS:
                raise TimeoutError
        # The last one may end with the connection; half of one is no reason to tell.
        with contextlib.suppress(ValueError):
            intake.take([part.data for part in reader.end()])

    def _read_snapshot(self, response: http.client.HTTPResponse, intake: Intake) -> None:
        data = bytearray()
        with self._limited():
            while piece := response.read1(_PIECE_BYTES):
                data += piece
                check_bytes(len(data), MAX_BYTES)
        if response.length:
            raise _Refused("its picture ended early")
        intake.take([bytes(data)], 1)

    @contextlib.contextmanager
    def _response(self) -> Iterator[http.client.HTTPResponse]:
        """Ask, following redirects; gives a response that has a picture, or 304."""
        address = self._address
        for _ in range(_MAX_REDIRECTS):
            with self._asked(address) as response:
                if response.status not in (301, 302, 303, 307, 308):
                    if response.status not in (200, 304):
                        raise _Refused(f"it answers {response.status} {_word(response.reason)}")
                    yield response
                    return
                address = address.redirected(response.getheader("Location") or "")
        raise _Refused("it redirects again and again")

    @contextlib.contextmanager
    def _asked(self, address: WebAddress) -> Iterator[http.client.HTTPResponse]:
        """Connect and ask; the connection ends with the context."""
        with contextlib.closing(self._connection(address)) as connection:
            with self._limited():
                connection.connect()
                with self._lock:
                    self._socket = connection.sock
                if self._stopping.is_set():
                    raise TimeoutError
                self._connections += 1
                headers = _HEADERS | {"Host": address.host_header}
                if address.authorization:
                    headers["Authorization"] = address.authorization
                if self._tag:
                    headers["If-None-Match"] = self._tag
                connection.request("GET", address.path, headers=headers)
                response = connection.getresponse()
            try:
                with response:
                    yield response
            finally:
                with self._lock:
                    self._socket = None

    def _connection(self, address: WebAddress) -> http.client.HTTPConnection:
        where = (address.host, address.port)
        if self._tls is None:
            return http.client.HTTPConnection(*where, timeout=_SILENCE_SECONDS)
        return http.client.HTTPSConnection(*where, timeout=_SILENCE_SECONDS, context=self._tls)

    @contextlib.contextmanager
    def _limited(self) -> Iterator[None]:
        """Hang up if the context lasts too long, whatever trickles in."""
        timer = threading.Timer(_WHOLE_SECONDS, self._hang_up)
        timer.name, timer.daemon = "remote-limit", True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _word(text: str) -> str:
    """Give what may be shown of a stranger's text."""
    shown = "".join(c if c.isascii() and c.isprintable() else "?" for c in text[:60])
    return shown or "nothing that says what it is"


def _sentence(error: Exception, address: WebAddress) -> str:
    """Say what went wrong; what is said holds no address and no secret."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return f"there is no host {address.host}"
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(error, ssl.SSLError):
        return "it does not speak TLS as it should"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, OSError):
        return error.strerror or "the connection broke"
    if isinstance(error, http.client.HTTPException):
        return "it does not speak HTTP as it should"
    if isinstance(error, (_Refused, ValueError)):
        return str(error)
    return "it failed; see the log"
