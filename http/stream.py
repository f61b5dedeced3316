"""One client's stream: newest frame, sent, and again."""

import math
import socket
import time

from webcapd.encoder.frame import Frame
from webcapd.encoder.latest import LatestFrame
from webcapd.encoder.pace import Pace
from webcapd.http.connection import send_all
from webcapd.http.multipart import Framing
from webcapd.http.sessions import Session

# A client that shows a frame only when another follows gets it twice when the
# screen has rested this long.
_REPEAT_SECONDS = 0.1


class Stream:
    """Frames to one client, in that client's own thread."""

    def __init__(
        self,
        connection: socket.socket,
        latest: LatestFrame,
        framing: Framing,
        keepalive: float,
        repeat: bool,
        fps: float,
    ) -> None:
        """Prepare; ``fps`` is the most frames a second that the client wants."""
        self._connection = connection
        self._latest = latest
        self._framing = framing
        self._keepalive = keepalive
        self._repeat = repeat
        self._fps = fps
        self._pace = Pace()

    def run(self, head: bytes, frame: Frame, session: Session) -> None:
        """Send the response head and the first frame, then follow until it ends.

        Ends by OSError when the client is gone, by Closed when the server stops.
        """
        self._send(frame, session, head + self._framing.opening)
        repeated = False
        while True:
            self._keep_pace()
            rest = _REPEAT_SECONDS if self._repeat and not repeated else self._keepalive
            newer = self._latest.newer(frame.sequence, rest)
            repeated = newer is None
            skipped = newer.sequence - frame.sequence - 1 if newer else 0
            frame = newer or frame
            self._send(frame, session, skipped=skipped)

    def _keep_pace(self) -> None:
        """Wait until the client wants the next frame; raises Closed."""
        if self._fps == math.inf:
            return
        now = time.monotonic()
        self._pace.took_place(now, self._fps)
        self._latest.pause(self._pace.wait(now))

    def _send(self, frame: Frame, session: Session, head: bytes = b"", skipped: int = 0) -> None:
        header, closing = head + self._framing.header(frame), self._framing.closing
        send_all(self._connection, (header, frame.jpeg, closing))
        session.sent(len(header) + len(frame.jpeg) + len(closing), skipped)
