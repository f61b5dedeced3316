"""Consumers by what is wanted of them: made when asked for, dropped when nobody wants them."""

import math
import secrets
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from webcapd.encoder.consumer import Consumer, Consumers

# A dashboard that reloads, or polls snapshots, finds its consumer still there.
LINGER_SECONDS = 10.0

# A result's number is the run's, drawn by lot, and below it a count of so many
# bits: 39 hours at 30 a second, and what follows is as unlikely to be another
# run's.  Together they fit into the integers of JavaScript.
_RUN_BITS, _COUNT_BITS = 30, 22


def draw_run() -> int:
    """Give the number that the results of this run count on from.

    No other run has the same ones: to who asks for another one than number 7,
    the number 7 of another run would be the same.
    """
    return (1 + secrets.randbelow((1 << _RUN_BITS) - 1)) << _COUNT_BITS


class TooManyVariants(Exception):
    """No more may be made; the text is one sentence."""


class LeasedConsumer(Consumer, Protocol):
    """A consumer whose results are numbered."""

    @property
    def sequence(self) -> int:
        """Number of the newest result."""


Spec = TypeVar("Spec", bound=Hashable)
C = TypeVar("C", bound=LeasedConsumer)


@dataclass
class _Kept(Generic[C]):
    """A consumer, and who has it; guarded by the lock of the leases."""

    consumer: C
    leases: int = 0
    idle_since: float = -math.inf
    """When the last lease of it ended."""


class Leases(Generic[Spec, C]):
    """One consumer for all who want the same; for any thread."""

    def __init__(
        self,
        consumers: Consumers,
        make: Callable[[Spec, int], C],
        most: int,
        plain: Spec,
        run: int = 0,
        needed: bool = False,
    ) -> None:
        """``make`` gets the specification, and the number that the results count on from.

        ``most`` bounds those beside the ``plain`` one, which if ``needed`` is always there; ``run``
        is where numbers begin.
        """
        self._consumers = consumers
        self._make = make
        self._most = most
        self._plain = plain
        self._needed = plain if needed else None
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._kept: dict[Spec, _Kept[C]] = {}
        self._dropped = run
        """The highest number that a result of a dropped consumer had.

        Those of one made anew are higher.
        """
        if needed:
            self._add(plain)

    @contextmanager
    def lease(self, spec: Spec) -> Iterator[C]:
        """Give the consumer of a specification, made if need be, while the context lasts.

        Raises TooManyVariants.
        """
        kept = self._take(spec)
        try:
            yield kept.consumer
        finally:
            with self._lock:
                kept.leases -= 1
                kept.idle_since = time.monotonic()

    def own(self, spec: Spec) -> C:
        """Make a consumer that is nobody else's, for who feeds and closes it himself."""
        with self._lock:
            return self._make(spec, self._dropped)

    def _take(self, spec: Spec) -> _Kept[C]:
        with self._lock:
            self._drop_failed()
            self._drop_idle()
            kept = self._kept.get(spec)
            if kept is None:
                if spec != self._plain:
                    self._make_room()
                kept = self._add(spec)
            kept.leases += 1
            return kept

    def _add(self, spec: Spec) -> _Kept[C]:
        kept = self._kept[spec] = _Kept(self._make(spec, self._dropped))
        self._consumers.add(kept.consumer, needed=spec == self._needed)
        return kept

    def listed(self) -> list[C]:
        """Give all consumers, the one that is always there first."""
        with self._lock:
            self._drop_failed()
            return [kept.consumer for kept in self._kept.values()]

    def _drop_failed(self) -> None:
        """Forget those that were removed as they failed.  _lock is held."""
        for spec, kept in list(self._kept.items()):
            if kept.consumer not in self._consumers:
                self._drop(spec)

    def _drop_idle(self) -> None:
        """Drop those that nobody has wanted for long.  _lock is held."""
        now = time.monotonic()
        for spec in self._idle():
            if now - self._kept[spec].idle_since > LINGER_SECONDS:
                self._drop(spec)

    def _make_room(self) -> None:
        """See that one more may be made; raises TooManyVariants.  _lock is held."""
        idle = [spec for spec in self._idle() if spec != self._plain]
        while len(self._kept) - (self._plain in self._kept) >= self._most:
            if not idle:
                raise TooManyVariants(
                    "as many variants are in use as --max-variants allows: "
                    f"{self._most} beside the plain one"
                )
            self._drop(idle.pop(0))

    def _idle(self) -> list[Spec]:
        """List what nobody has, the longest idle first.  _lock is held."""
        idle = [spec for spec, one in self._kept.items() if spec != self._needed and not one.leases]
        return sorted(idle, key=lambda spec: self._kept[spec].idle_since)

    def _drop(self, spec: Spec) -> None:
        """Have a consumer be made anew when it is asked for again.  _lock is held."""
        consumer = self._kept.pop(spec).consumer
        self._consumers.remove(consumer)
        self._dropped = max(self._dropped, consumer.sequence)
