"""What leads to a state, for whoever has which one: as a manifest, and for streams.  Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from webcapd.encoder.updates import records
from webcapd.encoder.updates.named.chain import Step
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
    steps: Sequence[Step]
    """What leads on from there, and from some states before."""
    lead: Content
    """What leads on from the state before."""
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
        contents = [self.lead, *(one.content for one in self.steps)]
        contents += [content for _, content in self.parts]
        return frozenset().union(*(content.names for content in contents))

    @property
    def step(self) -> bytes:
        """Give what leads here from the state before, for a stream."""
        if self.number == self.begins:
            return self.since(None)
        return self.lead.data + self._end

    def since(self, have: int | None) -> bytes:
        """Give what leads here from a state, or from nothing, for a stream."""
        if have is None or have < self.begins:
            return b"".join((self._geometry, *self._behind(0), self._end))
        return b"".join((*self._behind(have), self._end))

    def _behind(self, have: int) -> Iterator[bytes]:
        """Give what leads here from a state of this size, as a reader of a manifest chooses it."""
        steps = [one for one in self.steps if one.number >= have]
        if not (steps and steps[0].number == have):
            yield from (content.data for number, content in self.parts if number > have)
            last = self.parts[-1][0] if self.parts else self.begins
            steps = [one for one in self.steps if one.number >= last]
        for one in steps:
            if one.number != have:
                yield records.mark(one.number, self.captured)
            yield one.content.data

    @cached_property
    def manifest(self) -> bytes:
        """Give what leads here for everybody, but for W."""
        parts = b"".join(self._parts())
        end = records.end("once")
        return b"".join((self.display, parts, self._end, end))

    def _parts(self) -> Iterator[bytes]:
        for step in self.steps:
            yield records.part(step.number, is_step=True)
            yield step.content.data
        yield records.part(self.begins)
        yield self._geometry
        before = self.begins
        for number, content in self.parts:
            if number != before:
                yield records.part(number)
            yield content.data
            before = number
