"""How records become groups: in which order, how large, and what stands in a list as it is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from webcapd.encoder.updates import records
from webcapd.encoder.updates.named.groups import Groups

# As little stands in the list itself: asking for a group takes 600 bytes over HTTP/1.1.
INLINE_BYTES = 1024

# A group is closed as it has the first, and has no more than the second but for one long record.
ENOUGH_BYTES, MOST_BYTES = 48 * 1024, 96 * 1024


class Content(NamedTuple):
    """Records as they stand in a list."""

    data: bytes
    """The records, or what names their groups."""
    names: frozenset[bytes] = frozenset()
    new: int = 0
    """Bytes of groups that were not kept before."""

    def behind(self, other: "Content") -> "Content":
        """Put this behind something else."""
        return Content(other.data + self.data, other.names | self.names, other.new + self.new)


class Cutter:
    """Makes groups of records.  Encoder thread only."""

    def __init__(self, groups: Groups, header: Callable[[int], bytes]) -> None:
        """``header`` gives the record of a JPEG header by its number."""
        self._groups, self._header = groups, header

    def content(self, made: Sequence[bytes]) -> Content:
        """Give records as they are if that is short, and else by name."""
        if sum(map(len, made)) <= INLINE_BYTES and not any(_headers(made)):
            return Content(b"".join(made))
        return self.named(made)

    def named(self, made: Iterable[bytes]) -> Content:
        """Put records into groups."""
        data, names, new = list[bytes](), set[bytes](), 0
        for some in packed(made):
            headers = sorted({number for number in _headers(some) if number is not None})
            whole = b"".join((*map(self._header, headers), *some))
            name, added = self._groups.put(whole)
            data.append(records.group(len(whole), name))
            names.add(name)
            new += added
        return Content(b"".join(data), frozenset(names), new)


def _headers(made: Iterable[bytes]) -> Iterator[int | None]:
    return map(records.header_of, made)


def packed(made: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Pack records, in order, as many together as go into one group."""
    some, size = list[bytes](), 0
    for one in made:
        if some and size + len(one) > MOST_BYTES:
            yield some
            some, size = [], 0
        some.append(one)
        size += len(one)
    if some:
        yield some
