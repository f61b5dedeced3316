"""All that serves HTTP: the sockets that are listened on, and the threads behind them."""

import logging
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial

from webcapd.base.eventloop import EventLoop
from webcapd.http.handler import Door
from webcapd.http.requestthreads import RequestThreads
from webcapd.http.site import Site
from webcapd.http.streaming.fanout import Fanout
from webcapd.http.wire.acceptor import Acceptor
from webcapd.http.wire.collector import RequestCollector
from webcapd.http.wire.pending import PendingConnection, Received
from webcapd.http.wire.response import short_response
from webcapd.http.wire.sockets import ListeningSocket

log = logging.getLogger(__name__)


class HttpServer:
    """Accepts connections, collects requests, has them answered, and sends streams.

    A connection is the accept thread's while it waits for a request, a client
    thread's while that is answered, and the fan-out thread's as a stream.
    start(), stop(), join(), close() and makes_progress() are for the main thread.
    """

    def __init__(
        self,
        sockets: Sequence[ListeningSocket],
        site: Site,
        on_failure: Callable[[Exception], None],
        doors: Sequence[Door] = (),
    ) -> None:
        """``on_failure`` is called, in the thread concerned, when nobody can be served any more.

        ``doors`` take what is sent to us, if anybody may send any.
        """
        self.site = site
        self._sockets = sockets
        self._fanout = Fanout(on_failure)
        self._clients = RequestThreads(site, self._fanout.add, self._give_back, doors)
        self._loop = EventLoop("accept", on_failure, self._hang_up)
        self._returning: set[PendingConnection] = set()
        """Connections on their way back; added to by client threads, before these end."""
        # Accept thread only:
        self._collector = RequestCollector(self._loop, site.capacity.waiting, self._on_request)
        self._acceptor = Acceptor(
            self._loop,
            sockets,
            site.capacity.first,
            self._collector.make_room,
            self._on_connection,
        )

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
        if self.site.options.cache_checks_access:
            return "whoever can reach that address sees the screen: only the cache asks who may"
        return "passwords and pictures cross the network as they are: put TLS in front of it"

    def start(self) -> None:
        self._fanout.start()
        self._loop.post(self._acceptor.resume)
        self._loop.start()

    def retire(self, may_retire: Callable[[], bool], on_retired: Callable[[], None]) -> None:
        """Accept nobody from now on, if nobody is connected and then ``may_retire`` says so.

        ``on_retired`` is called if so; both are called in the accept thread.  Returns at once.
        """
        self._loop.post(partial(self._retire, may_retire, on_retired))

    def stop(self) -> None:
        """Accept nobody more and hang up on everybody; returns at once."""
        self._loop.stop()
        self._clients.stop()
        self._fanout.stop()

    def join(self, timeout: float) -> bool:
        """Wait until all threads have ended; tells whether they did in time."""
        deadline = time.monotonic() + timeout
        parts = (self._loop, self._clients, self._fanout)
        return all([part.join(max(0.0, deadline - time.monotonic())) for part in parts])

    def close(self) -> None:
        """Give all descriptors back; all threads have ended, or never began."""
        self._loop.close()
        self._fanout.close()
        for one in self._sockets:
            one.close()

    def makes_progress(self) -> bool:
        """Whether the threads without which nobody is served still answer."""
        # Both are asked each time.
        return all([self._loop.makes_progress(), self._fanout.makes_progress()])

    def _retire(self, may_retire: Callable[[], bool], on_retired: Callable[[], None]) -> None:
        # In this order: a request that has been answered gives its connection back, then ends.
        is_at_rest = self._clients.is_at_rest and not self._returning and self._collector.is_empty
        # Streams are in use.
        if is_at_rest and may_retire():
            self._acceptor.stop()
            on_retired()

    def _on_connection(self, connection: socket.socket, name: object) -> None:
        """Have a connection that was accepted wait for its first request."""
        if self._await_request(PendingConnection(connection, name)):
            self._acceptor.note_trouble(None)

    def _await_request(self, pending: PendingConnection) -> bool:
        """Have a connection wait; tells whether it does, or else was hung up on."""
        try:
            self._collector.add(pending)
        except OSError as error:
            self._acceptor.note_trouble(error)
            return False
        return True

    def _on_request(self, pending: PendingConnection, received: Received) -> None:
        """Have a request answered in a thread of its own."""
        connection = self._collector.forget(pending)
        try:
            if self._clients.serve(connection, pending.name, received):
                return
        except RuntimeError as error:
            self._acceptor.note_trouble(error)
        refused = PendingConnection(connection, pending.name)
        if self._await_request(refused):
            response = short_response(503, "too many requests at a time", retry_after=10)
            self._collector.answer(refused, response)

    def _give_back(self, pending: PendingConnection) -> None:
        """Have a connection wait for its next request; from any thread."""
        self._returning.add(pending)
        if not self._loop.post(partial(self._take_back, pending)):
            pending.connection.close()

    def _take_back(self, pending: PendingConnection) -> None:
        self._returning.discard(pending)
        self._await_request(pending)

    def _hang_up(self) -> None:
        """Hang up on all who wait for a request; the accept thread's last act."""
        self._collector.close()
