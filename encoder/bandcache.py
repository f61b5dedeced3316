"""Coded bands by what they show, so that what was seen before costs no encode.

A caret that blinks, a menu that opens and closes, a return to the rest quality:
all of them come back to bands that were coded already.
"""

from collections import OrderedDict
from collections.abc import Hashable


class BandCache:
    """Coded bands, the least recently used forgotten first.  Encoder thread only."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bands: OrderedDict[Hashable, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable) -> bytes | None:
        """Give the coded band of a key that says all it depends on."""
        coded = self._bands.get(key)
        if coded is not None:
            self._bands.move_to_end(key)
        return coded

    def put(self, key: Hashable, coded: bytes) -> None:
        """Remember a coded band, and forget old ones beyond the bound."""
        self._bytes += len(coded) - len(self._bands.pop(key, b""))
        self._bands[key] = coded
        while self._bytes > self._most_bytes:
            _, oldest = self._bands.popitem(last=False)
            self._bytes -= len(oldest)
