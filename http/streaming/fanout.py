"""The thread that sends all streams.

One thread and not one a client: a frame for two hundred clients would wake two
hundred threads, which all want the interpreter at once.  Here it is two hundred
system calls; docs/benchmarks.md has the figures.
"""

import contextlib
import heapq
import itertools
import logging
import math
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from webcapd.base.pulse import Pulse
from webcapd.encoder.latest import Closed
from webcapd.encoder.variant import Variant
from webcapd.http.access.access import AccessRevoked
from webcapd.http.streaming.stream import Stream

log = logging.getLogger(__name__)

# Told once for each change: nothing is to be done again and again while a
# connection has room, or while a client has said all it had to say.
_EVENTS = select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET


class Served(NamedTuple):
    """A stream, and what else ends with it."""

    stream: Stream
    on_end: Callable[[str], None]
    """Called with the reason; closes the connection."""


class _Group:
    """All streams of one variant."""

    def __init__(self, variant: Variant, wake: Callable[[], None]) -> None:
        self.variant = variant
        self.streams: dict[int, Served] = {}
        self.has_news = False
        self._wake = wake
        variant.latest.listen(self.ring)

    def ring(self) -> None:
        """Hear of a new frame; in the encoder thread."""
        self.has_news = True
        self._wake()

    def dismiss(self) -> None:
        self.variant.latest.unlisten(self.ring)


class Fanout:
    """Sends all streams; add() is for any thread, start(), stop() and join() for the main one."""

    def __init__(self, on_failure: Callable[[Exception], None]) -> None:
        """``on_failure`` is called, in its thread, when it cannot go on."""
        self._on_failure = on_failure
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fanout", daemon=True)
        self.pulse = Pulse(self._wake)
        self._added: deque[Served] = deque()
        """The bell rings for each."""
        # Fanout thread only:
        self._poll = select.epoll()
        self._streams: dict[int, Served] = {}
        """By descriptor."""
        self._groups: dict[Variant, _Group] = {}
        self._group_of: dict[int, _Group] = {}
        self._order = itertools.count()
        self._timers: list[tuple[float, int, int, Served]] = []
        """A heap: when, a number that settles ties, descriptor, stream."""
        self._planned: dict[int, float] = {}
        """When each descriptor's turn on the agenda is; its other entries are void."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End all streams; returns at once."""
        self._stopping.set()
        self._wake()

    def join(self, timeout: float) -> bool:
        """Wait for the end; tells whether it came in time."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Give the descriptors back; the thread has ended, or never began."""
        self._poll.close()
        os.close(self._bell)

    def add(self, stream: Stream, on_end: Callable[[str], None]) -> None:
        """Serve a stream from now on; ``on_end`` is called, with the reason, when it ends."""
        self._added.append(Served(stream, on_end))
        self._wake()

    def _wake(self) -> None:
        os.eventfd_write(self._bell, 1)

    def _run(self) -> None:
        try:
            self._serve()
        except Exception as error:
            self._on_failure(error)

    def _serve(self) -> None:
        """Send until stop()."""
        self._poll.register(self._bell, select.EPOLLIN)
        while not self._stopping.is_set():
            self.pulse.answer()
            wait = self._timers[0][0] - time.monotonic() if self._timers else None
            for descriptor, events in self._poll.poll(wait and max(0.0, wait)):
                if descriptor == self._bell:
                    self._on_wake()
                elif descriptor in self._streams:
                    self._on_connection(descriptor, events)
            self._on_timers()
        self._take_in()
        for descriptor in list(self._streams):
            self._end(descriptor, Closed())

    def _on_wake(self) -> None:
        """Take in who is new, and serve those for whom there is a new frame."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        self._take_in()
        for audience in list(self._groups.values()):
            if audience.has_news:
                audience.has_news = False
                for descriptor in list(audience.streams):
                    self._advance(descriptor)

    def _take_in(self) -> None:
        while self._added:
            served = self._added.popleft()
            connection = served.stream.connection
            try:
                connection.setblocking(False)
                self._poll.register(connection, _EVENTS)
            except OSError as error:
                # The kernel is out of memory, or watches as many as it may for a user.
                log.warning("cannot watch a stream's connection: %s", error)
                served.stream.close()
                served.on_end("the server failed")
                continue
            self._streams[connection.fileno()] = served
            self._advance(connection.fileno())

    def _on_connection(self, descriptor: int, events: int) -> None:
        if events & (select.EPOLLHUP | select.EPOLLERR):
            self._end(descriptor, ConnectionResetError())
            return
        if events & select.EPOLLRDHUP:
            self._streams[descriptor].stream.ask_whether_gone()
        self._advance(descriptor)

    def _on_timers(self) -> None:
        """Serve those whose time has come."""
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            when, _, descriptor, served = heapq.heappop(self._timers)
            # Neither of a stream that has ended, nor overtaken by an earlier one.
            if self._streams.get(descriptor) is served and self._planned[descriptor] == when:
                self._planned[descriptor] = math.inf
                self._advance(descriptor)

    def _advance(self, descriptor: int) -> None:
        """Have a stream do what it can, and plan when it can do more."""
        stream = self._streams[descriptor].stream
        try:
            stream.advance(time.monotonic())
        except (OSError, Closed, AccessRevoked) as error:
            self._end(descriptor, error)
            return
        except Exception as error:
            log.exception("the stream to %s failed", stream.session.client)
            self._end(descriptor, error)
            return
        self._join_group(descriptor)
        # Mostly the time on the agenda is too early by then, and it is put
        # off: once for many frames.
        if stream.due < self._planned.get(descriptor, math.inf):
            self._planned[descriptor] = stream.due
            entry = (stream.due, next(self._order), descriptor, self._streams[descriptor])
            heapq.heappush(self._timers, entry)

    def _join_group(self, descriptor: int) -> None:
        """See that a stream is in the audience of the variant that it follows."""
        served = self._streams[descriptor]
        variant = served.stream.variant
        before = self._group_of.get(descriptor)
        if before is not None and before.variant is variant:
            return
        self._leave_group(descriptor)
        audience = self._groups.get(variant)
        if audience is None:
            audience = self._groups[variant] = _Group(variant, self._wake)
        # What came before the stream was seated here would go unheard.
        audience.ring()
        audience.streams[descriptor] = served
        self._group_of[descriptor] = audience

    def _leave_group(self, descriptor: int) -> None:
        audience = self._group_of.pop(descriptor, None)
        if audience is not None:
            del audience.streams[descriptor]
            if not audience.streams:
                audience.dismiss()
                del self._groups[audience.variant]

    def _end(self, descriptor: int, error: Exception) -> None:
        served = self._streams.pop(descriptor)
        self._planned.pop(descriptor, None)
        self._leave_group(descriptor)
        with contextlib.suppress(OSError):
            # Closing it will do, too.
            self._poll.unregister(descriptor)
        served.stream.close()
        served.on_end(_reason(error))


def _reason(error: Exception) -> str:
    """Say why a stream ended, for the log."""
    if isinstance(error, Closed):
        return "the server stops"
    if isinstance(error, AccessRevoked):
        return "its access was revoked"
    if isinstance(error, TimeoutError) and error.errno is None:
        # Ours; the kernel's own has a number, and means that it is gone.
        return str(error)
    return "it left" if isinstance(error, OSError) else "the server failed"
