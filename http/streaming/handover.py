"""How a stream goes from the thread that answers its request to the one that sends it."""

from collections.abc import Callable
from contextlib import ExitStack

from webcapd.http.access.access import Grant
from webcapd.http.admission import Admitted
from webcapd.http.exchange import Exchange
from webcapd.http.streaming.fanout import Sendable

HandOver = Callable[[Sendable, Grant, Callable[[str], None]], None]
"""Takes over a stream, what it lasts by, and what is to be called with the reason when it ends."""


def hand_over_stream(
    exchange: Exchange,
    admitted: Admitted,
    stream: Sendable,
    held: ExitStack,
    hand_over: HandOver,
) -> None:
    """Have the fan-out thread go on with a stream, and all end with it that is held for it."""
    sessions, session = exchange.site.sessions, stream.session

    def end(why: str) -> None:
        held.close()
        sessions.close(session, why)
        exchange.close()

    sessions.open(session)
    hand_over(stream, admitted.grant, end)
