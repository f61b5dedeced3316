"""What a stream sends: one message after the other, and when its client takes too little."""

import math
import socket
import time

from webcapd.http.wire.connection import SendBuffer, takes_more
from webcapd.http.wire.sending import MESSAGE_SECONDS, STALL_SECONDS, OutgoingMessage

# So much is handed over at a time to who is slow.
_SLOW_BYTES = 8 * 1024


class Outbox:
    """The message on its way to one client; never waits.  Fan-out thread only, once it is begun."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._message = OutgoingMessage(connection)
        self._buffer = SendBuffer(connection)
        self._began = 0.0
        """When the sending of the message began."""
        self._stuck_since = math.inf
        """Since when the connection has taken nothing that was there for it."""
        self.is_slow = False
        """Whether the client's line is: then little is to wait in the kernel."""
        self.took = 0.0
        """How many seconds the sending of the last message took."""

    def __bool__(self) -> bool:
        """Whether there is a message that has not left as a whole."""
        return bool(self._message)

    @property
    def size(self) -> int:
        """Bytes of the message, also when it has left."""
        return self._message.size

    def put(self, now: float, *parts: bytes, must_leave: bool = False) -> None:
        """Make these the message; the one before has left, or was taken back."""
        self._message.put(*parts, must_leave=must_leave)
        self._began = now

    def push(self, now: float) -> bool:
        """Send on; tells whether all has left.

        If nothing of it could be sent it is forgotten: a newer one may be there by the time that
        there is room.  Raises OSError, and TimeoutError when the client takes too little.
        """
        # All that it takes, and not one buffer full.  What a reader on a quick line has got fills
        # the buffer until the call returns.  The rest would wait for all other viewers to have
        # their turn, and with hundreds for the next frame.
        moved = self._push_some() if self.is_slow else self._message.push_on()
        if not self._message:
            self._stuck_since = math.inf
            self.took = time.monotonic() - self._began
            self._buffer.adapt(self.size, self._message.pushes, self.took)
            return True
        if moved:
            self._stuck_since = now
        else:
            self._stuck_since = min(self._stuck_since, now)
            self._message.take_back()
        self.check(now)
        return False

    def _push_some(self) -> bool:
        """Hand over little at a time, while less than that waits in the kernel.

        Else it takes up to 64 KiB more than is meant to wait there: as much as one buffer of
        its own holds.
        """
        moved = False
        while self._message and takes_more(self._connection):
            if not self._message.push(_SLOW_BYTES):
                break
            moved = True
        return moved

    def is_full(self) -> bool:
        """Tell whether the last message was taken back, and there is still no room."""
        return self._stuck_since < math.inf and not takes_more(self._connection)

    def check(self, now: float) -> None:
        """Raise TimeoutError if the client has taken too little by now."""
        if now - self._stuck_since >= STALL_SECONDS:
            raise TimeoutError("it took nothing any more")
        if self._message and now - self._began >= MESSAGE_SECONDS:
            raise TimeoutError("it took too little")

    @property
    def deadline(self) -> float:
        """When check() is to be called again, if there is no news of the connection until then."""
        stalled = self._stuck_since + STALL_SECONDS
        return min(stalled, self._began + MESSAGE_SECONDS) if self._message else stalled
