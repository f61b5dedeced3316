"""The variants there are now: made when asked for, dropped when nobody wants them."""

import threading
import time
from collections.abc import Callable

from webcapd.encoder.variant import PLAIN, Form, Variant

# A dashboard that reloads, or polls snapshots, finds its variant still there.
LINGER_SECONDS = 10.0


class TooManyVariants(Exception):
    """No more variants may be made; the text is one sentence."""


class Variants:
    """All variants, by form; the plain one is always there.  For any thread."""

    def __init__(self, make: Callable[[Form], Variant], most: int) -> None:
        """``most`` bounds the variants beside the plain one."""
        self._make = make
        self._most = most
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._variants = {PLAIN: make(PLAIN)}
        self._wanted = {PLAIN: time.monotonic()}
        """When somebody last wanted each."""
        self._closed = False

    def get(self, form: Form) -> Variant:
        """Give the variant of a form, made if need be; raises TooManyVariants."""
        with self._lock:
            self._drop_unwanted()
            if form not in self._variants:
                if len(self._variants) > self._most:
                    raise TooManyVariants(
                        f"{self._most} variants are in use already, and --max-variants allows "
                        "no more"
                    )
                self._variants[form] = self._make(form)
                if self._closed:
                    self._variants[form].latest.close()
            self._wanted[form] = time.monotonic()
            return self._variants[form]

    def listed(self) -> list[Variant]:
        """Give all variants, the plain one first."""
        with self._lock:
            return list(self._variants.values())

    def drop(self, variant: Variant) -> None:
        """Drop a variant for good, and hang up on who follows it."""
        with self._lock:
            self._variants.pop(variant.form, None)
            self._wanted.pop(variant.form, None)
        variant.latest.close()

    def close(self) -> None:
        """Wake all who wait for frames, for good."""
        with self._lock:
            self._closed = True
        for variant in self.listed():
            variant.latest.close()

    def _drop_unwanted(self) -> None:
        """Drop the variants that nobody has wanted for a while.  _lock is held."""
        now = time.monotonic()
        for form, variant in list(self._variants.items()):
            if variant.latest.wanted():
                self._wanted[form] = now
            elif form != PLAIN and now - self._wanted[form] > LINGER_SECONDS:
                del self._variants[form], self._wanted[form]
