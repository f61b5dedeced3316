"""What leads to a state, for whoever has which one: as a manifest, and for streams.  Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from webcapd.encoder.updates import records
from webcapd.encoder.updates.named.cut import Content

NOTHING = Content(b"")


@dataclass(frozen=True)
class Listing:
    """A state, and all that leads there.  Never changed."""

    number: int
    captured: float
    """When the screen looked so, in seconds of Unix time."""
    begins: int
    """The first state of this size."""
    size: tuple[int, int]
    display: bytes
    parts: Sequence[tuple[int, Content]]
    """What changed last in which state, in rising order."""
    lead: Content
    """What leads on from the state before."""
    is_step: bool
    """Whether that is something else than the last parts."""
    pointer: bytes

    @property
    def _geometry(self) -> bytes:
        return records.geometry(*self.size)

    @cached_property
    def _end(self) -> bytes:
        return records.mark(self.number, self.captured) + self.pointer

    @cached_property
    def names(self) -> frozenset[bytes]:
        """All groups that it names."""
        contents = [self.lead, *(content for _, content in self.parts)]
        return frozenset().union(*(content.names for content in contents))

    @property
    def step(self) -> bytes:
        """Give what leads here from the state before, for a stream."""
        if self.number == self.begins:
            return self.since(None)
        return self.lead.data + self._end

    def since(self, have: int | None) -> bytes:
        """Give what leads here from a state, or from nothing, for a stream."""
        begin = () if have is not None and have >= self.begins else (self._geometry,)
        after = have if have is not None and not begin else 0
        parts = (content.data for number, content in self.parts if number > after)
        return b"".join((*begin, *parts, self._end))

    @cached_property
    def manifest(self) -> bytes:
        """Give what leads here for everybody, but for W."""
        parts = b"".join(self._parts())
        end = records.end("once")
        return b"".join((self.display, parts, self._end, end))

    def _parts(self) -> Iterator[bytes]:
        if self.is_step:
            yield records.part(self.number - 1, is_step=True)
            yield self.lead.data
        yield records.part(self.begins)
        yield self._geometry
        before = self.begins
        for number, content in self.parts:
            if number != before:
                yield records.part(number)
            yield content.data
            before = number
