"""One request, from its bytes to what answers it: a refusal, a page, or a stream."""

import contextlib

from webcapd.encoder.latest import Closed
from webcapd.encoder.variants import TooManyVariants
from webcapd.http.access.origins import preflight_headers
from webcapd.http.admission import Admitted, admit, check_host, check_method
from webcapd.http.exchange import METHODS, Exchange
from webcapd.http.pages import Asked, answer
from webcapd.http.streaming.start import HandOver, give_stream
from webcapd.http.wire.connection import sends_no_more
from webcapd.http.wire.response import HttpError


class Handler:
    """Answers one request of one client; threads and connections are the Listener's."""

    def __init__(self, exchange: Exchange, hand_over: HandOver) -> None:
        self._exchange = exchange
        self._hand_over = hand_over
        self._held = contextlib.ExitStack()
        """What the request takes up until it is answered."""
        self.handed_over = False
        """Whether the connection is somebody else's now."""

    def serve(self, head: bytes, rest: bytes) -> None:
        """Answer what came: a head, and more behind it.  Raises OSError when the client is gone."""
        exchange = self._exchange
        with self._held:
            try:
                exchange.read(head, rest)
                self._held.enter_context(exchange.site.seats.from_one(exchange.address))
                check_host(exchange)
                if exchange.request.method == "OPTIONS":
                    self._tell_options()
                    return
                check_method(exchange.request.method)
                self._give(admit(exchange))
            except HttpError as refusal:
                exchange.refuse(refusal)
            except TooManyVariants as error:
                exchange.refuse(HttpError(503, str(error), retry_after=10))
            except Closed:
                exchange.is_last = True

    def _tell_options(self) -> None:
        """Tell what may be done, and a browser whether another site's script may do it."""
        preflight = preflight_headers(self._exchange.origin_headers)
        self._exchange.answer(204, "text/plain", b"", ("Allow", METHODS), *preflight)

    def _give(self, admitted: Admitted) -> None:
        if admitted.target.page == "stream":
            self.handed_over = give_stream(self._exchange, admitted, self._held, self._hand_over)
        else:
            self._give_page(admitted)

    def _give_page(self, admitted: Admitted) -> None:
        exchange = self._exchange
        asked = Asked(
            admitted.target,
            exchange.request.headers,
            exchange.server,
            admitted.permit.holds_now,
            lambda: sends_no_more(exchange.connection),
        )
        given = answer(exchange.site, asked)
        exchange.answer(given.status, given.kind, given.body, *given.headers)
