"""One request: read, admitted, and answered by a page or handed over as a stream."""

import contextlib
import http.server
import io
import logging
import re
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from webcapd.encoder.frame import Frame
from webcapd.encoder.latest import Closed
from webcapd.encoder.variant import Variant
from webcapd.encoder.variants import TooManyVariants
from webcapd.http.access import Pass
from webcapd.http.address import neighbourhood, url_host
from webcapd.http.connection import hang_up, send_all, sends_no_more
from webcapd.http.form import form_of, fps_of, quarter_turns
from webcapd.http.hosts import host_is_served, is_host
from webcapd.http.multipart import CONTENT_TYPE, collects, framing_for, wants_repeat
from webcapd.http.origins import origin_headers, preflight_headers
from webcapd.http.pages import Asked, answer
from webcapd.http.proxies import peer_address
from webcapd.http.refusal import Refusal, one_line
from webcapd.http.response import Header, common_headers, response_head
from webcapd.http.sessions import Session
from webcapd.http.site import Site
from webcapd.http.snapshot import PICTURE_SECONDS
from webcapd.http.stream import Manner, Stream
from webcapd.http.target import Target, parse_target

if TYPE_CHECKING:
    from webcapd.http.serving import Listener

log = logging.getLogger(__name__)

_METHODS = "GET, HEAD, OPTIONS"

# The base class would end a line at a lone CR, where a proxy in front sees none
# (RFC 9112, 2.2); NUL is in no header either (RFC 9110, 5.5).
_NO_TEXT = re.compile(rb"\r(?!\n)|\0")

# A parameter in a request line.
_PARAMETER = re.compile(r"([?&])([^?&= ]*)=[^& ]*")


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request of one client.

    The base class parses the request; reading and threads are the Listener's.
    """

    protocol_version = "HTTP/1.1"
    connection: socket.socket

    def __init__(
        self,
        connection: socket.socket,
        name: object,
        listener: "Listener",
        head: bytes,
        number: int,
    ) -> None:
        """Prepare to answer the request whose whole head is given; nothing is sent yet."""
        # Not the base class's, which reads from the connection, and answers
        # all that comes, before it returns.
        self.connection = connection
        self._listener = listener
        self.rfile = io.BytesIO(head)
        self._malformed = _NO_TEXT.search(head) is not None
        self.has_body = False
        """Whether there may be unread bytes of this request."""
        self.handed_over = False
        """Whether the connection is somebody else's now."""
        self._number = number
        self._peer_name = name
        self._address = peer_address(name)
        self._origin_headers: list[Header] = []
        self._held = contextlib.ExitStack()
        """What the request takes up until it is answered."""
        self._permit = Pass()

    @property
    def _site(self) -> Site:
        return self._listener.site

    def serve(self) -> bool:
        """Answer; tells whether the connection may be used again.

        Raises OSError when the client is gone.
        """
        self.raw_requestline = self.rfile.readline()
        self.command, self.request_version, self.requestline = "", self.protocol_version, ""
        self.close_connection = True
        with self._held:
            if self.parse_request():
                self._see_request()
                getattr(self, f"do_{self.command}", self._not_known)()
        return not self.close_connection

    def _not_known(self) -> None:
        self.send_error(501, f"{self.command} is not known here; GET and HEAD are")

    def do_GET(self) -> None:
        try:
            self._held.enter_context(self._site.seats.from_one(self._address))
            target = self._admitted()
            self._permit = self._let_in(target)
            give = self._give_stream if target.page == "stream" else self._give_page
            give(target)
        except Refusal as refusal:
            self._refuse(refusal)
        except TooManyVariants as error:
            self._refuse(Refusal(503, str(error), retry_after=10))
        except Closed:
            self.close_connection = True

    do_HEAD = do_GET

    def do_OPTIONS(self) -> None:
        """Tell what may be done, and a browser whether another site's script may do it."""
        self._answer(
            204, "text/plain", b"", ("Allow", _METHODS), *preflight_headers(self._origin_headers)
        )

    def _not_allowed(self) -> None:
        self.close_connection = True  # Its body, if any, is left unread.
        self.has_body = True
        self._refuse(Refusal(405, f"{self.command} is not for this address; GET and HEAD are"))

    do_POST = do_PUT = do_DELETE = do_PATCH = _not_allowed

    def _see_request(self) -> None:
        """Note what the headers tell of the client and of the request itself."""
        headers = self.headers
        forwarded = headers.get_all("X-Forwarded-For", [])
        self._address = self._site.proxies.client_of(self._address, forwarded)
        self._origin_headers = origin_headers(
            headers.get("Origin"), self._site.options.allow_origin
        )
        # Bytes left unread must never be taken for the next request.
        lengths = headers.get_all("Content-Length", [])
        self.has_body = "Transfer-Encoding" in headers or any(one != "0" for one in lengths)
        # The base class knows "close" only where it stands alone.
        wishes = ",".join(headers.get_all("Connection", [])).lower().split(",")
        closes = self.request_version == "HTTP/1.0" or "close" in map(str.strip, wishes)
        if self.has_body or closes:
            self.close_connection = True

    def _admitted(self) -> Target:
        """Check the request and read its target; raises Refusal."""
        names = list(self.headers)
        if self._malformed or self.headers.defects or any(one != one.rstrip() for one in names):
            self.close_connection = self.has_body = True
            raise Refusal(400, "the request has a malformed header line")
        hosts = self.headers.get_all("Host", [])
        if len(hosts) > 1:
            raise Refusal(400, "the request has more than one Host header")
        host = hosts[0] if hosts else None
        if host is None:
            if self.request_version != "HTTP/1.0":
                raise Refusal(400, "the request has no Host header")
        elif not host_is_served(host, self._site.names):
            if not is_host(host):
                raise Refusal(400, "the Host header names no host")
            name = host.partition(":")[0]
            raise Refusal(403, f"no host {name!r} here; --allow-host {name!r} would let it in")
        return parse_target(self.path)

    def _let_in(self, target: Target) -> Pass:
        """See whether the client may have a page; raises Refusal."""
        party = neighbourhood(self._address) if self._address else "unix"
        authorization = self.headers.get("Authorization", "")
        return self._site.access.admit(target.page, authorization, target.query.get("token"), party)

    def _give_page(self, target: Target) -> None:
        name = self.connection.getsockname()
        server = f"{url_host(name[0])}:{name[1]}" if isinstance(name, tuple) else "unix"

        def left() -> bool:
            return sends_no_more(self.connection)

        given = answer(self._site, Asked(target, self.headers, server, self._permit, left))
        self._answer(given.status, given.kind, given.body, *given.headers)

    def _give_stream(self, target: Target) -> None:
        # The body has no length and is never chunked: it ends with the
        # connection, whatever way it ends.
        self.close_connection = True
        accept, agent = self.headers.get("Accept", ""), self.headers.get("User-Agent", "")
        options = self._site.options
        manner = Manner(
            form_of(target, quarter_turns(options.rotate)),
            min(fps_of(target), options.most_stream_fps),
            framing_for(accept, agent, target.switch("advance")),
            wants_repeat(agent),
            collects(agent),
            options.keepalive,
            self._site.follow_rules(target.whole("quality", 1, 100)),
            self._permit.holds,
        )
        if self.command == "HEAD":
            send_all(self.connection, (self._head(200, CONTENT_TYPE, None),))
            return
        site = self._site
        self._held.enter_context(site.seats.for_long())
        session = Session(self.client)
        stream = Stream(self.connection, site.variants, manner, session)
        self._held.callback(stream.close)
        stream.begin(self._head(200, CONTENT_TYPE, None), self._picture_of_now(stream.variant))
        self._hand_over(stream)

    def _hand_over(self, stream: Stream) -> None:
        """Have the fanout thread go on with a stream."""
        held, sessions, session = self._held.pop_all(), self._site.sessions, stream.session
        connection = self.connection

        def end(why: str) -> None:
            held.close()
            sessions.close(session, why)
            hang_up(connection)
            connection.close()

        self.handed_over = True
        sessions.open(session)
        self._listener.fanout.add(stream, end)

    def _picture_of_now(self, variant: Variant) -> Frame:
        frame = variant.latest.fresh(PICTURE_SECONDS)
        if frame is None:
            raise Refusal(503, "the display gives no picture at the moment", retry_after=2)
        return frame

    @property
    def client(self) -> str:
        """The name of the client, in the log and in /?info; no two are alike."""
        name = self._peer_name
        if isinstance(name, tuple) and self._address == peer_address(name):
            return f"{url_host(str(self._address))}:{name[1]}"
        # A proxy's client: its port is the proxy's own affair.
        return f"{self._address or 'unix'}#{self._number}"

    def _refuse(self, refusal: Refusal) -> None:
        extra: list[Header] = []
        if refusal.retry_after is not None:
            extra.append(("Retry-After", str(refusal.retry_after)))
        if refusal.status == HTTPStatus.METHOD_NOT_ALLOWED:
            extra.append(("Allow", _METHODS))
        if refusal.status == HTTPStatus.UNAUTHORIZED:
            extra.append(("WWW-Authenticate", self._site.access.challenge))
        body = f"{refusal.sentence}\n".encode()
        self._answer(refusal.status, "text/plain; charset=utf-8", body, *extra)

    def _answer(self, status: int, kind: str, body: bytes, *extra: Header) -> None:
        """Send a whole response, in one write."""
        head = self._head(status, kind, len(body), *extra)
        send_all(self.connection, (head,) if self.command == "HEAD" else (head, body))

    def _head(self, status: int, kind: str, length: int | None, *extra: Header) -> bytes:
        self.log_request(status)
        if status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            length = -1
        common = common_headers(self.version_string(), kind, length, self.close_connection)
        return response_head(status, [*common, *extra, *self._origin_headers])

    def send_error(self, code: int, message: str | None = None, explain: Any = None) -> None:
        """Stand in for the base class's HTML page: it calls this for malformed requests."""
        # What follows is unread: who still sends would lose the answer.
        self.close_connection = self.has_body = True
        self._refuse(Refusal(code, message or HTTPStatus(code).phrase))

    def handle_expect_100(self) -> bool:
        # No body is wanted: the answer itself follows at once.
        return True

    def version_string(self) -> str:
        return f"webcapd/{self._site.version}"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        level = logging.INFO if self._site.options.loghttp else logging.DEBUG
        log.log(level, "%s %s", self.client, _without_token(one_line(format % args)))


def _without_token(text: str) -> str:
    """Blot out the token of a request line, however its name was written."""

    def blotted(match: re.Match[str]) -> str:
        is_token = unquote(match[2]).lower() == "token"
        return f"{match[1]}{match[2]}=..." if is_token else match[0]

    return _PARAMETER.sub(blotted, text)
