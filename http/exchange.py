"""One request and its response: which client, on which connection, and how it is sent."""

import logging
import socket
from collections.abc import Callable
from http import HTTPStatus

from webcapd.base.redaction import redacted
from webcapd.http.access.clients import peer_address
from webcapd.http.access.origins import origin_headers
from webcapd.http.site import Site
from webcapd.http.wire.address import IPAddress, url_host
from webcapd.http.wire.body import Body
from webcapd.http.wire.connection import hang_up, sends_no_more
from webcapd.http.wire.request import Request, new_parser, read_head
from webcapd.http.wire.response import Header, HttpError, Response, common_headers, response_head

log = logging.getLogger(__name__)

METHODS = "GET, HEAD, OPTIONS"


class Exchange:
    """A request as it came in, and the response as it goes out; for one client thread.

    The response goes out in one write, without a step through h11: a stream has
    a body that h11 would cut in chunks.
    """

    request: Request
    """Set by read(), but of what can be no request."""

    def __init__(self, connection: socket.socket, name: object, site: Site, number: int) -> None:
        """``name`` is the peer's, as the socket module gives it; ``number`` is of this request."""
        self.connection = connection
        self.site = site
        self.address: IPAddress | None = peer_address(name)
        """The client's, None for one unknown behind a socket file."""
        self.origin_headers: list[Header] = []
        self.body: Body | None = None
        """None while it is not known where the head ends."""
        self.is_last = True
        """Whether the connection ends with the response."""
        self.finish: Callable[[], None] = self.close
        """What is done with the connection when another thread has sent the response."""
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

    def has_left(self) -> bool:
        """Whether the client may have left; never waits."""
        return sends_no_more(self.connection)

    def close(self) -> None:
        """Hang up."""
        hang_up(self.connection)
        self.connection.close()

    def send_error(self, error: HttpError) -> None:
        """Send one sentence.  Raises OSError when the client is gone."""
        extra: list[Header] = []
        if error.retry_after is not None:
            extra.append(("Retry-After", str(error.retry_after)))
        if error.headers:
            extra += error.headers
        elif error.status == HTTPStatus.METHOD_NOT_ALLOWED:
            extra.append(("Allow", METHODS))
        elif error.status == HTTPStatus.UNAUTHORIZED:
            extra.append(("WWW-Authenticate", self.site.access.challenge))
        body = f"{error.sentence}\n".encode()
        self.send(Response(error.status, "text/plain; charset=utf-8", body, tuple(extra)))

    def send_head(self, content_type: str, *extra: Header) -> None:
        """Send the head alone of an endless body.  Raises OSError when the client is gone."""
        head = self.head(HTTPStatus.OK, content_type, None, *extra)
        self.site.sender.send(self.connection, head)

    def send(self, response: Response) -> None:
        """Send a whole response, in one write.  Raises OSError when the client is gone."""
        status, content_type, body, extra = response
        head = self.head(status, content_type, len(body), *extra)
        self.site.sender.send(self.connection, head, b"" if self._to_head else body)

    def head(self, status: int, content_type: str, length: int | None, *extra: Header) -> bytes:
        """Give the head of the response, and log it; ``length`` is None for an endless body."""
        self._log(status)
        self.is_last = self.is_last or self.has_unread
        if status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            length = -1
        server = f"webcapd/{self.site.version}"
        common = common_headers(server, content_type, length, self.is_last)
        given = {name for name, _ in extra}
        # What is given for this response takes the place of what every one has.
        usual = [header for header in common if header[0] not in given]
        return response_head(status, [*usual, *extra, *self.origin_headers])

    def _log(self, status: int) -> None:
        level = logging.INFO if self.site.options.loghttp else logging.DEBUG
        if log.isEnabledFor(level):
            log.log(level, '%s "%s" %s -', self.client, redacted(self._line), int(status))
