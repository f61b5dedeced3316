"""The accept thread, which takes in connections and requests."""

import contextlib
import logging
import os
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from webcapd.base.pulse import Pulse
from webcapd.http.requestthreads import RequestThreads
from webcapd.http.site import Site
from webcapd.http.streaming.fanout import Fanout
from webcapd.http.wire.connection import expect_life
from webcapd.http.wire.descriptors import moved_up
from webcapd.http.wire.pending import PendingConnection, Received
from webcapd.http.wire.response import short_response
from webcapd.http.wire.sockets import ListeningSocket

log = logging.getLogger(__name__)

# How long the accept thread rests when it is out of something.
_TROUBLE_SECONDS = 0.2

# How often those who wait are asked how long they have.
_SWEEP_SECONDS = 1.0


class HttpServer:
    """All sockets that are listened on, and all threads behind them.

    start(), stop(), join() and makes_headway() are for the main thread.
    """

    def __init__(
        self,
        sockets: Sequence[ListeningSocket],
        site: Site,
        on_failure: Callable[[Exception], None],
    ) -> None:
        """``on_failure`` is called, in the thread concerned, when nobody can be served any more."""
        self.site = site
        self._sockets = sockets
        self._stopping = threading.Event()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name="accept", daemon=True)
        self._pulse = Pulse(self._wake)
        self.fanout = Fanout(on_failure)
        self._on_failure = on_failure
        self._clients = RequestThreads(site, self.fanout.add, self._give_back)
        self._returned: deque[PendingConnection] = deque()
        """Connections whose request has been answered; the bell rings for each."""
        # Accept thread only:
        self._poll = select.epoll()
        self._waiting: dict[int, PendingConnection] = {}
        """By descriptor; who has waited longest is first."""
        self._troubled = False

    @property
    def urls(self) -> str:
        """The addresses to type into a browser."""
        return " and ".join(one.url for one in self._sockets)

    @property
    def exposure(self) -> str:
        """What it means that other machines can reach it; empty if they cannot."""
        if all(one.loopback for one in self._sockets):
            return ""
        if self.site.access.is_open:
            return "whoever can reach that address sees the screen: there is no password"
        return "passwords and pictures cross the network as they are: put TLS in front of it"

    def start(self) -> None:
        self.fanout.start()
        self._thread.start()

    def stop(self) -> None:
        """Accept nobody more and hang up on everybody; returns at once."""
        self._stopping.set()
        self._wake()
        self._clients.stop()
        self.fanout.stop()

    def makes_progress(self) -> bool:
        """Whether the threads without which nobody is served still answer."""
        # Both are asked each time.
        return all([self._pulse.beats(), self.fanout.pulse.beats()])

    def _wake(self) -> None:
        """Wake the accept thread; from any thread."""
        os.eventfd_write(self._bell, 1)

    def join(self, timeout: float) -> bool:
        """Wait until all threads have ended; tells whether they did in time."""
        deadline = time.monotonic() + timeout
        if self._thread.ident is not None:
            self._thread.join(timeout)
        ended = not self._thread.is_alive()
        for part in (self._clients, self.fanout):
            ended = part.join(max(0.0, deadline - time.monotonic())) and ended
        return ended

    def close(self) -> None:
        """Give all descriptors back; all threads have ended, or never began."""
        for one in self._sockets:
            one.close()
        self.fanout.close()
        self._poll.close()
        os.close(self._bell)

    def _run(self) -> None:
        try:
            self._take_in()
        except Exception as error:
            self._on_failure(error)

    def _take_in(self) -> None:
        """Take in connections and requests until stop()."""
        accepting = {one.socket.fileno(): one.socket for one in self._sockets}
        for descriptor in (self._bell, *accepting):
            self._poll.register(descriptor, select.EPOLLIN)
        sweep = 0.0
        while not self._stopping.is_set():
            self._pulse.answer()
            for descriptor, _ in self._poll.poll(_SWEEP_SECONDS if self._waiting else None):
                if descriptor == self._bell:
                    self._take_back()
                elif descriptor in accepting:
                    self._accept(accepting[descriptor])
                elif descriptor in self._waiting:
                    self._on_readable(self._waiting[descriptor])
            if time.monotonic() >= sweep:
                sweep = time.monotonic() + _SWEEP_SECONDS
                self._sweep()
        for waiting in self._waiting.values():
            waiting.connection.close()

    def _accept(self, accepting: socket.socket) -> None:
        try:
            connection, name = accepting.accept()
            connection = self._moved_up(connection)
            expect_life(connection)
        except (BlockingIOError, ConnectionError):
            return
        except OSError as error:
            # Out of descriptors or memory: what is served goes on, and some
            # of it ends.
            if not self._make_room():
                self._tell_trouble(error)
                self._stopping.wait(_TROUBLE_SECONDS)
            return
        if self._await_request(PendingConnection(connection, name)):
            self._tell_trouble(None)

    def _moved_up(self, connection: socket.socket) -> socket.socket:
        """Give the same connection a descriptor that leaves the low ones free; raises OSError."""
        with connection:
            try:
                return moved_up(connection, self.site.capacity.first)
            except OSError:
                if not self._make_room():
                    raise
                return moved_up(connection, self.site.capacity.first)

    def _make_room(self) -> bool:
        """Hang up on who has waited longest; tells whether there was anybody.

        Else those who say nothing could keep everybody out.
        """
        if self._waiting:
            self._forget(next(iter(self._waiting.values()))).close()
            return True
        return False

    def _tell_trouble(self, error: Exception | None) -> None:
        """Log when clients cannot be accepted, once, and when they can again."""
        if error is not None and not self._troubled:
            log.warning("cannot accept clients: %s", error)
        elif error is None and self._troubled:
            log.info("accepting clients again")
        self._troubled = error is not None

    def _take_back(self) -> None:
        """Have connections wait for the next request whose last one has been answered."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        while self._returned:
            waiting = self._returned.popleft()
            if self._await_request(waiting) and waiting.data:
                self._heed(waiting)

    def _await_request(self, waiting: PendingConnection) -> bool:
        """Have a connection wait; tells whether it does, or else was hung up on."""
        while len(self._waiting) >= self.site.capacity.waiting:
            self._make_room()
        try:
            self._poll.register(waiting.connection, select.EPOLLIN)
        except OSError as error:
            # The kernel is out of memory, or watches as many as it may for a user.
            self._tell_trouble(error)
            waiting.connection.close()
            return False
        self._waiting[waiting.connection.fileno()] = waiting
        return True

    def _forget(self, waiting: PendingConnection) -> socket.socket:
        """Have a connection wait no longer."""
        del self._waiting[waiting.connection.fileno()]
        with contextlib.suppress(OSError):
            self._poll.unregister(waiting.connection)
        return waiting.connection

    def _sweep(self) -> None:
        """Hang up on those who have had their time."""
        now = time.monotonic()
        for waiting in [one for one in self._waiting.values() if now >= one.deadline]:
            if waiting.data and not waiting.draining:
                _answer(waiting, short_response(408, "the request did not come in time"))
            else:
                self._forget(waiting).close()

    def _on_readable(self, waiting: PendingConnection) -> None:
        """Take what a connection has sent."""
        try:
            more = waiting.read()
        except OSError:
            more = False
        if not more:
            self._forget(waiting).close()
        elif not waiting.draining:
            self._heed(waiting)

    def _heed(self, waiting: PendingConnection) -> None:
        """Serve a request that has come whole, refuse what can be none."""
        if received := waiting.received():
            self._serve(waiting, received)
        elif fault := waiting.fault():
            _answer(waiting, fault)

    def _serve(self, waiting: PendingConnection, received: Received) -> None:
        """Have a request answered in a thread of its own."""
        connection = self._forget(waiting)
        try:
            if self._clients.serve(connection, waiting.name, received):
                return
        except RuntimeError as error:
            self._tell_trouble(error)
        refused = PendingConnection(connection, waiting.name)
        if self._await_request(refused):
            _answer(refused, short_response(503, "too many requests at a time", retry_after=10))

    def _give_back(self, waiting: PendingConnection) -> None:
        """Have a connection wait for its next request; from any thread."""
        self._returned.append(waiting)
        self._wake()


def _answer(waiting: PendingConnection, response: bytes) -> None:
    """Send who waits a last word, and drain; never waits for it."""
    with contextlib.suppress(OSError):
        waiting.connection.send(response)
    waiting.drain()
