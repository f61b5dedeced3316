"""Deadlines, each under a key, of which the next is known.  No clock of its own."""

import heapq
import itertools
import math
from collections.abc import Hashable, Iterator


class Timers:
    """When the time of each key comes; a key has one time at most.  For one thread.

    A key whose time is put off again and again, as that of a stream with each
    frame, costs a dictionary entry and not a place in the heap: its place there
    is too early by then, and it is entered anew when that has come.
    """

    def __init__(self) -> None:
        self._due: dict[Hashable, float] = {}
        self._entered: dict[Hashable, float] = {}
        """The time of each key's valid entry in the heap; others are void."""
        self._heap: list[tuple[float, int, Hashable]] = []
        self._order = itertools.count()
        """Settles ties: keys need not be comparable."""

    def set(self, key: Hashable, when: float) -> None:
        """Have the time of a key come at ``when``; never if that is infinite."""
        if when == math.inf:
            self.cancel(key)
            return
        self._due[key] = when
        if when < self._entered.get(key, math.inf):
            self._enter(key, when)

    def cancel(self, key: Hashable) -> None:
        """Have the time of a key never come."""
        self._due.pop(key, None)

    def next(self) -> float:
        """Give a moment before which no time comes; infinite if none ever does."""
        return self._heap[0][0] if self._heap else math.inf

    def due(self, now: float) -> Iterator[Hashable]:
        """Give the keys whose time has come, earliest first, each once.

        Times that are set meanwhile are for the next call, however early.
        """
        come = []
        while self._heap and self._heap[0][0] <= now:
            when, _, key = heapq.heappop(self._heap)
            if self._entered.get(key) != when:
                continue  # Overtaken by an earlier entry.
            del self._entered[key]
            due = self._due.get(key, math.inf)
            if due <= now:
                come.append((due, key))
            elif due < math.inf:
                self._enter(key, due)
        for due, key in come:
            # Unless one that came before has changed it.
            if self._due.get(key) == due:
                del self._due[key]
                yield key

    def _enter(self, key: Hashable, when: float) -> None:
        self._entered[key] = when
        heapq.heappush(self._heap, (when, next(self._order), key))
