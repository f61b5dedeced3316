"""One client's stream: newest frame, sent, and again."""

import contextlib
import dataclasses
import math
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from webcapd.encoder.frame import Frame
from webcapd.encoder.pace import Pace
from webcapd.encoder.variant import Form, Variant
from webcapd.encoder.variants import TooManyVariants, Variants
from webcapd.http.access import Withdrawn
from webcapd.http.connection import await_departure, send_all
from webcapd.http.follow import Following, FollowRules, delivered
from webcapd.http.multipart import Framing
from webcapd.http.sessions import Session

# A client that shows a frame only when another follows gets it twice when the
# screen has rested this long.
_REPEAT_SECONDS = 0.1

# How often it is seen to that the client may still look.
_PERMIT_SECONDS = 1.0


@dataclass(frozen=True)
class Manner:
    """How one client wants its stream."""

    form: Form
    fps: float
    """The most frames a second."""
    framing: Framing
    repeat: bool
    """Whether it shows a frame only when another follows."""
    keepalive: float
    """Seconds of rest after which the frame is sent again."""
    follow: FollowRules
    """What happens when it cannot follow."""
    permitted: Callable[[], bool]
    """Whether it may look, still."""


class Stream:
    """Frames to one client, in that client's own thread."""

    def __init__(
        self, connection: socket.socket, variants: Variants, manner: Manner, session: Session
    ) -> None:
        """Subscribe; raises TooManyVariants."""
        self._connection = connection
        self._variants = variants
        self._manner = manner
        self._session = session
        self._pace = Pace()
        self._following = Following()
        self._permit_due = time.monotonic() + _PERMIT_SECONDS
        self._seen = 0
        """Number of the variant's frame that was sent last; 0 for none."""
        self._subscription = contextlib.ExitStack()
        self._subscribe(manner.form)

    def close(self) -> None:
        self._subscription.close()

    def _subscribe(self, form: Form) -> None:
        """Follow the variant of a form, and no other; raises TooManyVariants."""
        variant = self._variants.get(form)
        with contextlib.ExitStack() as subscription:
            subscription.enter_context(variant.latest.subscribed(self._manner.fps))
            self._subscription.close()
            self._subscription = subscription.pop_all()
        self.variant: Variant = variant
        self._session.form = form

    def run(self, head: bytes, frame: Frame) -> None:
        """Send the response head and the first frame, then follow until it ends.

        Ends by OSError when the client is gone, by Closed when the server
        stops, by Withdrawn when it may look no longer.
        """
        manner = self._manner
        self._send(frame, head + manner.framing.opening)
        self._seen = frame.sequence
        repeated = False
        while True:
            self._keep_pace()
            rest = _REPEAT_SECONDS if manner.repeat and not repeated else manner.keepalive
            newer = self._next(rest)
            repeated = newer is None
            self._see_permit()
            if newer is None:
                self._send(frame)
                continue
            frame, began = newer, time.monotonic()
            self._send(frame, skipped=frame.sequence - self._seen - 1 if self._seen else 0)
            self._seen = frame.sequence
            self._heed_age(time.monotonic() - began)

    def _see_permit(self) -> None:
        """See that the client may still look; raises Withdrawn."""
        now = time.monotonic()
        if now >= self._permit_due:
            self._permit_due = now + _PERMIT_SECONDS
            if not self._manner.permitted():
                raise Withdrawn

    def _next(self, rest: float) -> Frame | None:
        """Wait for a frame that the client has not seen; None after so much rest."""
        latest = self.variant.latest
        # The frame of a variant that nobody followed until now may be old.
        return latest.newer(self._seen, rest) if self._seen else latest.fresh(rest)

    def _keep_pace(self) -> None:
        """Wait until the client wants the next frame; raises Closed."""
        if self._manner.fps == math.inf:
            return
        now = time.monotonic()
        self._pace.took_place(now, self._manner.fps)
        self.variant.latest.pause(self._pace.wait(now, self._manner.fps))

    def _heed_age(self, age: float) -> None:
        """Change the level if a frame was too long on its way."""
        rules = self._manner.follow
        following = delivered(self._following, age, time.monotonic(), rules)
        if following.level != self._following.level:
            quality = following.quality(rules) or self._manner.form.quality
            try:
                self._subscribe(dataclasses.replace(self._manner.form, quality=quality))
            except TooManyVariants:
                following = following._replace(level=self._following.level)
            else:
                # Its frames are counted anew: whichever is there is to be sent.
                self._seen = 0
        self._following = following
        self._session.age, self._session.level = following.age, following.level

    def _send(self, frame: Frame, head: bytes = b"", skipped: int = 0) -> None:
        framing = self._manner.framing
        header, closing = head + framing.header(frame), framing.closing
        send_all(self._connection, (header, frame.jpeg, closing))
        # What has not left yet would be old by the time a newer frame follows.
        await_departure(self._connection)
        self._session.sent(len(header) + len(frame.jpeg) + len(closing), skipped)
