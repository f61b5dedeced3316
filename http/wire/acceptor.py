"""Taking in connections, and what is done when the system gives no more of something."""

import logging
import select
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial

from webcapd.base.eventloop import EventLoop
from webcapd.http.wire.connection import configure
from webcapd.http.wire.descriptors import moved_up
from webcapd.http.wire.sockets import ListeningSocket

log = logging.getLogger(__name__)

# How long nobody is accepted when the system is out of something.
_PAUSE_SECONDS = 0.2


class Acceptor:
    """Accepts connections from all sockets that are listened on; for the loop's thread."""

    def __init__(
        self,
        loop: EventLoop,
        sockets: Sequence[ListeningSocket],
        first: int,
        make_room: Callable[[], bool],
        on_connection: Callable[[socket.socket, object], None],
    ) -> None:
        """``on_connection`` gets each connection, and its peer's address.

        They have descriptors from ``first`` on.  ``make_room`` gives another one up
        for one that comes, and tells whether there was any.
        """
        self._loop = loop
        self._sockets = [one.socket for one in sockets]
        self._first = first
        self._make_room = make_room
        self._on_connection = on_connection
        self._resumption = loop.timer(self.resume)
        self._troubled = False

    def resume(self) -> None:
        """Accept from now on."""
        try:
            for one in self._sockets:
                self._loop.watch(one.fileno(), select.EPOLLIN, partial(self._accept, one))
        except OSError as error:
            self._pause(error)

    def stop(self) -> None:
        """Accept nobody from now on; who connects waits in the sockets."""
        self._resumption.cancel()
        for one in self._sockets:
            self._loop.unwatch(one.fileno())

    def _pause(self, error: OSError) -> None:
        """Accept nobody for a moment."""
        self.note_trouble(error)
        for one in self._sockets:
            self._loop.unwatch(one.fileno())
        self._resumption.set(time.monotonic() + _PAUSE_SECONDS)

    def _accept(self, listening: socket.socket, events: int) -> None:
        try:
            connection, name = listening.accept()
            connection = self._moved_up(connection)
            configure(connection)
        except (BlockingIOError, ConnectionError):
            return
        except OSError as error:
            # Out of descriptors or memory: what is served goes on, and some
            # of it ends.
            if not self._make_room():
                self._pause(error)
            return
        self._on_connection(connection, name)

    def _moved_up(self, connection: socket.socket) -> socket.socket:
        """Give the same connection a descriptor that leaves the low ones free; raises OSError."""
        with connection:
            try:
                return moved_up(connection, self._first)
            except OSError:
                if not self._make_room():
                    raise
                return moved_up(connection, self._first)

    def note_trouble(self, error: Exception | None) -> None:
        """Log when clients cannot be accepted, once, and when they can again (None)."""
        if error is not None and not self._troubled:
            log.warning("cannot accept clients: %s", error)
        elif error is None and self._troubled:
            log.info("accepting clients again")
        self._troubled = error is not None
