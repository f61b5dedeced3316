"""One reader's updates: what it lacks, sent as its connection takes it."""

import contextlib
import math
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from webcapd.base.pace import Pace
from webcapd.encoder.cell import Subscription
from webcapd.encoder.updates import records
from webcapd.encoder.updates.state.have import Have, number_of
from webcapd.encoder.updates.state.latest import (
    SLICE_SECONDS,
    Known,
    LatestUpdates,
    PointerPlace,
    Update,
)
from webcapd.http.access.access import AccessRevoked
from webcapd.http.streaming.outbox import Outbox
from webcapd.http.streaming.sessions import Session
from webcapd.http.wire.sending import send_last_word

# How often a reader that will send no more is sent a record at rest, to find out whether it has
# left.
_PROBE_SECONDS = 1.0

# Who takes a message at once, in less than this, is not slow.
_QUICK_SECONDS = 0.03

_LEAST_SLICE_BYTES = 8 * 1024
_MOST_SLICE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class UpdateParams:
    """How one reader wants its updates."""

    fps: float
    """The most updates a second."""
    keepalive: float
    """Seconds after which a record comes though there is nothing new."""


class _Given(NamedTuple):
    """What a reader has once all has left that is on its way."""

    have: Have = None
    headers: frozenset[int] = frozenset()
    """Qualities whose JPEG header it has."""
    images: Mapping[int, int] = MappingProxyType({})
    """By number, which image of the pointer."""
    place: bytes = b""
    """The record of where the pointer is."""
    display: bytes = b""
    """The record of the display's state."""


class Speech:
    """What to say to a reader, from what it has been given; for one thread."""

    def __init__(self, latest: LatestUpdates, have: Have = None) -> None:
        self.latest = latest
        self.given = _Given(have)

    def say(self, known: Known, updates: list[Update]) -> list[bytes]:
        """Give the records that say what is new; the reader is taken to have them then."""
        parts, given = [], self.given
        if known.display != given.display:
            parts.append(known.display)
            given = given._replace(display=known.display)
        if known.pointer is not None and known.pointer.place_record != given.place:
            parts += self._pointer(known.pointer)
            images = {**given.images, known.pointer.image: known.pointer.identity}
            given = given._replace(place=known.pointer.place_record, images=images)
        for update in updates:
            parts += map(self.latest.header, sorted(update.qualities - given.headers))
            parts.append(update.data)
            given = given._replace(have=update.gives, headers=given.headers | update.qualities)
        self.given = given
        return parts

    def _pointer(self, pointer: PointerPlace) -> list[bytes]:
        has_image = self.given.images.get(pointer.image) == pointer.identity or not pointer.image
        return [pointer.place_record] if has_image else [pointer.image_record, pointer.place_record]


class UpdateStream:
    """Updates to one reader; never waits.

    pump() does what can be done, and ``due`` tells when there will be more to do even if
    there is no news of the connection or of the state.  The fan-out thread's, once it is begun
    there.
    """

    def __init__(
        self,
        connection: socket.socket,
        latest: LatestUpdates,
        have: Have,
        params: UpdateParams,
        session: Session,
    ) -> None:
        """Subscribe; ``have`` is the number of the state that the reader has, None for none."""
        self.connection = connection
        self.session = session
        self.news = latest
        self.due = 0.0
        self._params = params
        self._speech = Speech(latest, have)
        self._before = self._speech.given
        """What the reader had before what is on its way."""
        self._pace = Pace()
        self._outbox = Outbox(connection)
        self._updates = 0
        """How many updates that has."""
        self._as_of = -math.inf
        self._enough: int | None = None
        """Bytes of a slice, None for a reader whose line is quick."""
        self._keepalive = params.keepalive
        self._keepalive_due = 0.0
        self._subscription = contextlib.ExitStack()
        wish = self._subscription.enter_context(latest.subscribed(params.fps))
        self._wish: Subscription = wish
        self._fresh_at = latest.request_fresh()
        """The first state must be true as of this moment."""

    def close(self) -> None:
        """Want no more updates."""
        self._subscription.close()
        self.news.forget(self._speech.given.have)

    def begin(self, head: bytes, hello: bytes) -> None:
        """Lay out the response head and the first record; pump() sends them."""
        self._outbox.put(time.monotonic(), head, hello, must_leave=True)

    def probe(self) -> None:
        """Hear that the reader will send no more; it may have left, or only said all it had to say.

        One more record tells, now and then: if it has left, its side refuses that.
        """
        if self._keepalive > _PROBE_SECONDS:
            self._keepalive = _PROBE_SECONDS
            self._keepalive_due = self.due = 0.0

    def say_end(self, error: Exception) -> None:
        """Say why nothing more comes, as far as that can be told; never waits."""
        if self._outbox:
            return
        slow = "slow" if isinstance(error, TimeoutError) else "stopping"
        reason = "revoked" if isinstance(error, AccessRevoked) else slow
        send_last_word(self.connection, records.end(reason))

    def pump(self, now: float) -> None:
        """Send what there is to send and the connection takes.

        Raises OSError when the client is gone, Closed when the server stops.
        """
        if self._outbox:
            if not self._push(now):
                return
        elif self._outbox.is_full():
            self._outbox.check(now)
            self.due = self._outbox.deadline
            return
        parts = self._say(now)
        if parts:
            self._outbox.put(now, *parts)
            self._push(now)
        else:
            self.due = min(self._keepalive_due, self._turn(now))

    def _turn(self, now: float) -> float:
        """Tell when the reader may have another update."""
        fps = self._params.fps
        if fps == math.inf or not self._lacks():
            return math.inf
        # If it is his turn, what he lacks has been asked for, and there will be news.
        return now + (self._pace.wait(now, fps) or math.inf)

    def _turn_after(self, now: float) -> float:
        fps = self._params.fps
        return now if fps == math.inf else now + self._pace.wait(now, fps)

    def _lacks(self) -> bool:
        return number_of(self._speech.given.have) != self.news.poll().number

    def _say(self, now: float) -> list[bytes]:
        """Give the records to send now.  Raises Closed."""
        known, parts = self.news.poll(), list[bytes]()
        self._before, self._updates, self._as_of = self._speech.given, 0, known.as_of
        if known.as_of >= self._fresh_at:
            updates = self._steps(now)
            self._updates = len(updates)
            parts = self._speech.say(known, updates)
        if not parts and now >= self._keepalive_due:
            parts = [records.keepalive(time.time())]
        return parts

    def _steps(self, now: float) -> list[Update]:
        """Give what leads to the newest state, if it is the reader's turn."""
        fps = self._params.fps
        if fps != math.inf and self._pace.wait(now, fps):
            return []
        return self.news.steps_from(self._speech.given.have, self._enough)

    def _push(self, now: float) -> bool:
        """Send on; returns whether all has left.  Raises OSError."""
        if self._outbox.push(now):
            self._note_sent(now)
            return True
        if not self._outbox:
            # It was taken back.
            self._speech.given = self._before
        self.due = self._outbox.deadline
        return False

    def _note_sent(self, now: float) -> None:
        """Account for what has left."""
        ended = time.monotonic()
        self._measure(self._outbox.size, self._outbox.took)
        self._keepalive_due = self.due = ended + self._keepalive
        self.session.bytes_sent += self._outbox.size
        if not self._updates:
            return
        self.session.sent(0, 0)
        if self._params.fps != math.inf:
            self._pace.took_place(now, self._params.fps)
            self._wish.due = now + self._pace.wait(now, self._params.fps)
        if self._as_of != math.inf:
            self.session.age += (max(0.0, ended - self._as_of) - self.session.age) / 4
        if self._lacks():
            # There is more by now, or it was a slice.
            self.due = min(self.due, self._turn_after(now))

    def _measure(self, size: int, took: float) -> None:
        """Learn how much the line takes."""
        if took > _QUICK_SECONDS:
            enough = int(size / took * SLICE_SECONDS)
            self._enough = max(_LEAST_SLICE_BYTES, enough)
        elif self._enough is not None and size >= self._enough / 2:
            self._enough *= 2
            if self._enough > _MOST_SLICE_BYTES:
                self._enough = None
        self._outbox.is_slow = self._enough is not None
