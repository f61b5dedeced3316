"""The threads that answer one request each."""

import itertools
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence

from webcapd.http.exchange import Exchange
from webcapd.http.handler import Door, Handler
from webcapd.http.site import Site
from webcapd.http.streaming.handover import HandOver
from webcapd.http.wire.connection import hang_up
from webcapd.http.wire.pending import IDLE_SECONDS, PendingConnection, Received
from webcapd.http.wire.sending import STALL_SECONDS

log = logging.getLogger(__name__)


class RequestThreads:
    """Starts a thread for each request, up to a bound.

    serve() is for the accept thread, stop() and join() for the main one.
    """

    def __init__(
        self,
        site: Site,
        hand_over: HandOver,
        give_back: Callable[[PendingConnection], None],
        doors: Sequence[Door] = (),
    ) -> None:
        """``give_back`` takes a connection that is to wait for its next request; any thread.

        ``doors`` take what is sent to us, if anybody may send any.
        """
        self._site = site
        self._doors = doors
        self._hand_over = hand_over
        self._give_back = give_back
        # With --exit-idle, who has been answered holds it no longer than who nobody waits for.
        self._keep_seconds = min(IDLE_SECONDS, site.options.exit_idle or IDLE_SECONDS)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._threads: dict[socket.socket, threading.Thread] = {}
        """Those that answer."""
        self._unended: set[threading.Thread] = set()
        """These, and those that still see to what becomes of their connections."""
        self._stopping = False

    def serve(self, connection: socket.socket, name: object, received: Received) -> bool:
        """Answer a request; tells whether there is room for it.

        Raises RuntimeError when the system gives no thread.
        """
        number = next(self._numbers)
        thread = threading.Thread(
            target=self._run,
            args=(connection, name, received, number),
            name=f"client-{number}"[:15],
            daemon=True,
        )
        with self._lock:
            full = len(self._threads) >= self._site.capacity.requests
            if self._stopping or (full and not self._make_room()):
                return False
            # Before it is in the list, so that none is there that never began.
            thread.start()
            self._threads[connection] = thread
            self._unended.add(thread)
        return True

    @property
    def is_at_rest(self) -> bool:
        """Whether no request is being answered, and none has been given back just now."""
        with self._lock:
            return not self._unended

    def _make_room(self) -> bool:
        """Have the slowest reader's thread end; tells whether one does.  _lock is held."""
        slowest = self._site.sender.cut_off_slowest()
        if slowest is None:
            return False
        # It has nothing to wait for any more.
        self._threads.pop(slowest, None)
        return True

    def stop(self) -> None:
        """Hang up on everybody, and answer nobody more; returns at once."""
        with self._lock:
            self._stopping = True
            for connection in self._threads:
                hang_up(connection)

    def join(self, timeout: float) -> bool:
        """Wait for the end of all; tells whether it came in time."""
        deadline = time.monotonic() + timeout
        with self._lock:
            threads = list(self._unended)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _run(
        self, connection: socket.socket, name: object, received: Received, number: int
    ) -> None:
        try:
            self._answer(connection, name, received, number)
        finally:
            with self._lock:
                self._unended.discard(threading.current_thread())

    def _answer(
        self, connection: socket.socket, name: object, received: Received, number: int
    ) -> None:
        """Answer one request, in a thread of its own."""
        exchange = Exchange(connection, name, self._site, number)
        exchange.finish = lambda: self._finish(
            connection, name, None if exchange.is_last else exchange.rest, exchange.has_unread
        )
        handler = Handler(exchange, self._hand_over, self._doors)
        again = False
        try:
            connection.settimeout(STALL_SECONDS)
            handler.serve(received.head, received.rest)
            again = not exchange.is_last
        except OSError as error:
            # A client that leaves is not an error.
            log.debug("%s is gone: %s", exchange.client, error)
        except Exception:
            log.exception("a request from %s failed", exchange.client)
        finally:
            with self._lock:
                # Handed over, it may be back by now, and another thread's.
                if self._threads.get(connection) is threading.current_thread():
                    del self._threads[connection]
            if not handler.handed_over:
                rest = exchange.rest if again else None
                self._finish(connection, name, rest, exchange.has_unread)

    def _finish(
        self, connection: socket.socket, name: object, rest: bytes | None, drain: bool
    ) -> None:
        """Have a connection wait for its next request, or end it if ``rest`` is None."""
        if rest is None and not drain:
            hang_up(connection)
            connection.close()
            return
        try:
            pending = PendingConnection(connection, name, rest or b"", self._keep_seconds)
        except OSError:
            connection.close()
            return
        if rest is None:
            pending.drain()
        self._give_back(pending)
