"""A request for the state behind one that its reader has: held until there is one."""

import math
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple

from webcapd.encoder.updates.named.latest import LatestNames
from webcapd.encoder.updates.named.listing import Listing
from webcapd.http.streaming.fanout import Finished
from webcapd.http.streaming.outbox import Outbox
from webcapd.http.streaming.sessions import Session

# What is older is asked for anew: a state that nobody has asked for in the meantime.
_MAX_AGE_SECONDS = 0.5


class Wanted(NamedTuple):
    """Which state is asked for."""

    after: int
    """The number of the one that its reader has, 0 for none."""
    seconds: float
    """How long to wait for a newer one; then it is the one that there is."""


class Hold:
    """One such request; never waits, and holds no thread.  Fan-out thread only, once begun there.

    Nothing is sent before the whole answer.
    """

    def __init__(
        self,
        connection: socket.socket,
        latest: LatestNames,
        session: Session,
        wanted: Wanted,
        answer: Callable[[Listing | None], tuple[bytes, bytes]],
    ) -> None:
        """``answer`` makes head and body of the response, from a list or from none."""
        self.connection = connection
        self.session, self.news, self.due = session, latest, 0.0
        self._wanted, self._answer = wanted, answer
        self.is_answered = False
        """Whether the answer has left, so that the connection may be used again."""
        self._outbox = Outbox(connection)
        now = time.monotonic()
        self._until = now + wanted.seconds
        self._fresh_at = now - _MAX_AGE_SECONDS
        self._held = ExitStack()
        self._held.enter_context(latest.subscribed())
        if latest.poll().as_of < self._fresh_at:
            self._fresh_at = latest.request_fresh()

    def close(self) -> None:
        """Want no more states."""
        self._held.close()

    def probe(self) -> None:
        """Nothing: it may only have said all it had to say, and the answer comes soon."""

    def say_end(self, error: Exception) -> None:
        """Nothing: what there is to say is the answer."""

    def pump(self, now: float) -> None:
        """Answer, if there is what is asked for, or the time is up; raises Finished then.

        Raises OSError when the client is gone, Closed when the server stops.
        """
        if not self._outbox:
            known, listing = self.news.newest()
            number = listing.number if listing else 0
            if (number <= self._wanted.after or known.as_of < self._fresh_at) and now < self._until:
                self.due = self._until
                return
            self._outbox.put(now, *self._answer(listing), must_leave=True)
        if not self._outbox.push(now):
            self.due = self._outbox.deadline
            return
        self.due = math.inf
        self.is_answered = True
        raise Finished
