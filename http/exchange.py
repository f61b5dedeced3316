"""One request and its answer: who asks, on which connection, and how the answer is put."""

import logging
import socket
from http import HTTPStatus

from webcapd.http.access.origins import origin_headers
from webcapd.http.access.proxies import peer_address
from webcapd.http.site import Site
from webcapd.http.wire.address import IPAddress, url_host
from webcapd.http.wire.body import Body
from webcapd.http.wire.connection import send_all
from webcapd.http.wire.redaction import redacted
from webcapd.http.wire.request import Request, new_parser, read_head
from webcapd.http.wire.response import Header, HttpError, common_headers, response_head

log = logging.getLogger(__name__)

METHODS = "GET, HEAD, OPTIONS"


class Exchange:
    """A request as it came in, and the answer as it goes out; for one client thread.

    The answer goes out in one write, without a step through h11: a stream has
    a body that h11 would cut in chunks.
    """

    request: Request
    """Set by read(), but of what can be no request."""

    def __init__(self, connection: socket.socket, name: object, site: Site, number: int) -> None:
        """``name`` is the peer's, as the socket module gives it; ``number`` is of this request."""
        self.connection = connection
        self.site = site
        self.address: IPAddress | None = peer_address(name)
        """Who asks, None for one unknown behind a socket file."""
        self.origin_headers: list[Header] = []
        self.body: Body | None = None
        """None while it is not known where the head ends."""
        self.is_last = True
        """Whether the connection ends with the answer."""
        self._peer_name = name
        self._number = number
        self._line = ""
        """The request line, as it came."""
        self._to_head = False

    def read(self, head: bytes, rest: bytes) -> None:
        """Parse a head, and take what came behind it; raises HttpError."""
        self._line = head.partition(b"\n")[0].decode("latin-1").rstrip()
        parser = new_parser()
        self.request = request = read_head(parser, head)
        self.body = Body(self.connection, parser, request, rest)
        self.is_last = request.is_last
        self._to_head = request.method == "HEAD"
        headers = request.headers
        forwarded = headers.get_all("x-forwarded-for")
        self.address = self.site.proxies.client_of(self.address, forwarded)
        origin = headers.get("origin") if "origin" in headers else None
        self.origin_headers = origin_headers(origin, self.site.options.allow_origin)

    @property
    def has_unread(self) -> bool:
        """Whether bytes of the request may be left: they are never to be taken for the next."""
        return self.body is None or not self.body.is_read

    @property
    def rest(self) -> bytes:
        """What came behind the request."""
        return self.body.rest if self.body else b""

    @property
    def server(self) -> str:
        """The address that the client came to, for who names none."""
        name = self.connection.getsockname()
        return f"{url_host(name[0])}:{name[1]}" if isinstance(name, tuple) else "unix"

    @property
    def client(self) -> str:
        """The name of the client, in the log and in /?info; no two are alike."""
        name = self._peer_name
        if isinstance(name, tuple) and self.address == peer_address(name):
            return f"{url_host(str(self.address))}:{name[1]}"
        # A proxy's client: its port is the proxy's own affair.
        return f"{self.address or 'unix'}#{self._number}"

    def refuse(self, refusal: HttpError) -> None:
        """Answer by one sentence.  Raises OSError when the client is gone."""
        extra: list[Header] = []
        if refusal.retry_after is not None:
            extra.append(("Retry-After", str(refusal.retry_after)))
        if refusal.status == HTTPStatus.METHOD_NOT_ALLOWED:
            extra.append(("Allow", METHODS))
        if refusal.status == HTTPStatus.UNAUTHORIZED:
            extra.append(("WWW-Authenticate", self.site.access.challenge))
        body = f"{refusal.sentence}\n".encode()
        self.answer(refusal.status, "text/plain; charset=utf-8", body, *extra)

    def answer(self, status: int, kind: str, body: bytes, *extra: Header) -> None:
        """Send a whole response, in one write.  Raises OSError when the client is gone."""
        head = self.head(status, kind, len(body), *extra)
        with self.site.sending.to(self.connection):
            send_all(self.connection, (head,) if self._to_head else (head, body))

    def head(self, status: int, kind: str, length: int | None, *extra: Header) -> bytes:
        """Give the head of the response, and log it; ``length`` is None for an endless body."""
        self._log(status)
        self.is_last = self.is_last or self.has_unread
        if status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            length = -1
        server = f"webcapd/{self.site.version}"
        common = common_headers(server, kind, length, self.is_last)
        return response_head(status, [*common, *extra, *self.origin_headers])

    def _log(self, status: int) -> None:
        level = logging.INFO if self.site.options.loghttp else logging.DEBUG
        if log.isEnabledFor(level):
            log.log(level, '%s "%s" %s -', self.client, redacted(self._line), int(status))
