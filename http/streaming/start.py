"""How a request becomes a stream that the fanout thread goes on with."""

import contextlib
from collections.abc import Callable

from webcapd.http.admission import Admitted
from webcapd.http.exchange import Exchange
from webcapd.http.snapshot import PICTURE_SECONDS
from webcapd.http.streaming.multipart import CONTENT_TYPE
from webcapd.http.streaming.params import stream_params_of
from webcapd.http.streaming.sessions import Session
from webcapd.http.streaming.stream import Stream
from webcapd.http.variant_query import check_crop
from webcapd.http.wire.connection import hang_up, send_all
from webcapd.http.wire.response import HttpError

HandOver = Callable[[Stream, Callable[[str], None]], None]
"""Takes over a stream, and what is to be called with the reason when it ends."""


def give_stream(
    exchange: Exchange, admitted: Admitted, held: contextlib.ExitStack, hand_over: HandOver
) -> bool:
    """Answer by a stream; tells whether the connection is the fanout thread's now.

    ``held`` is what the request takes up until it is answered: it goes along.
    Raises HttpError, TooManyVariants, and Closed when the server stops.
    """
    # The body has no length and is never chunked: it ends with the
    # connection, whatever way it ends.
    exchange.is_last = True
    site = exchange.site
    params = stream_params_of(admitted.target, exchange.request.headers, site, admitted.permit)
    if exchange.request.method == "HEAD":
        send_all(exchange.connection, (exchange.head(200, CONTENT_TYPE, None),))
        return False
    held.enter_context(site.seats.for_long())
    session = Session(exchange.client)
    stream = Stream(exchange.connection, site.variants, params, session)
    held.callback(stream.close)
    frame = stream.variant.latest.fresh(PICTURE_SECONDS)
    if frame is None:
        raise HttpError(503, "the display gives no picture at the moment", retry_after=2)
    if not frame.outage:
        check_crop(params.form, site.picture_size())
    stream.begin(exchange.head(200, CONTENT_TYPE, None), frame)
    _hand_over(exchange, stream, held.pop_all(), hand_over)
    return True


def _hand_over(
    exchange: Exchange, stream: Stream, held: contextlib.ExitStack, hand_over: HandOver
) -> None:
    sessions, session, connection = exchange.site.sessions, stream.session, exchange.connection

    def end(why: str) -> None:
        held.close()
        sessions.close(session, why)
        hang_up(connection)
        connection.close()

    sessions.open(session)
    hand_over(stream, end)
