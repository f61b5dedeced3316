"""One client's stream: the newest frame, sent, and again."""

import dataclasses
import math
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from webcapd.base.pace import Pace
from webcapd.encoder.frame import Frame
from webcapd.encoder.latest import Subscription
from webcapd.encoder.variant import Variant, VariantSpec
from webcapd.encoder.variants import TooManyVariants, Variants
from webcapd.http.access.access import AccessRevoked
from webcapd.http.streaming.ladder import LadderRules, LadderState, delivered
from webcapd.http.streaming.multipart import Framing
from webcapd.http.streaming.quirks import ClientQuirks
from webcapd.http.streaming.sessions import Session
from webcapd.http.wire.connection import SendBuffer
from webcapd.http.wire.sending import MESSAGE_SECONDS, STALL_SECONDS, OutgoingMessage

# What is sent was on the screen so shortly before, however long nothing was
# reported of it: the server may have been stopped meanwhile, or its moment been
# another than this stream's.  Whoever gets few frames would see it for long.
_OLDEST_SECONDS, _OLDEST_SELDOM_SECONDS = 1.0, 0.1

# How often it is seen to that the client may still look.
_PERMIT_SECONDS = 1.0


@dataclass(frozen=True)
class StreamParams:
    """How one client wants its stream."""

    form: VariantSpec
    fps: float
    """The most frames a second."""
    framing: Framing
    quirks: ClientQuirks
    """When the frame is sent again."""
    follow: LadderRules
    """What happens when it cannot follow."""
    is_granted: Callable[[], bool]
    """Whether it may look, still."""


class Stream:
    """Frames to one client, as its connection takes them; never waits.

    advance() does what can be done, and ``due`` tells when there will be more
    to do even if there is no news of the connection or of the variant.
    The fanout thread's, once it is begun there.
    """

    def __init__(
        self, connection: socket.socket, variants: Variants, params: StreamParams, session: Session
    ) -> None:
        """Subscribe; raises TooManyVariants."""
        self.connection = connection
        self.session = session
        self.due = 0.0
        self._variants = variants
        self._params = params
        self._pace = Pace()
        self._following = LadderState()
        self._message = OutgoingMessage(connection)
        self._buffer = SendBuffer(connection)
        self._frame: Frame | None = None
        """What is being sent, or was sent last."""
        self._seen = 0
        """Number of the variant's frame that was sent last; 0 for none."""
        self._asked = -math.inf
        """The frame that is to be sent must be true as of this moment, as was asked for."""
        self._repeats = 0
        """How often the frame has been sent to a client that has it."""
        self._as_of = -math.inf
        """When the screen looked like the frame, as was known when its sending began."""
        self._began = 0.0
        """When the sending of the frame began."""
        self._rest_due = 0.0
        """When the frame is to be sent again, if there is no other."""
        self._stuck_since = math.inf
        """Since when the connection has taken nothing that was there for it."""
        self._permit_due = time.monotonic() + _PERMIT_SECONDS
        self._asked_whether_gone = False
        self._subscription = ExitStack()
        self._subscribe(params.form)

    def close(self) -> None:
        """Want no more frames."""
        self._subscription.close()

    def _subscribe(self, form: VariantSpec) -> None:
        """Follow the variant of a form, and no other; raises TooManyVariants."""
        with ExitStack() as subscription:
            variant = subscription.enter_context(self._variants.lease(form))
            wish = subscription.enter_context(variant.latest.subscribed(self._params.fps))
            self._subscription.close()
            self._subscription = subscription.pop_all()
        self._wish: Subscription = wish
        self.variant: Variant = variant
        self.session.spec = form

    def begin(self, head: bytes, frame: Frame) -> None:
        """Lay out the response head and the first frame; advance() sends them."""
        self._lay_out(frame, time.monotonic(), head + self._params.framing.opening)

    def advance(self, now: float) -> None:
        """Send what there is to send and the connection takes.

        Raises OSError when the client is gone, Closed when the server stops,
        Withdrawn when the client may look no longer.
        """
        if self._message and not self._push(now):
            return
        frame = self._choose(now)
        if frame is not None:
            self._see_permit(now)
            self._lay_out(frame, now)
            # If it leaves at once, there is nothing to do until there is news.
            self._push(now)

    def ask_whether_gone(self) -> None:
        """Hear that the client will send no more; it may have left, or only said all it had to say.

        One more part tells: if it has left, its side refuses that.
        """
        if not self._asked_whether_gone:
            self._asked_whether_gone = True
            self._rest_due = self.due = 0.0

    def _choose(self, now: float) -> Frame | None:
        """Give the frame to send now, if there is one; sets ``due`` if not.  Raises Closed."""
        fps = self._params.fps
        if fps != math.inf and (wait := self._pace.wait(now, fps)):
            self.due = now + wait
            return None
        frame, as_of = self.variant.latest.known()
        again = frame is None or frame.sequence == self._seen
        if again and now < self._rest_due:
            self.due = self._rest_due
            return None
        if not self._is_true(as_of, now):
            self.due = math.inf  # There will be news: the answer.
            return None
        self._asked, self._as_of = -math.inf, as_of
        self._repeats = self._repeats + 1 if again else 0
        return frame

    def _is_true(self, as_of: float, now: float) -> bool:
        """Tell whether what was on the screen at a moment may be sent; if not, ask for it anew."""
        if self._asked > -math.inf:
            # However long the answer takes: there will be none that is younger.
            return as_of >= self._asked
        oldest = _OLDEST_SECONDS if self._params.fps == math.inf else _OLDEST_SELDOM_SECONDS
        if as_of >= now - oldest:
            return True
        self._asked = self.variant.latest.ask()
        return False

    def _lay_out(self, frame: Frame, now: float, head: bytes = b"") -> None:
        framing = self._params.framing
        header = head + framing.header(frame)
        self._message.put(header, frame.jpeg, framing.closing, must_leave=bool(head))
        self._frame, self._began = frame, now

    def _push(self, now: float) -> bool:
        """Send on; tells whether all has left.  Raises OSError."""
        moved = self._message.push()
        if not self._message:
            self._stuck_since = math.inf
            self._note_sent(now)
            return True
        if moved:
            self._stuck_since = now
        else:
            self._stuck_since = min(self._stuck_since, now)
            # A newer frame may be there by the time that there is room.
            self._message.take_back()
        if now - self._stuck_since >= STALL_SECONDS:
            raise TimeoutError("it took nothing any more")
        if self._message and now - self._began >= MESSAGE_SECONDS:
            raise TimeoutError("it took too little")
        self.due = min(self._stuck_since + STALL_SECONDS, self._began + MESSAGE_SECONDS)
        return False

    def _note_sent(self, now: float) -> None:
        """Account for the frame, which has left."""
        frame, params = self._frame, self._params
        assert frame is not None
        if params.fps != math.inf:
            self._pace.took_place(now, params.fps)
            self._wish.due = now + self._pace.wait(now, params.fps)
        skipped = frame.sequence - self._seen - 1 if self._seen and not self._repeats else 0
        took = time.monotonic() - self._began
        self._buffer.adapt(self._message.size, self._message.pushes, took)
        self.session.sent(self._message.size, skipped)
        self.due = self._rest_due = now + self._rest(took)
        if not self._repeats:
            self._seen = frame.sequence
            if self.session.frames > 1:
                self._heed_age(max(0.0, time.monotonic() - self._as_of))

    def _rest(self, took: float) -> float:
        """Give the seconds after which the frame is sent again, if there is no other."""
        quirks = self._params.quirks
        if self.session.bytes_sent < quirks.fill:
            return 0.0
        # Never all that the line takes: a newer frame would have to wait.
        return max(took, quirks.gap if self._repeats < quirks.repeats else quirks.keepalive)

    def _heed_age(self, age: float) -> None:
        """Change the level if a frame was too long on its way."""
        rules = self._params.follow
        following = delivered(self._following, age, time.monotonic(), rules)
        if following.level != self._following.level:
            quality = following.quality(rules) or self._params.form.quality
            try:
                self._subscribe(dataclasses.replace(self._params.form, quality=quality))
            except TooManyVariants:
                following = following._replace(level=self._following.level)
            else:
                # Its frames are counted anew, and the one there is may be old.
                self._seen = 0
                self._asked = self.variant.latest.ask()
        self._following = following
        self.session.age, self.session.level = following.age, following.level

    def _see_permit(self, now: float) -> None:
        """See that the client may still look; raises Withdrawn."""
        if now >= self._permit_due:
            self._permit_due = now + _PERMIT_SECONDS
            if not self._params.is_granted():
                raise AccessRevoked
