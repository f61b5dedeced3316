"""How a request for the list of names is answered: now, or when there is another state."""

import contextlib
import re
from functools import partial

from webcapd.encoder.updates.named.latest import LatestNames
from webcapd.encoder.updates.named.listing import Listing
from webcapd.http.admission import Admitted
from webcapd.http.caching.hold import Hold, Wanted
from webcapd.http.caching.shared import BRIEF, WAY_IN, check_announced, screen_spec, share
from webcapd.http.exchange import Exchange
from webcapd.http.streaming.beginning import CONTENT_TYPE, hello
from webcapd.http.streaming.handover import HandOver
from webcapd.http.streaming.sessions import Session
from webcapd.http.wire.response import PICTURE_SECONDS, HttpError, Response, no_picture

# A run, and a number of 32 bits.
_STATE = re.compile(r"([0-9a-f]{16})-(0|[1-9][0-9]{0,9})", re.ASCII)

# How long is waited for a newer state; the way in waits for the screen as of now.
_HOLD_SECONDS = 5.0

# Who has a state further ahead of ours than this has none of this run.
_MOST_AHEAD = 2


def give_manifest(
    exchange: Exchange, admitted: Admitted, held: contextlib.ExitStack, hand_over: HandOver
) -> bool:
    """Answer by a list of names; returns whether the connection is the fan-out thread's now.

    ``held`` is what the request occupies until it is answered: it goes along.
    Raises HttpError, and Closed when the server stops.
    """
    site = exchange.site
    check_announced(site.options)
    spec = screen_spec(site.options)
    after = _after(admitted.target.file)
    share(exchange)
    held.enter_context(site.limits.long_request())
    consumer = held.enter_context(site.forms.updates.named.lease(spec))
    latest = consumer.latest
    wanted = Wanted(0, PICTURE_SECONDS) if after is None else _wanted(latest, *after)
    if wanted is None:
        exchange.send(Response(302, "text/plain", b"", (BRIEF, ("Location", f"../{WAY_IN}"))))
        return False
    if exchange.request.method == "HEAD":
        wanted = Wanted(0, 0.0)
    first = hello(exchange, consumer, None, site.options.keepalive)
    session = Session(exchange.client, spec)
    hold = Hold(exchange.connection, latest, session, wanted, partial(_answer, exchange, first))
    held.callback(hold.close)
    stack = held.pop_all()

    def end(why: str) -> None:
        stack.close()
        if hold.is_answered:
            exchange.finish()
        else:
            exchange.close()

    hand_over(hold, admitted.grant, end)
    return True


def _after(name: str) -> tuple[str, int] | None:
    """Read which state a reader has, None for none; raises HttpError (404)."""
    if not name:
        return None
    match = _STATE.fullmatch(name)
    if match is None or int(match[2]) >= 1 << 32:
        raise HttpError(404, "a list is /manifest, or /manifest/00112233445566ff-4711")
    return match[1], int(match[2])


def _wanted(latest: LatestNames, run: str, number: int) -> Wanted | None:
    """Tell what a reader waits for that has a state; None if it cannot have it of us."""
    if run != latest.run or number > latest.poll().number + _MOST_AHEAD:
        return None
    return Wanted(number, _HOLD_SECONDS)


def _answer(exchange: Exchange, first: bytes, listing: Listing | None) -> tuple[bytes, bytes]:
    """Give head and body; of a display that has given no picture yet, a sentence."""
    if listing is None:
        refusal = no_picture()
        body, retry = f"{refusal.sentence}\n".encode(), ("Retry-After", str(refusal.retry_after))
        return exchange.head(503, "text/plain; charset=utf-8", len(body), retry), body
    body = first + listing.manifest
    head = exchange.head(200, CONTENT_TYPE, len(body), BRIEF)
    return head, b"" if exchange.request.method == "HEAD" else body
