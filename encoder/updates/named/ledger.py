"""Of each tile, what brings it: the list of all that is needed for the whole picture.

An entry has the records of some change.  It has some tiles whole; of others it changes a
part, on top of what entries before it brought.  It is listed while there is any
tile for which nothing later has that tile whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from webcapd.base.process.late import NDArray, np
from webcapd.encoder.updates.named.cut import Content
from webcapd.encoder.updates.state.grid import Mask

# What is overridden by so much is to be cut anew: 1 / this.
_STALE_PART = 4

# What stands in the list itself is to be no more than this, and entries no more than so many.
_INLINE_BYTES, _MOST_ENTRIES = 1024, 64


@dataclass(frozen=True, eq=False)
class Entry:
    """One change, or some tiles that were cut anew."""

    number: int
    """Who has this state lacks nothing of it."""
    content: Content
    key: int
    """Its place in the order."""
    touched: Mask
    whole: Mask

    @property
    def inline(self) -> int:
        """Bytes that stand in the list but for names."""
        return 0 if self.content.names else len(self.content.data)


class Ledger:
    """The entries that make up a picture, in the order in which they are to be read."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.entries: list[Entry] = []
        self._keys = 0
        self._base: NDArray[np.int64] = np.zeros(shape, np.int64)
        """Of each tile, the key of the last entry that has it whole."""

    def add(self, number: int, touched: Mask, whole: Mask, content: Content) -> None:
        """Put an entry behind all others; its number is not less than theirs."""
        self._keys += 1
        self._base[whole] = self._keys
        self.entries.append(Entry(number, content, self._keys, touched, whole))
        self.entries = [one for one in self.entries if self._needed(one).any()]

    def _needed(self, entry: Entry) -> Mask:
        """Give the tiles for which an entry is needed."""
        needed: Mask = entry.touched & (self._base <= entry.key)
        return needed

    def crowded(self) -> Mask:
        """Give the tiles to be cut anew as the list would grow too long; mostly none."""
        # The least ones make the least work.
        entries = sorted(self.entries, key=lambda one: int(self._needed(one).sum()))
        chosen: list[Entry] = []
        if len(entries) > _MOST_ENTRIES:
            chosen = entries[: _MOST_ENTRIES // 2]
        inline = sum(one.inline for one in entries)
        if inline > _INLINE_BYTES:
            for one in (one for one in entries if one.inline):
                if inline <= _INLINE_BYTES // 2:
                    break
                chosen.append(one)
                inline -= one.inline
        return self._all_needed(chosen)

    def stale(self) -> Mask:
        """Give what is left of entries of which much has been overridden."""
        return self._all_needed(self._worn())

    def _all_needed(self, entries: Iterable[Entry]) -> Mask:
        tiles: Mask = np.zeros(self._base.shape, bool)
        for one in entries:
            tiles |= self._needed(one)
        return tiles

    def _worn(self) -> Iterator[Entry]:
        for one in self.entries:
            count = int(one.touched.sum())
            if one.content.names and (count - int(self._needed(one).sum())) * _STALE_PART > count:
                yield one
