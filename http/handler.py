"""One request, from its bytes to the response: an error, a page, or a stream."""

import contextlib
from collections.abc import Sequence
from typing import Protocol

from webcapd.encoder.cell import Closed
from webcapd.encoder.leases import TooManyVariants
from webcapd.http.access.limits import UNCOUNTED
from webcapd.http.access.origins import preflight_headers
from webcapd.http.admission import Admitted, admit, check_host, check_method
from webcapd.http.dispatch import GIVING
from webcapd.http.exchange import METHODS, Exchange
from webcapd.http.pages import respond
from webcapd.http.streaming.handover import HandOver
from webcapd.http.wire.response import HttpError, Response


class Door(Protocol):
    """Takes what is sent to us, at addresses of its own; for any thread."""

    def serves(self, target: str) -> bool:
        """Whether a request's target is one of them."""

    def receive(self, exchange: Exchange) -> None:
        """Take what one request brings, and answer it; raises HttpError, OSError."""


class Handler:
    """Answers one request of one client; threads and connections are the server's."""

    def __init__(self, exchange: Exchange, hand_over: HandOver, doors: Sequence[Door] = ()) -> None:
        """``doors`` take what is sent to us; none where nobody may send anything."""
        self._exchange = exchange
        self._doors = doors
        self._hand_over = hand_over
        self._held = contextlib.ExitStack()
        """What the request occupies until it is answered."""
        self.handed_over = False
        """Whether the connection is the fanout thread's now."""

    def serve(self, head: bytes, rest: bytes) -> None:
        """Answer a request, of its head and what came behind it.

        Raises OSError when the client is gone.
        """
        exchange = self._exchange
        with self._held:
            try:
                exchange.read(head, rest)
                if exchange.site.options.exit_idle:
                    # A connection that is kept keeps the server: that is for who uses it.
                    exchange.is_last = True
                self._held.enter_context(exchange.site.limits.request_from(exchange.address))
                check_host(exchange)
                if exchange.request.method == "OPTIONS":
                    self._send_options()
                    return
                for door in self._doors:
                    if door.serves(exchange.request.target):
                        self._count_use()
                        door.receive(exchange)
                        return
                check_method(exchange.request)
                self._give(admit(exchange))
            except HttpError as error:
                exchange.send_error(error)
            except TooManyVariants as error:
                exchange.send_error(HttpError(503, str(error), retry_after=10))
            except Closed as error:
                exchange.is_last = True
                if reason := str(error):
                    # It is not the server that ends, but what was asked for.
                    exchange.send_error(HttpError(500, reason))

    def _count_use(self) -> None:
        """Count the request as use until it is answered; its connection may be kept."""
        self._held.enter_context(self._exchange.site.usage.using())
        self._exchange.is_last = self._exchange.request.is_last

    def _send_options(self) -> None:
        """Say what may be done, and to a browser whether another site's script may do it."""
        preflight = preflight_headers(self._exchange.origin_headers)
        headers = (("Allow", METHODS), *preflight)
        self._exchange.send(Response(204, "text/plain", b"", headers))

    def _give(self, admitted: Admitted) -> None:
        exchange = self._exchange
        if admitted.target.page not in UNCOUNTED:
            self._count_use()
        give = GIVING.get(admitted.target.page)
        if give is not None:
            self.handed_over = give(exchange, admitted, self._held, self._hand_over)
        else:
            exchange.send(respond(exchange, admitted))
