"""How a request becomes a stream that the fanout thread goes on with."""

import contextlib

from webcapd.http.admission import Admitted
from webcapd.http.exchange import Exchange
from webcapd.http.streaming.followed import follow
from webcapd.http.streaming.handover import HandOver, hand_over_stream
from webcapd.http.streaming.multipart import CONTENT_TYPE, framing_for
from webcapd.http.streaming.quirks import quirks_of
from webcapd.http.streaming.sessions import Session
from webcapd.http.streaming.stream import Stream, StreamParams
from webcapd.http.variant_query import check_crop, fps_of, keepalive_of, quarter_turns, spec_of
from webcapd.http.wire.response import PICTURE_SECONDS, no_picture


def give_stream(
    exchange: Exchange, admitted: Admitted, held: contextlib.ExitStack, hand_over: HandOver
) -> bool:
    """Answer by a stream; returns whether the connection is the fanout thread's now.

    ``held`` is what the request occupies until it is answered: it goes along.
    Raises HttpError, TooManyVariants, and Closed when the server stops.
    """
    # The body has no length and is never chunked: it ends with the
    # connection, whatever way it ends.
    exchange.is_last = True
    site = exchange.site
    params = _stream_params(exchange, admitted)
    if exchange.request.method == "HEAD":
        exchange.send_head(CONTENT_TYPE)
        return False
    held.enter_context(site.limits.long_request())
    spec = spec_of(admitted.target, quarter_turns(str(site.options.rotate)))
    followed = follow(site, spec, params.fps)
    session = Session(exchange.client, spec)
    stream = Stream(exchange.connection, followed, params, session)
    held.callback(stream.close)
    latest = stream.variant.latest
    frame = latest.wait(PICTURE_SECONDS, as_of=latest.request_fresh())
    if frame is None:
        raise no_picture()
    if not frame.outage:
        check_crop(spec.view, site.picture_size())
    stream.begin(exchange.head(200, CONTENT_TYPE, None), frame)
    hand_over_stream(exchange, admitted, stream, held.pop_all(), hand_over)
    return True


def _stream_params(exchange: Exchange, admitted: Admitted) -> StreamParams:
    """Read how a client wants its stream, by its request and by its name; raises HttpError."""
    target, headers = admitted.target, exchange.request.headers
    accept, agent = headers.get("accept"), headers.get("user-agent")
    options = exchange.site.options
    return StreamParams(
        min(fps_of(target), options.max_stream_fps),
        framing_for(accept, agent, target.switch("advance")),
        quirks_of(agent, keepalive_of(target), options.keepalive),
    )
