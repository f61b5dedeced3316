"""The variants there are now: made when asked for, dropped when nobody wants them."""

import threading
from collections.abc import Callable

from webcapd.encoder.variant import PLAIN, Form, Variant

# A dashboard that reloads, or polls snapshots, finds its variant still there.
LINGER_SECONDS = 10.0

# Between the making of a variant and the first wish for a frame of it.
_ABOUT_TO_WANT_SECONDS = 0.2


class TooManyVariants(Exception):
    """No more variants may be made; the text is one sentence."""


class Variants:
    """All variants, by form; the plain one is always there.  For any thread."""

    def __init__(self, make: Callable[[Form, int], Variant], most: int) -> None:
        """``make`` gets the form, and the number that its frames count on from.

        ``most`` bounds the variants beside the plain one.
        """
        self._make = make
        self._most = most
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._variants = {PLAIN: make(PLAIN, 0)}
        self._dropped = 0
        """The highest number that a frame of a dropped variant had.

        Frames of one made anew have higher ones: to who asks for another one
        than number 7 another number 7 would be the same.
        """
        self._closed = False

    def get(self, form: Form) -> Variant:
        """Give the variant of a form, made if need be; raises TooManyVariants."""
        with self._lock:
            self._drop_idle(LINGER_SECONDS)
            if form not in self._variants:
                self._make_room()
                self._variants[form] = self._make(form, self._dropped)
                if self._closed:
                    self._variants[form].latest.close()
            variant = self._variants[form]
            variant.latest.touch()
            return variant

    def listed(self) -> list[Variant]:
        """Give all variants, the plain one first."""
        with self._lock:
            return list(self._variants.values())

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
        if len(self._variants) > self._most:
            # None of them has been idle long enough to go by itself.
            self._drop_idle(_ABOUT_TO_WANT_SECONDS)
        if len(self._variants) > self._most:
            raise TooManyVariants(
                f"{self._most} variants are in use already, and --max-variants allows no more"
            )

    def _drop_idle(self, seconds: float) -> None:
        """Drop the variants that nobody has wanted for so long.  _lock is held."""
        for form, variant in list(self._variants.items()):
            if form != PLAIN and variant.latest.idle_seconds() > seconds:
                self._forget(variant)

    def _forget(self, variant: Variant) -> None:
        """Have a form be made anew when it is asked for again.  _lock is held."""
        self._variants.pop(variant.form, None)
        self._dropped = max(self._dropped, variant.sequence)
