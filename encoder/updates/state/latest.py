"""The cell between the encoder thread and the readers of updates.

Drop policy: what is kept are the last few updates, each for who has the one
before, and for others what brings them from what they have to the newest state,
made when they ask.  A reader that is slow is never sent what it missed, but what
it lacks.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from webcapd.encoder.cell import Cell, Closed, call_all
from webcapd.encoder.consumer import Demand
from webcapd.encoder.updates import records
from webcapd.encoder.updates.state.have import Have, Watching, is_common, number_of

# Who missed a few small updates, or what they came just behind, gets these without asking.
_KEPT_UPDATES, _KEPT_BYTES = 16, 32 * 1024

SLICE_SECONDS = 0.15
"""A slice is what a line took in so long: with what stands in buffers on the way it is to be
there within 0.3 s of its capture."""

# Frames of a video build on each other: who missed some gets all of them, if they are no older.
_KEPT_VIDEO_SECONDS = 0.3

# Of what was composed earlier, so much: on a screen at rest nothing else ends it, whatever
# states are asked from.
_COMPOSED_BYTES = 16 * 1024 * 1024


class Update(NamedTuple):
    """What brings a reader from one state to another.  Never changed."""

    have: Have
    """Who can use it."""
    gives: Have
    """What a reader has then."""
    data: bytes
    """Records, a mark at the end."""
    qualities: frozenset[int]
    """JPEG headers that it needs."""


class _Step(NamedTuple):
    """The updates from one state to the next, each for who has something else of that."""

    updates: Sequence[Update]
    made: float
    """When (CLOCK_MONOTONIC)."""

    @property
    def size(self) -> int:
        return max(len(one.data) for one in self.updates)

    @property
    def has_video(self) -> bool:
        return any(isinstance(one.gives, Watching) for one in self.updates)


class PointerPlace(NamedTuple):
    """The pointer as readers are to show it."""

    image: int
    """Number of the image, 0 if it is hidden."""
    identity: int
    """Counts the images: one that has this is the very same."""
    image_record: bytes
    place_record: bytes


HIDDEN = PointerPlace(0, 0, b"", records.pointer(0, 0, 0))


class Known(NamedTuple):
    """The newest state."""

    number: int
    """0 before the first."""
    as_of: float
    """The screen looked like it at this moment (CLOCK_MONOTONIC) or later."""
    pointer: PointerPlace | None
    """None where it is part of the picture."""
    display: bytes
    """The record of the display's state."""


class LatestUpdates(Cell):
    """The newest state, what leads to it, and who wants it.

    publish(), expire(), wanted(), demand() and close() are the encoder thread's; the rest
    is for any thread.
    """

    def __init__(self, wake: Callable[[], None], run: str, number: int) -> None:
        """``wake`` tells the encoder thread, from any thread, of new demand.

        ``run`` and ``number`` are where the numbers of states begin.
        """
        super().__init__(wake)
        self.run = run
        # All guarded by _news:
        self._known = Known(number, -math.inf, None, records.state(True))
        self._begins = number + 1
        """The first state of the size that the picture has."""
        self._steps: deque[_Step] = deque()
        """The last updates, each of which begins where the one before ends."""
        self._composed: dict[Have, Update] = {}
        """For readers that asked; each gives a state that is newest, or has a step on from it."""
        self._wanted: dict[Have, int | None] = {}
        """What readers that asked have, and how many bytes are enough, None if all is wanted."""
        self._headers: dict[int, bytes] = {}
        """JPEG headers, by quality."""
        self._watched_at = -math.inf
        """When a reader that follows a video took what is new, or asked for that."""

    @property
    def watched_at(self) -> float:
        return self._watched_at

    def publish(
        self,
        known: Known,
        step: Sequence[Update],
        composed: Mapping[Have, Update],
        headers: Mapping[int, bytes],
        begins: int,
    ) -> None:
        """Replace the newest state.

        ``step`` leads there from the one before, by an update for each kind of reader, ``composed``
        from what was wanted. ``begins`` is the number of the first state of the size that the
        picture has.
        """
        with self._news:
            was = self._known
            heard = bool(step or composed) or was[2:] != known[2:] or self._requested > was.as_of
            self._known, self._begins = known, begins
            self._headers |= headers
            if step:
                self._add(_Step(step, time.monotonic()))
                self._served()
            self._compose(composed)
            listeners = self._wake_all() if heard else []
        call_all(listeners)

    def expire(self) -> None:
        """Say that the newest state is no longer known to be on the screen."""
        with self._news:
            self._known = self._known._replace(as_of=-math.inf)

    def _add(self, step: _Step) -> None:
        """Keep a step, and no more before it than one that small ones follow.  _news is held."""
        steps = self._steps
        steps.append(step)
        behind = sum(one.size for one in steps) - steps[0].size
        while len(steps) > 1 and (self._is_old(steps[0], behind) or len(steps) > _KEPT_UPDATES):
            steps.popleft()
            behind -= steps[0].size
        kept = {update.have for one in steps for update in one.updates}
        self._composed = {have: one for have, one in self._composed.items() if one.gives in kept}

    def _is_old(self, first: _Step, behind: int) -> bool:
        """Whether the first of the steps that are kept is of no use, with so many bytes behind."""
        if first.has_video:
            return time.monotonic() - first.made > _KEPT_VIDEO_SECONDS
        return behind > _KEPT_BYTES

    def _compose(self, composed: Mapping[Have, Update]) -> None:
        """Keep what was wanted, and not too much of what was before.  _news is held."""
        self._composed |= composed
        seen, size = set[int](), 0
        for have, one in list(reversed(self._composed.items())):
            # One may serve many.
            size += 0 if id(one.data) in seen else len(one.data)
            seen.add(id(one.data))
            if size > _COMPOSED_BYTES and have not in composed:
                del self._composed[have]
        for have in composed:
            self._wanted.pop(have, None)

    def wanted(self) -> Mapping[Have, int | None]:
        """Give what readers have that asked for what they lack, and how many bytes are enough."""
        with self._news:
            return dict(self._wanted)

    def demand(self) -> Demand:
        """Tell who wants updates."""
        with self._news:
            return self._demand(bool(self._wanted) or self._requested > self._known.as_of)

    def poll(self) -> Known:
        """Give the newest state; never waits.  Raises Closed."""
        with self._news:
            if self._closed:
                raise Closed
            return self._known

    def continues(self, run: str, number: int) -> bool:
        """Whether who has this state whole can go on from there."""
        with self._news:
            return run == self.run and self._begins <= number <= self._known.number

    def request_fresh(self) -> float:
        """Ask for the screen as of now; returns the moment, which poll() comes to reach."""
        with self._news:
            self._requested = max(self._requested, time.monotonic())
            moment = self._requested
        self._wake()
        return moment

    def steps_from(self, have: Have, enough: int | None = None) -> list[Update]:
        """Give what leads to the newest state; none if that is what a reader has.

        None, too, where it is still to be made: then it has been asked for, and there will
        be news.  ``enough`` is how many bytes will do, of who is sent slices.
        """
        with self._news:
            if isinstance(have, Watching):
                self._watched_at = time.monotonic()
            if self._known.number == number_of(have):
                return []
            steps = self._steps_on(have, enough)
            if not steps and have in self._composed:
                made = self._composed[have]
                if not is_common(made.gives):
                    # Nobody else has what was asked from.
                    del self._composed[have]
                steps = [made, *self._steps_on(made.gives, enough)]
            if steps:
                return steps
            self._wanted[have] = enough
        self._wake()
        return []

    def _steps_on(self, have: Have, enough: int | None) -> list[Update]:
        """Give the last updates from what a reader has on, if they are no more than enough.

        _news is held.
        """
        found: list[Update] = []
        for step in self._steps:
            for update in step.updates:
                if update.have == have:
                    found.append(update)
                    have = update.gives
                    break
        size = sum(len(update.data) for update in found)
        return found if enough is None or size <= enough else []

    def forget(self, have: Have) -> None:
        """Note that a reader that had this has left."""
        if is_common(have):
            return  # Others may have it, too, and wait for what leads on from there.
        with self._news:
            self._wanted.pop(have, None)
            self._composed.pop(have, None)

    def wait(self, known: Known, timeout: float) -> None:
        """Wait until something is published after ``known``, or time is up; raises Closed."""
        with self._news:
            self._news.wait_for(lambda: self._closed or self._known is not known, timeout)
            if self._closed:
                raise Closed

    def header(self, quality: int) -> bytes:
        """Give the record of a JPEG header that an update needs."""
        with self._news:
            return self._headers[quality]
