"""The variants there are now: made when asked for, dropped when nobody wants them."""

import math
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from webcapd.encoder.variant import PLAIN, Variant, VariantSpec

# A dashboard that reloads, or polls snapshots, finds its variant still there.
LINGER_SECONDS = 10.0

# A frame's number is the run's, drawn by lot, and below it a count of so many
# bits: 39 hours at 30 frames a second, and what follows is as unlikely to be
# another run's.  Together they fit into the integers of JavaScript.
_RUN_BITS, _COUNT_BITS = 30, 22


def draw_run() -> int:
    """Give the number that the frames of this run count on from.

    No other run has the same ones: to who asks for another one than number 7,
    the number 7 of another run would be the same.
    """
    return (1 + secrets.randbelow((1 << _RUN_BITS) - 1)) << _COUNT_BITS


class TooManyVariants(Exception):
    """No more variants may be made; the text is one sentence."""


@dataclass
class _Kept:
    """A variant, and who has it; guarded by the lock of the list."""

    variant: Variant
    leases: int = 0
    idle_since: float = -math.inf
    """When the last lease of it ended."""


class Variants:
    """All variants, by form; the plain one is always there.  For any thread."""

    def __init__(
        self, make: Callable[[VariantSpec, int], Variant], most: int, run: int = 0
    ) -> None:
        """``make`` gets the form, and the number that its frames count on from.

        ``most`` bounds the variants beside the plain one; ``run`` is where numbers begin.
        """
        self._make = make
        self._most = most
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._kept = {PLAIN: _Kept(make(PLAIN, run))}
        self._dropped = run
        """The highest number that a frame of a dropped variant had.

        Frames of one made anew have higher ones.
        """
        self._closed = False

    @contextmanager
    def lease(self, form: VariantSpec) -> Iterator[Variant]:
        """Give the variant of a form, made if need be, and keep it while the context lasts.

        Raises TooManyVariants.
        """
        kept = self._take(form)
        try:
            yield kept.variant
        finally:
            with self._lock:
                kept.leases -= 1
                kept.idle_since = time.monotonic()

    def _take(self, form: VariantSpec) -> _Kept:
        with self._lock:
            self._drop_idle()
            if form not in self._kept:
                self._make_room()
                self._kept[form] = _Kept(self._make(form, self._dropped))
                if self._closed:
                    self._kept[form].variant.latest.close()
            kept = self._kept[form]
            kept.leases += 1
            return kept

    def listed(self) -> list[Variant]:
        """Give all variants, the plain one first."""
        with self._lock:
            return [kept.variant for kept in self._kept.values()]

    def drop(self, variant: Variant) -> None:
        """Drop a variant for good, and hang up on who follows it."""
        with self._lock:
            self._forget(variant)
        variant.latest.close()

    def close(self) -> None:
        """Wake all who wait for frames, for good."""
        with self._lock:
            self._closed = True
        for variant in self.listed():
            variant.latest.close()

    def _make_room(self) -> None:
        """See that one more variant may be made; raises TooManyVariants.  _lock is held."""
        idle = self._idle()
        while len(self._kept) > self._most:
            if not idle:
                raise TooManyVariants(
                    f"{self._most} variants are in use already, and --max-variants allows no more"
                )
            self._forget(idle.pop(0).variant)

    def _drop_idle(self) -> None:
        """Drop the variants that nobody has wanted for long.  _lock is held."""
        now = time.monotonic()
        for kept in self._idle():
            if now - kept.idle_since > LINGER_SECONDS:
                self._forget(kept.variant)

    def _idle(self) -> list[_Kept]:
        """List the variants that nobody has, but for the plain one, the longest idle first.

        _lock is held.
        """
        idle = [one for form, one in self._kept.items() if form != PLAIN and not one.leases]
        return sorted(idle, key=lambda one: one.idle_since)

    def _forget(self, variant: Variant) -> None:
        """Have a form be made anew when it is asked for again.  _lock is held."""
        kept = self._kept.get(variant.form)
        if kept is not None and kept.variant is variant:
            del self._kept[variant.form]
        self._dropped = max(self._dropped, variant.sequence)
