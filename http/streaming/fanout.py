"""The thread that sends all streams.

One thread and not one a client: a frame for two hundred clients would wake two
hundred threads, which all want the interpreter at once.  Here it is two hundred
system calls; docs/benchmarks.md has the figures.  Where one stream alone follows
something, what is news there is sent by who brings it, while this thread sleeps: to
wake it takes longer than to hand one frame to the kernel.
"""

import logging
import select
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from webcapd.base.eventloop import EventLoop
from webcapd.encoder.cell import Closed
from webcapd.http.access.access import AccessRevoked, Grant
from webcapd.http.streaming.grants import GrantChecks
from webcapd.http.streaming.sessions import Session

log = logging.getLogger(__name__)

# Told once for each change: nothing is to be done again and again while a
# connection has room, or while a client has said all it had to say.
_EVENTS = select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET


class Finished(Exception):
    """All that was to be sent has left."""


class News(Protocol):
    """What the encoder thread publishes to, and streams are fed from."""

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will come; true by the time that listeners are told."""

    def listen(self, on_news: Callable[[], None]) -> None:
        """Have ``on_news`` called, in the encoder thread, when there may be more to send."""

    def unlisten(self, on_news: Callable[[], None]) -> None: ...


class Sendable(Protocol):
    """A response without an end, which is sent as its connection takes it; for this thread."""

    connection: socket.socket
    session: Session
    due: float
    """When there is more to do, whatever news there is; set by pump()."""

    @property
    def news(self) -> News:
        """What it follows; that may become another by pump()."""

    def pump(self, now: float) -> None:
        """Send what there is to send and the connection takes; never waits.

        Raises OSError when the client is gone, Closed when the server stops, and Finished
        where there is an end.
        """

    def probe(self) -> None:
        """Hear that the client will send no more; it may have left, or leave unheard from now on.

        A connection that its other side has half closed, and then closes, tells of that only when
        something more is sent.
        """

    def say_end(self, error: Exception) -> None:
        """Tell the client why nothing more comes, where that can be told; never waits."""

    def close(self) -> None:
        """Want nothing more."""


class Fanout:
    """Sends all streams.

    add() is for any thread, start(), stop(), join(), close() and makes_progress()
    for the main one.
    """

    def __init__(self, on_failure: Callable[[Exception], None]) -> None:
        """``on_failure`` is called, in its thread, when it cannot go on."""
        self._loop = EventLoop("fanout", on_failure, self._end_all)
        self._groups = _Groups(self._loop)
        self._grants = GrantChecks(self._loop)
        # Fan-out thread only:
        self._members: dict[_Member, None] = {}
        """A set in order."""

    def start(self) -> None:
        self._loop.start()

    def stop(self) -> None:
        """End all streams; returns at once."""
        self._loop.stop()

    def join(self, timeout: float) -> bool:
        """Wait for the end; tells whether it came in time."""
        return self._loop.join(timeout)

    def close(self) -> None:
        """Give the descriptors back; the thread has ended, or was never started."""
        self._loop.close()

    def makes_progress(self) -> bool:
        """Tell whether the thread still gets round to what it is woken for."""
        return self._loop.makes_progress()

    def add(self, stream: Sendable, grant: Grant, on_end: Callable[[str], None]) -> None:
        """Send a stream from now on, for as long as a grant lasts.

        ``on_end`` is called, with the reason, when it ends, and closes the connection.
        """
        if not self._loop.post(partial(self._begin, stream, grant, on_end)):
            _end(stream, on_end, _reason(Closed()))

    def _begin(self, stream: Sendable, grant: Grant, on_end: Callable[[str], None]) -> None:
        member = _Member(stream, self._groups, self._loop, partial(self._remove, on_end=on_end))
        connection = stream.connection
        try:
            connection.setblocking(False)
            self._loop.watch(connection.fileno(), _EVENTS, member.on_events)
        except OSError as error:
            # The kernel is out of memory, or watches as many as it may for a user.
            log.warning("cannot watch a stream's connection: %s", error)
            _end(stream, on_end, "the server failed")
            return
        self._members[member] = None
        self._grants.add(grant, member.revoke)
        member.pump()

    def _end_all(self) -> None:
        for member in list(self._members):
            member.end(Closed())

    def _remove(self, member: "_Member", error: Exception, on_end: Callable[[str], None]) -> None:
        del self._members[member]
        self._grants.remove(member.revoke)
        self._loop.unwatch(member.stream.connection.fileno())
        _end(member.stream, on_end, _reason(error))


def _end(stream: Sendable, on_end: Callable[[str], None], reason: str) -> None:
    stream.close()
    on_end(reason)


class _Group:
    """All that follow one thing; on_news() is for the encoder thread, the rest for callbacks."""

    def __init__(self, news: News, loop: EventLoop) -> None:
        self.news = news
        self.members: dict[_Member, None] = {}
        """A set in order."""
        self._loop = loop
        self._is_posted = False
        """Whether _pump() is to run.  Set by the encoder thread, cleared by the loop's."""
        news.listen(self.on_news)

    def on_news(self) -> None:
        """Have all see to a new frame; an only one at once."""
        if self._is_posted:
            return
        # Who closes it may hold locks that the end of a stream takes.
        is_alone = len(self.members) == 1 and not self.news.is_closed
        if is_alone and self._loop.run_here(self._pump):
            return
        self._is_posted = True
        self._loop.post(self._pump)

    def _pump(self) -> None:
        # First: what comes from now on is posted anew.
        self._is_posted = False
        for member in list(self.members):
            member.pump()

    def close(self) -> None:
        self.news.unlisten(self.on_news)


class _Groups:
    """The streams by what they follow; for the fan-out thread."""

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        self._groups: dict[News, _Group] = {}

    def join(self, member: "_Member", news: News) -> _Group:
        """Put a stream among those that follow the same."""
        group = self._groups.get(news)
        if group is None:
            group = self._groups[news] = _Group(news, self._loop)
        group.members[member] = None
        return group

    def leave(self, member: "_Member", group: _Group) -> None:
        del group.members[member]
        if not group.members:
            group.close()
            del self._groups[group.news]


class _Member:
    """A stream, and what is called for it in the fan-out thread."""

    def __init__(
        self,
        stream: Sendable,
        groups: _Groups,
        loop: EventLoop,
        on_end: Callable[["_Member", Exception], None],
    ) -> None:
        """``on_end`` is called once, when it must not be pumped any more."""
        self.stream = stream
        self._groups = groups
        self._loop = loop
        self._on_end = on_end
        self._timer = loop.timer(self.pump)
        self._group: _Group | None = None
        self._ended = False

    def on_events(self, events: int) -> None:
        """See to what has become of the connection."""
        if events & (select.EPOLLHUP | select.EPOLLERR):
            self.end(ConnectionResetError())
            return
        if events & select.EPOLLRDHUP:
            self.stream.probe()
        self.pump()

    def pump(self) -> None:
        """Have the stream do what it can, and again when it can do more."""
        stream = self.stream
        try:
            stream.pump(time.monotonic())
        except (OSError, Closed, Finished) as error:
            self.end(error)
            return
        except Exception as error:
            log.exception("the stream to %s failed", stream.session.client)
            self.end(error)
            return
        if self._group is None or self._group.news is not stream.news:
            self._join_group()
        self._timer.set(stream.due)

    def _join_group(self) -> None:
        """Have news of what the stream follows, and of nothing else."""
        self._leave_group()
        self._group = self._groups.join(self, self.stream.news)
        # What came before it was in the group, it has not been called for.
        self._loop.post(self._on_joined)

    def _on_joined(self) -> None:
        if not self._ended:
            self.pump()

    def revoke(self) -> None:
        """Send no more, as the client may look no longer."""
        self.end(AccessRevoked())

    def _leave_group(self) -> None:
        if self._group is not None:
            self._groups.leave(self, self._group)
            self._group = None

    def end(self, error: Exception) -> None:
        """Pump no more."""
        self._ended = True
        self.stream.say_end(error)
        self._timer.cancel()
        self._leave_group()
        self._on_end(self, error)


def _reason(error: Exception) -> str:
    """Say why a stream ended, for the log."""
    if isinstance(error, Finished):
        return "all was sent"
    if isinstance(error, Closed):
        return str(error) or "the server stops"
    if isinstance(error, AccessRevoked):
        return "its access was revoked"
    if isinstance(error, TimeoutError) and error.errno is None:
        # Ours; the kernel's own has a number, and means that it is gone.
        return str(error)
    return "it left" if isinstance(error, OSError) else "the server failed"
