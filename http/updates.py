"""How a request for updates is answered: by a stream of them, or by the next one."""

import contextlib
import time

from webcapd.encoder.updates.records import end as end_record
from webcapd.encoder.updates.records import keepalive as keepalive_record
from webcapd.encoder.updates.state.latest import LatestUpdates, PointerPlace, Update
from webcapd.http.admission import Admitted
from webcapd.http.exchange import Exchange
from webcapd.http.streaming.beginning import CONTENT_TYPE, hello, lease_of
from webcapd.http.streaming.handover import HandOver, hand_over_stream
from webcapd.http.streaming.sessions import Session
from webcapd.http.streaming.updatestream import Speech, UpdateParams, UpdateStream
from webcapd.http.variant_query import (
    After,
    after_of,
    check_crop,
    fps_of,
    keepalive_of,
    quarter_turns,
    update_spec_of,
)
from webcapd.http.wire.response import PICTURE_SECONDS, UNBUFFERED, HttpError, Response

# How often it is seen to that somebody still waits for the answer.
_CHECK_SECONDS = 1.0


def give_updates(
    exchange: Exchange, admitted: Admitted, held: contextlib.ExitStack, hand_over: HandOver
) -> bool:
    """Answer by updates; returns whether the connection is the fan-out thread's now.

    ``held`` is what the request occupies until it is answered: it goes along.
    Raises HttpError, TooManyVariants, and Closed when the server stops.
    """
    if admitted.target.switch("once"):
        exchange.send(_once(exchange, admitted))
        return False
    # The body has no length and is never chunked: it ends with the connection.
    exchange.is_last = True
    if exchange.request.method == "HEAD":
        exchange.send_head(CONTENT_TYPE, *UNBUFFERED)
        return False
    site, target = exchange.site, admitted.target
    held.enter_context(site.limits.long_request())
    spec = update_spec_of(target, quarter_turns(str(site.options.rotate)))
    check_crop(spec.view, site.picture_size())
    consumer = held.enter_context(lease_of(exchange, target, spec))
    have = _have(consumer.latest, after_of(target))
    keepalive = keepalive_of(target) or site.options.keepalive
    fps = min(fps_of(target), site.options.max_stream_fps)
    session = Session(exchange.client, spec)
    params = UpdateParams(fps, keepalive)
    stream = UpdateStream(exchange.connection, consumer.latest, have, params, session)
    held.callback(stream.close)
    head = exchange.head(200, CONTENT_TYPE, None, *UNBUFFERED)
    stream.begin(head, hello(exchange, consumer, have, keepalive))
    hand_over_stream(exchange, admitted, stream, held.pop_all(), hand_over)
    return True


def _have(latest: LatestUpdates, after: After | None) -> int | None:
    """Give the state that a reader can go on from, None if it has to begin anew."""
    return after.number if after is not None and latest.continues(*after) else None


def _once(exchange: Exchange, admitted: Admitted) -> Response:
    """Wait for one update, and give it."""
    site, target = exchange.site, admitted.target
    spec = update_spec_of(target, quarter_turns(str(site.options.rotate)))
    check_crop(spec.view, site.picture_size())
    keepalive = keepalive_of(target) or site.options.keepalive
    with lease_of(exchange, target, spec) as consumer, site.limits.long_request():
        latest = consumer.latest
        have = _have(latest, after_of(target))
        speech = Speech(latest, have)
        first = hello(exchange, consumer, have, keepalive)
        waits = 0.0 if exchange.request.method == "HEAD" else keepalive
        parts = _wait_for_news(exchange, speech, waits)
    if not admitted.grant.is_valid_now():
        raise HttpError(401, "access was revoked meanwhile")
    body = b"".join((first, *parts, end_record("once")))
    return Response(200, CONTENT_TYPE, body, UNBUFFERED)


def _wait_for_news(exchange: Exchange, speech: Speech, keepalive: float) -> list[bytes]:
    """Give what is newer than what a reader has, or a keepalive if nothing is; raises Closed."""
    latest, begins = speech.latest, speech.given.have is None
    with latest.subscribed():
        fresh = latest.request_fresh()
        until = time.monotonic() + (PICTURE_SECONDS if begins else keepalive)
        began: PointerPlace | None = None
        while True:
            known = latest.poll()
            updates: list[Update] = []
            if known.as_of >= fresh:
                began = began or known.pointer
                updates = latest.steps_from(speech.given.have)
            moved = began is not None and began != known.pointer
            rest = until - time.monotonic()
            if updates or rest <= 0:
                break
            # A picture comes soon, also to who has closed its side and to a moving pointer.
            if not begins and (moved or exchange.has_left()):
                break
            latest.wait(known, min(rest, _CHECK_SECONDS))
    parts = speech.say(known, updates)
    return parts if updates else [*parts, keepalive_record(time.time())]
