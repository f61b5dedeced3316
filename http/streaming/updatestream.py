"""One reader's updates: what it lacks, sent as its connection takes it."""

import contextlib
import math
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from webcapd.base.pace import Pace
from webcapd.encoder.cell import Subscription
from webcapd.encoder.updates import records
from webcapd.encoder.updates.state.latest import Have, Known, LatestUpdates, PointerPlace, Update
from webcapd.http.access.access import AccessRevoked
from webcapd.http.streaming.sessions import Session
from webcapd.http.wire.connection import SendBuffer, takes_more
from webcapd.http.wire.sending import (
    MESSAGE_SECONDS,
    STALL_SECONDS,
    OutgoingMessage,
    send_last_word,
)

# How often it is seen to that the client may still look.
_GRANT_SECONDS = 0.5

# Who takes a message at once, in less than this, is not slow.
_QUICK_SECONDS = 0.03

# A slice is what the line took in so long: with what stands in buffers on the way it is to be
# there within 0.3 s of its capture.
_SLICE_SECONDS = 0.15
_LEAST_SLICE_BYTES = 8 * 1024
_MOST_SLICE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class UpdateParams:
    """How one reader wants its updates."""

    fps: float
    """The most updates a second."""
    keepalive: float
    """Seconds after which a record comes though there is nothing new."""
    is_granted: Callable[[], bool]
    """Whether it may look, still."""


class _Given(NamedTuple):
    """What a reader has once all has left that is on its way."""

    have: Have = None
    headers: frozenset[int] = frozenset()
    """Qualities whose JPEG header it has."""
    images: frozenset[int] = frozenset()
    """Which images of the pointer."""
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
            given = given._replace(
                place=known.pointer.place_record, images=given.images | {known.pointer.identity}
            )
        for update in updates:
            parts += map(self.latest.header, sorted(update.qualities - given.headers))
            parts.append(update.data)
            given = given._replace(have=update.gives, headers=given.headers | update.qualities)
        self.given = given
        return parts

    def _pointer(self, pointer: PointerPlace) -> list[bytes]:
        has_image = pointer.identity in self.given.images or not pointer.image
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
        self._unsent = OutgoingMessage(connection)
        self._buffer = SendBuffer(connection)
        self._began = 0.0
        """When the sending of what is on its way began."""
        self._updates = 0
        """How many updates that has."""
        self._as_of = -math.inf
        self._stuck_since = math.inf
        """Since when the connection has taken nothing that was there for it."""
        self._enough: int | None = None
        """Bytes of a slice, None for a reader whose line is quick."""
        self._keepalive_due = 0.0
        self._grant_due = time.monotonic() + _GRANT_SECONDS
        self._has_probed = False
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
        self._lay_out([head, hello], time.monotonic(), must_leave=True)

    def probe(self) -> None:
        """Hear that the reader will send no more; it may have left, or only said all it had to say.

        One more record tells: if it has left, its side refuses that.
        """
        if not self._has_probed:
            self._has_probed = True
            self._keepalive_due = self.due = 0.0

    def say_end(self, error: Exception) -> None:
        """Say why nothing more comes, as far as that can be told; never waits."""
        if self._unsent:
            return
        reason = "revoked" if isinstance(error, AccessRevoked) else "stopping"
        send_last_word(self.connection, records.end(reason))

    def pump(self, now: float) -> None:
        """Send what there is to send and the connection takes.

        Raises OSError when the client is gone, Closed when the server stops, AccessRevoked when
        the client may look no longer.
        """
        self._check_grant(now)
        if self._unsent:
            if not self._push(now):
                return
        elif self._stuck_since < math.inf and not takes_more(self.connection):
            self._see_stall(now)
            return
        parts = self._say(now)
        if parts:
            self._lay_out(parts, now)
            self._push(now)
        else:
            self.due = min(self._keepalive_due, self._grant_due, self._turn(now))

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
        return self._speech.given.have != self.news.poll().number

    def _say(self, now: float) -> list[bytes]:
        """Give the records to send now.  Raises Closed."""
        known = self.news.poll()
        updates: list[Update] = []
        fps = self._params.fps
        if known.as_of >= self._fresh_at and (fps == math.inf or not self._pace.wait(now, fps)):
            updates = self.news.steps_from(self._speech.given.have, self._enough)
        self._before, self._updates, self._as_of = self._speech.given, len(updates), known.as_of
        parts = self._speech.say(known, updates)
        if not parts and now >= self._keepalive_due:
            parts = [records.keepalive(time.time())]
        return parts

    def _lay_out(self, parts: list[bytes], now: float, must_leave: bool = False) -> None:
        self._unsent.put(*parts, must_leave=must_leave)
        self._began = now

    def _push(self, now: float) -> bool:
        """Send on; returns whether all has left.  Raises OSError."""
        moved = self._unsent.push()
        if not self._unsent:
            self._stuck_since = math.inf
            self._note_sent(now)
            return True
        if moved:
            self._stuck_since = now
        else:
            self._stuck_since = min(self._stuck_since, now)
            # There may be a newer state by the time that there is room.
            self._unsent.take_back()
            if not self._unsent:
                self._speech.given = self._before
        self._see_stall(now)
        return False

    def _see_stall(self, now: float) -> None:
        """Give up a connection that takes too little; sets ``due``."""
        if now - self._stuck_since >= STALL_SECONDS:
            raise TimeoutError("it took nothing any more")
        if self._unsent and now - self._began >= MESSAGE_SECONDS:
            raise TimeoutError("it took too little")
        due = min(self._stuck_since + STALL_SECONDS, self._grant_due)
        self.due = min(due, self._began + MESSAGE_SECONDS) if self._unsent else due

    def _note_sent(self, now: float) -> None:
        """Account for what has left."""
        ended = time.monotonic()
        took = ended - self._began
        self._buffer.adapt(self._unsent.size, self._unsent.pushes, took)
        self._measure(self._unsent.size, took)
        self._keepalive_due = ended + self._params.keepalive
        self.due = min(self._keepalive_due, self._grant_due)
        self.session.bytes_sent += self._unsent.size
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
            enough = int(size / took * _SLICE_SECONDS)
            self._enough = max(_LEAST_SLICE_BYTES, enough)
        elif self._enough is not None and size >= self._enough / 2:
            self._enough *= 2
            if self._enough > _MOST_SLICE_BYTES:
                self._enough = None

    def _check_grant(self, now: float) -> None:
        """See that the client may still look; raises AccessRevoked."""
        if now >= self._grant_due:
            self._grant_due = now + _GRANT_SECONDS
            if not self._params.is_granted():
                raise AccessRevoked
