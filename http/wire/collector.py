"""All connections that wait for a request, until each one's has come whole."""

import select
import socket
import time
from collections.abc import Callable
from functools import partial

from webcapd.base.eventloop import EventLoop
from webcapd.http.wire.pending import PendingConnection, Received
from webcapd.http.wire.response import short_response
from webcapd.http.wire.sending import send_last_word

# How often it is looked who has had its time.
_SWEEP_SECONDS = 1.0


class RequestCollector:
    """Collects what comes on connections that wait for a request; for the loop's thread."""

    def __init__(
        self,
        loop: EventLoop,
        most: int,
        on_request: Callable[[PendingConnection, Received], None],
    ) -> None:
        """``on_request`` gets each connection whose request has come, to forget() it.

        One more than ``most``, and the one that has waited longest is hung up on.
        """
        self._loop = loop
        self._most = most
        self._on_request = on_request
        self._pending: dict[int, PendingConnection] = {}
        """By descriptor; who has waited longest is first."""
        self._sweep = loop.timer(self._on_sweep)

    @property
    def is_empty(self) -> bool:
        return not self._pending

    def add(self, pending: PendingConnection) -> None:
        """Have a connection wait; raises OSError, with it closed, if it cannot be watched."""
        while len(self._pending) >= self._most:
            self.make_room()
        descriptor = pending.connection.fileno()
        try:
            self._loop.watch(descriptor, select.EPOLLIN, partial(self._on_readable, pending))
        except OSError:
            # The kernel is out of memory, or watches as many as it may for a user.
            pending.connection.close()
            raise
        if not self._pending:
            self._sweep.set(time.monotonic() + _SWEEP_SECONDS)
        self._pending[descriptor] = pending
        if pending.data:
            self._on_data(pending)

    def forget(self, pending: PendingConnection) -> socket.socket:
        """Have a connection wait no longer; it is the caller's."""
        del self._pending[pending.connection.fileno()]
        self._loop.unwatch(pending.connection.fileno())
        return pending.connection

    def make_room(self) -> bool:
        """Hang up on who has waited longest; tells whether there was anybody.

        Else those who say nothing could keep everybody out.
        """
        if self._pending:
            self.forget(next(iter(self._pending.values()))).close()
            return True
        return False

    def answer(self, pending: PendingConnection, response: bytes) -> None:
        """Send who waits a last word, and drain; never waits for it."""
        send_last_word(pending.connection, response)
        pending.drain()

    def close(self) -> None:
        """Hang up on everybody."""
        while self.make_room():
            pass

    def _on_sweep(self) -> None:
        """Hang up on those who have had their time."""
        now = time.monotonic()
        for pending in [one for one in self._pending.values() if now >= one.deadline]:
            if pending.data and not pending.draining:
                self.answer(pending, short_response(408, "the request did not come in time"))
            else:
                self.forget(pending).close()
        if self._pending:
            self._sweep.set(now + _SWEEP_SECONDS)

    def _on_readable(self, pending: PendingConnection, events: int) -> None:
        """Take what a connection has sent."""
        try:
            more = pending.read()
        except OSError:
            more = False
        if not more:
            self.forget(pending).close()
        elif not pending.draining:
            self._on_data(pending)

    def _on_data(self, pending: PendingConnection) -> None:
        """Hand on a request that has come whole, refuse what can be none."""
        if received := pending.received():
            self._on_request(pending, received)
        elif error_response := pending.error_response():
            self.answer(pending, error_response)
