"""Deadlines, each with what is to be called then, of which the next is known.  No clock."""

import heapq
import itertools
import math
from collections.abc import Callable, Iterator


class Timer:
    """One deadline, that can be moved."""

    __slots__ = ("_entered", "_timers", "callback", "due")

    def __init__(self, timers: "Timers", callback: Callable[[], None]) -> None:
        self._timers = timers
        self.callback = callback
        self.due = math.inf
        """When its time comes; set by set()."""
        self._entered = math.inf
        """The time of its valid entry in the heap; others are void."""

    def set(self, when: float) -> None:
        """Have its time come at ``when``, and at no other; never if that is infinite."""
        self.due = when
        if when < self._entered:
            self._entered = when
            self._timers.enter(self, when)

    def cancel(self) -> None:
        """Have its time never come."""
        self.due = math.inf

    def reached(self, entry: float, now: float) -> bool:
        """Tell whether its time has come, now that an entry in the heap has."""
        if self._entered != entry:
            return False  # Overtaken by an earlier entry.
        self._entered = math.inf
        if self.due <= now:
            return True
        self.set(self.due)
        return False


class Timers:
    """Deadlines of one thread.

    One that is put off again and again, as that of a stream with each frame,
    costs an assignment and not a place in the heap: its place there is too
    early by then, and it is entered anew when that has come.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        """Settles ties."""

    def timer(self, callback: Callable[[], None]) -> Timer:
        """Make a timer, which is not set."""
        return Timer(self, callback)

    def enter(self, timer: Timer, when: float) -> None:
        """Have a timer looked at when a time comes; for the timer itself."""
        heapq.heappush(self._heap, (when, next(self._order), timer))

    def next(self) -> float:
        """Give a moment before which no time comes; infinite if none ever does."""
        return self._heap[0][0] if self._heap else math.inf

    def due(self, now: float) -> Iterator[Timer]:
        """Give the timers whose time has come, earliest first, each once.

        Times that are set meanwhile are for the next call, however early.
        """
        come = []
        while self._heap and self._heap[0][0] <= now:
            when, _, timer = heapq.heappop(self._heap)
            if timer.reached(when, now):
                come.append((timer.due, timer))
        for due, timer in come:
            # Unless one that came before has changed it.
            if timer.due == due:
                timer.due = math.inf
                yield timer
