"""One request after another on one connection, in that connection's thread."""

import contextlib
import http.server
import json
import logging
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from webcapd.encoder.frame import Frame
from webcapd.encoder.latest import Closed
from webcapd.encoder.variant import Variant
from webcapd.encoder.variants import TooManyVariants
from webcapd.http.access import host_is_served
from webcapd.http.connection import STALL_SECONDS, bound_buffer, send_all
from webcapd.http.form import form_of, fps_of, quarter_turns
from webcapd.http.multipart import CONTENT_TYPE, framing_for, wants_repeat
from webcapd.http.refusal import Refusal, one_line
from webcapd.http.response import Header, common_headers, response_head
from webcapd.http.site import INDEX_PAGE, Site
from webcapd.http.snapshot import (
    PICTURE_SECONDS,
    entity_tag,
    has_tag,
    headers_of,
    take,
    wanted,
)
from webcapd.http.stream import Manner, Stream
from webcapd.http.target import Target, parse_target

if TYPE_CHECKING:
    from webcapd.http.serving import Listener

log = logging.getLogger(__name__)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers the requests of one client."""

    protocol_version = "HTTP/1.1"
    timeout = STALL_SECONDS
    disable_nagle_algorithm = True
    server: "Listener"
    connection: socket.socket

    @property
    def _site(self) -> Site:
        return self.server.site

    def do_GET(self) -> None:
        try:
            target = self._admitted()
            getattr(self, f"_give_{target.page}")(target)
        except Refusal as refusal:
            self._refuse(refusal)
        except TooManyVariants as error:
            self._refuse(Refusal(503, str(error), retry_after=10))
        except Closed:
            self.close_connection = True

    do_HEAD = do_GET

    def _not_allowed(self) -> None:
        self.close_connection = True  # Its body, if any, is left unread.
        self._refuse(Refusal(405, f"{self.command} is not for this address; GET and HEAD are"))

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _not_allowed

    def _admitted(self) -> Target:
        """Check the request and read its target; raises Refusal."""
        self._mind_the_body()
        hosts = self.headers.get_all("Host", [])
        if len(hosts) > 1:
            raise Refusal(400, "the request has more than one Host header")
        host = hosts[0] if hosts else None
        if host is None:
            if self.request_version != "HTTP/1.0":
                raise Refusal(400, "the request has no Host header")
        elif not host_is_served(host, self._site.names):
            name = host.partition(":")[0]
            raise Refusal(403, f"no host {name!r} here; --allow-host {name!r} would let it in")
        return parse_target(self.path)

    def _mind_the_body(self) -> None:
        """See that bytes left unread are never taken for the next request."""
        headers = self.headers
        if headers.defects or any(name != name.rstrip() for name in headers):
            self.close_connection = True
            raise Refusal(400, "the request has a malformed header line")
        has_body = any(length != "0" for length in headers.get_all("Content-Length", []))
        if has_body or "Transfer-Encoding" in self.headers or self.request_version == "HTTP/1.0":
            self.close_connection = True

    def _give_index(self, target: Target) -> None:
        self._answer(200, "text/html; charset=utf-8", INDEX_PAGE)

    def _give_info(self, target: Target) -> None:
        address, port = self.connection.getsockname()[:2]
        server = self.headers.get("Host") or f"{address}:{port}"
        body = json.dumps(self._site.info(server), indent=2) + "\n"
        self._answer(200, "application/json", body.encode())

    def _give_snapshot(self, target: Target) -> None:
        want = wanted(target)
        form = form_of(target, quarter_turns(self._site.options.rotate))
        frame = take(self._site.variants.get(form).latest, want)
        self._site.snapshot_rate.tick()
        if frame is None:
            self._answer(204, "image/jpeg", b"")
            return
        headers = headers_of(frame, want)
        known = has_tag(self.headers.get("If-None-Match", ""), entity_tag(frame.jpeg))
        self._answer(304 if known else 200, "image/jpeg", b"" if known else frame.jpeg, *headers)

    def _give_health(self, target: Target) -> None:
        healthy, report = self._site.health()
        body = json.dumps(report) + "\n"
        self._answer(200 if healthy else 503, "application/json", body.encode())

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
            options.keepalive,
            self._site.follow_rules(target.whole("quality", 1, 100)),
        )
        if self.command == "HEAD":
            send_all(self.connection, (self._head(200, CONTENT_TYPE, None),))
            return
        bound_buffer(self.connection)
        variants = self._site.variants
        with (
            self._site.sessions.opened(self._client) as session,
            contextlib.closing(Stream(self.connection, variants, manner, session)) as stream,
        ):
            frame = self._picture_of_now(stream.variant)
            stream.run(self._head(200, CONTENT_TYPE, None), frame)

    def _picture_of_now(self, variant: Variant) -> Frame:
        frame = variant.latest.fresh(PICTURE_SECONDS)
        if frame is None:
            raise Refusal(503, "the display gives no picture at the moment", retry_after=2)
        return frame

    @property
    def _client(self) -> str:
        host, port = self.client_address[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def _refuse(self, refusal: Refusal) -> None:
        extra: list[Header] = []
        if refusal.retry_after is not None:
            extra.append(("Retry-After", str(refusal.retry_after)))
        if refusal.status == HTTPStatus.METHOD_NOT_ALLOWED:
            extra.append(("Allow", "GET, HEAD"))
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
        return response_head(status, [*common, *extra])

    def send_error(self, code: int, message: str | None = None, explain: Any = None) -> None:
        """Stand in for the base class's HTML page: it calls this for malformed requests."""
        self.close_connection = True
        self._refuse(Refusal(code, message or HTTPStatus(code).phrase))

    def version_string(self) -> str:
        return f"webcapd/{self._site.version}"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        level = logging.INFO if self._site.options.loghttp else logging.DEBUG
        log.log(level, "%s %s", self._client, one_line(format % args))
