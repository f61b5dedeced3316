"""Coded strips by what they show, so that what was seen before costs no encode.

A caret that blinks, a menu that opens and closes, a return to the rest quality:
all of them come back to what was coded already.
"""

from collections import OrderedDict
from collections.abc import Hashable, Sequence

Coded = Sequence[bytes]
"""The tiles of a strip."""


class TileCache:
    """Coded strips, the least recently used forgotten first.  Encoder thread only."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._strips: OrderedDict[Hashable, Coded] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable) -> Coded | None:
        """Give the coded strip of a key that says all it depends on."""
        coded = self._strips.get(key)
        if coded is not None:
            self._strips.move_to_end(key)
        return coded

    def put(self, key: Hashable, coded: Coded) -> None:
        """Remember a coded strip, and forget old ones beyond the bound."""
        self._bytes += _size(coded) - _size(self._strips.pop(key, ()))
        self._strips[key] = coded
        while self._bytes > self._most_bytes:
            _, oldest = self._strips.popitem(last=False)
            self._bytes -= _size(oldest)


def _size(coded: Coded) -> int:
    return sum(map(len, coded))
