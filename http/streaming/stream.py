"""One client's stream: the newest frame, sent, and again."""

import math
import socket
import time
from dataclasses import dataclass

from webcapd.base.pace import Pace
from webcapd.encoder.frame import Frame, LatestFrame
from webcapd.http.streaming.followed import FollowedVariant
from webcapd.http.streaming.multipart import Framing
from webcapd.http.streaming.outbox import Outbox
from webcapd.http.streaming.quirks import ClientQuirks
from webcapd.http.streaming.sessions import Session

# What is sent was on the screen so shortly before, however long nothing was
# reported of it: the server may have been stopped meanwhile, or its moment been
# another than this stream's.  Whoever gets few frames would see it for long.
_MAX_AGE_SECONDS, _MAX_SELDOM_AGE_SECONDS = 1.0, 0.1

# How often a client that will send no more is sent the frame again at rest, to find out whether
# it has left.
_PROBE_SECONDS = 2.0

# Of no change, before a client that is too slow for the quality asked for gets it nevertheless.
# Longer than between two ticks of a clock, each of which would wait for such a frame.
_REST_SECONDS = 3.0


@dataclass(frozen=True)
class StreamParams:
    """How one client wants its stream."""

    fps: float
    """The most frames a second."""
    framing: Framing
    quirks: ClientQuirks
    """When the frame is sent again."""


class Stream:
    """Frames to one client, as its connection takes them; never waits.

    pump() does what can be done, and ``due`` tells when there will be more
    to do even if there is no news of the connection or of the variant.
    For the fan-out thread, once it is there.
    """

    def __init__(
        self,
        connection: socket.socket,
        followed: FollowedVariant,
        params: StreamParams,
        session: Session,
    ) -> None:
        """Prepare; close() ends the subscription, too."""
        self.connection = connection
        self.session = session
        self.due = 0.0
        self._followed = followed
        self.variant = followed.variant
        self._params = params
        self._pace = Pace()
        self._outbox = Outbox(connection)
        self._frame: Frame | None = None
        """What is being sent, or was sent last."""
        self._seen = 0
        """Number of the variant's frame that was sent last; 0 for none."""
        self._requested = -math.inf
        """The frame that is to be sent must be true as of this moment, which was requested."""
        self._repeats = 0
        """How often the frame has been sent to a client that has it."""
        self._as_of = -math.inf
        """When the screen looked like the frame, as was known when its sending began."""
        self._repeat_due = 0.0
        """When the frame is to be sent again, if there is no other."""
        self._rests_at = math.inf
        """When a screen rests that has not changed since the frame was sent."""
        self._is_half_closed = False
        """Whether the client will send no more."""

    @property
    def news(self) -> LatestFrame:
        return self.variant.latest

    def say_end(self, error: Exception) -> None:
        """Nothing: a picture has no words."""

    def close(self) -> None:
        """Want no more frames."""
        self._followed.close()

    def begin(self, head: bytes, frame: Frame) -> None:
        """Take the response head and the first frame; pump() sends them."""
        self._put(frame, time.monotonic(), head + self._params.framing.opening)

    def pump(self, now: float) -> None:
        """Send what there is to send and the connection takes.

        Raises OSError when the client is gone, Closed when the server stops.
        """
        if self._outbox and not self._push(now):
            return
        frame = self._choose_frame(now)
        if frame is not None:
            self._put(frame, now)
            # If it leaves at once, there is nothing to do until there is news.
            self._push(now)

    def probe(self) -> None:
        """Find out now, and now and then, whether a client that will send no more has left.

        It may only have said all it had to say; if it has left, its side refuses one more part.
        """
        if not self._is_half_closed:
            self._is_half_closed = True
            self._repeat_due = self.due = 0.0

    def _choose_frame(self, now: float) -> Frame | None:
        """Give the frame to send now, if there is one; sets ``due`` if not.  Raises Closed."""
        fps = self._params.fps
        if fps != math.inf and (wait := self._pace.wait(now, fps)):
            self.due = now + wait
            return None
        frame, as_of = self.variant.latest.poll()
        again = frame is None or frame.sequence == self._seen
        if again and now < self._repeat_due:
            self.due = self._repeat_due
            return None
        if (again or self._followed.is_resting) and self._turns(again, now):
            self.due = math.inf  # There will be news: the other variant's frame.
            return None
        if not self._is_fresh(as_of, now):
            self.due = math.inf  # There will be news: the answer.
            return None
        self._requested, self._as_of = -math.inf, as_of
        self._repeats = self._repeats + 1 if again else 0
        return frame

    def _turns(self, again: bool, now: float) -> bool:
        """Follow another variant where a slow client's screen has come to rest, or moves again.

        However slow it is: at rest nothing waits behind a frame of the quality asked for.
        """
        if not self._followed.is_resting:
            is_another = again and now >= self._rests_at and self._followed.rest()
        else:
            # The first one of that variant is what it rests with.
            is_another = not again and self._seen > 0
            if is_another:
                self._followed.resume()
        if is_another:
            self._turn_to_followed()
        return is_another

    def _is_fresh(self, as_of: float, now: float) -> bool:
        """Tell whether what was on the screen at a moment may be sent; if not, ask for it anew."""
        if self._requested > -math.inf:
            # However long the answer takes: there will be none that is younger.
            return as_of >= self._requested
        max_age = _MAX_AGE_SECONDS if self._params.fps == math.inf else _MAX_SELDOM_AGE_SECONDS
        if as_of >= now - max_age:
            return True
        self._requested = self.variant.latest.request_fresh()
        return False

    def _put(self, frame: Frame, now: float, head: bytes = b"") -> None:
        framing = self._params.framing
        header = head + framing.header(frame)
        self._outbox.put(now, header, frame.data, framing.closing, must_leave=bool(head))
        self._frame = frame

    def _push(self, now: float) -> bool:
        """Send on; tells whether all has left.  Raises OSError."""
        if self._outbox.push(now):
            self._note_sent(now)
            return True
        self.due = self._outbox.deadline
        return False

    def _note_sent(self, now: float) -> None:
        """Account for the frame, which has left."""
        frame, params = self._frame, self._params
        assert frame is not None
        if params.fps != math.inf:
            self._pace.took_place(now, params.fps)
            self._followed.subscription.due = now + self._pace.wait(now, params.fps)
        skipped = frame.sequence - self._seen - 1 if self._seen and not self._repeats else 0
        self.session.sent(self._outbox.size, skipped)
        self.due = self._repeat_due = now + self._repeat_in(self._outbox.took)
        if not self._repeats:
            self._seen, self._rests_at = frame.sequence, now + _REST_SECONDS
            if self.session.frames > 1:
                self._on_age(max(0.0, time.monotonic() - self._as_of))

    def _repeat_in(self, took: float) -> float:
        """Give the seconds after which the frame is sent again, if there is no other."""
        quirks = self._params.quirks
        if self.session.bytes_sent < quirks.fill:
            return 0.0
        # Never all that the line takes: a newer frame would have to wait.
        keepalive = min(quirks.keepalive, _PROBE_SECONDS if self._is_half_closed else math.inf)
        if self._followed.is_lowered:
            keepalive = min(keepalive, _REST_SECONDS)
        return max(took, quirks.gap if self._repeats < quirks.repeats else keepalive)

    def _on_age(self, age: float) -> None:
        """Change the quality if a frame was too long on its way."""
        if self._followed.note_age(age):
            self._turn_to_followed()
        ladder = self._followed.ladder
        self.session.age, self.session.level = ladder.age, ladder.level

    def _turn_to_followed(self) -> None:
        self.variant = self._followed.variant
        self.session.spec = self._followed.spec
        # Its frames are counted anew, and the one there is may be old.
        self._seen = 0
        self._requested = self.variant.latest.request_fresh()
