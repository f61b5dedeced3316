"""One client's stream: newest frame, sent, and again."""

import socket

from webcapd.encoder.frame import Frame
from webcapd.encoder.latest import LatestFrame
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
    ) -> None:
        self._connection = connection
        self._latest = latest
        self._framing = framing
        self._keepalive = keepalive
        self._repeat = repeat

    def run(self, head: bytes, frame: Frame, session: Session) -> None:
        """Send the response head and the first frame, then follow until it ends.

        Ends by OSError when the client is gone, by Closed when the server stops.
        """
        self._send(frame, session, head + self._framing.opening)
        repeated = False
        while True:
            rest = _REPEAT_SECONDS if self._repeat and not repeated else self._keepalive
            newer = self._latest.newer(frame.sequence, rest)
            repeated = newer is None
            skipped = newer.sequence - frame.sequence - 1 if newer else 0
            frame = newer or frame
            self._send(frame, session, skipped=skipped)

    def _send(self, frame: Frame, session: Session, head: bytes = b"", skipped: int = 0) -> None:
        header, closing = head + self._framing.header(frame), self._framing.closing
        send_all(self._connection, (header, frame.jpeg, closing))
        session.sent(len(header) + len(frame.jpeg) + len(closing), skipped)
