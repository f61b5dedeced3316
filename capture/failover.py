"""Several sources, of which the first that has a picture is shown."""

import contextlib
import dataclasses
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from time import monotonic

from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.source import (
    Descriptors,
    Source,
    SourceChanged,
    SourceError,
    SourceNotReady,
    SourceStatus,
)

log = logging.getLogger(__name__)

# How often it is tried to go back to a better one, while somebody watches.
_TRY_SECONDS = 1.0

# One that takes so long to fail holds viewers up: many times as long it is left alone.
_SLOW_SECONDS, _REST_FACTOR = 1.5, 20

# One that is lost soon after it was opened rests, each time longer.
_FIRST_REST, _MAX_REST = 1.0, 30.0
_HOLDS_OUT_SECONDS = 10.0


class _Candidate:
    """A source, and how it went with it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.may_come = True
        """Whether what was wrong when it was opened may pass by itself."""
        self.problem: str | None = None
        """Why it is not shown; None if it is, or was not needed.  Others may read it."""
        self._not_before = -math.inf
        self._rest = 0.0
        self._opened = 0.0

    def open(self, progress: Callable[[], None]) -> bool:
        """Try to open it; tells whether it is."""
        began = monotonic()
        try:
            self.source.open(progress)
        except SourceError as error:
            self.source.close()
            self.problem = str(error)
            self.may_come = isinstance(error, SourceNotReady)
            if (took := monotonic() - began) > _SLOW_SECONDS:
                self._not_before = monotonic() + _REST_FACTOR * took
            return False
        self.problem, self._opened = None, monotonic()
        return True

    def fail(self, problem: str) -> None:
        """Note that it was lost; it is to rest if that was soon."""
        self.problem, self.may_come, now = problem, True, monotonic()
        held_out = now - self._opened >= _HOLDS_OUT_SECONDS
        self._rest = 0.0 if held_out else min(max(_FIRST_REST, 2 * self._rest), _MAX_REST)
        self._not_before = now + self._rest

    @property
    def rests(self) -> bool:
        return monotonic() < self._not_before


class Failover:
    """Shows the first of several sources that has a picture, and a better one once it has.

    To go over to another is a change of geometry, as far as others are concerned.
    Encoder thread only, but for interrupt() and status().
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        """Prepare; ``sources`` are in the order in which they are preferred."""
        self._candidates = [_Candidate(source) for source in sources]
        self.name = "|".join(source.name for source in sources)
        self._shown: _Candidate | None = None
        """What is open; others may read it."""
        self._next: _Candidate | None = None
        """A better one that is open already."""
        self._progress: Callable[[], None] = lambda: None
        self._try_due = 0.0

    @property
    def _active(self) -> Source:
        assert self._shown is not None, "the source is not open"
        return self._shown.source

    @property
    def size(self) -> tuple[int, int]:
        return self._active.size

    @property
    def frame_buffer(self) -> FrameBuffer:
        return self._active.frame_buffer

    def open(self, progress: Callable[[], None]) -> None:
        self._progress = progress
        before, self._shown = self._shown, self._next or self._first_of(self._candidates)
        self._next = None
        self._try_due = monotonic() + _TRY_SECONDS
        if self._shown is None:
            problems = "; ".join(dict.fromkeys(str(one.problem) for one in self._candidates))
            may_come = any(one.may_come for one in self._candidates)
            raise SourceNotReady(problems) if may_come else SourceError(problems)
        worse = self._candidates[: self._candidates.index(self._shown)]
        if self._shown is not before and (before is not None or worse):
            why = "; ".join(dict.fromkeys(str(one.problem) for one in worse))
            log.info("showing %s%s", self._shown.source.name, f": {why}" if why else "")

    def _first_of(self, candidates: Sequence[_Candidate]) -> _Candidate | None:
        """Open the first that can be opened, and give it."""
        awake = (one for one in candidates if not one.rests)
        return next((one for one in awake if one.open(self._progress)), None)

    def close(self) -> None:
        for one in self._candidates:
            if one is not self._next:
                one.source.close()

    def dispose(self) -> None:
        for one in self._candidates:
            one.source.close()
            one.source.dispose()

    @contextlib.contextmanager
    def _failing_over(self) -> Iterator[None]:
        """Have another source opened where this one is lost."""
        try:
            yield
        except SourceError as error:
            assert self._shown is not None
            self._shown.fail(str(error))
            raise SourceChanged from None

    def _try_better(self) -> bool:
        """Try, if it is time to, whether a better source has a picture; it is open then."""
        if self._next is None and monotonic() >= self._try_due:
            self._try_due = monotonic() + _TRY_SECONDS
            assert self._shown is not None
            better = self._candidates[: self._candidates.index(self._shown)]
            self._next = self._first_of(better)
        return self._next is not None

    def refresh(self) -> list[int]:
        if self._try_better():
            raise SourceChanged
        with self._failing_over():
            return self._active.refresh()

    def refresh_small(self) -> list[int]:
        with self._failing_over():
            return self._active.refresh_small()

    def pending(self, poll: bool = False) -> bool:
        with self._failing_over():
            pending = self._active.pending(poll)
        if poll:
            self._try_better()
        return pending or self._next is not None

    def seconds_until_poll(self) -> float:
        wait = self._active.seconds_until_poll()
        if self._shown is self._candidates[0]:
            return wait
        return min(wait, max(0.0, self._try_due - monotonic()))

    def seconds_until_due(self) -> float:
        return self._active.seconds_until_due()

    def descriptors(self) -> Descriptors:
        with self._failing_over():
            return self._active.descriptors()

    def set_watched(self, fps: float) -> None:
        with self._failing_over():
            self._active.set_watched(fps)

    def comeback(self) -> int | None:
        # Of one: the others are tried within a second.
        return next(
            (found for one in self._candidates if (found := one.source.comeback()) is not None),
            None,
        )

    def may_be_back(self) -> bool:
        # All of them: asking is what makes their descriptors unreadable.
        return any([one.source.may_be_back() for one in self._candidates])

    def interrupt(self) -> None:
        for one in self._candidates:
            one.source.interrupt()

    def status(self) -> SourceStatus:
        shown = self._shown
        status = (shown or self._candidates[0]).source.status()
        sources = [
            {"name": one.source.name, "shown": one is shown, "problem": one.problem}
            for one in self._candidates
        ]
        return dataclasses.replace(status, feed={**(status.feed or {}), "sources": sources})
