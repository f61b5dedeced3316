"""What a reader must fetch: names in manifests and in streams of names.  Pure.

Written from docs/manifest.md and docs/updates.md; pixels are not looked at.
"""

import json
import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_MARK = struct.Struct(">IBQ")
_PART = struct.Struct(">BI")
_GROUP = struct.Struct(">I16s")


class Group(NamedTuple):
    """An object that holds pixels."""

    name: str
    size: int


class Part(NamedTuple):
    """A part of a manifest."""

    is_step: bool
    number: int
    groups: tuple[Group, ...]


class Mark(NamedTuple):
    """A state that is there once all groups before it are."""

    number: int
    is_whole: bool
    captured: float
    """Unix time, in seconds."""


class Manifest(NamedTuple):
    """A state as a list."""

    run: str
    mark: Mark
    parts: tuple[Part, ...]

    def lacking(self, held: int | None) -> tuple[Group, ...]:
        """List the groups that a reader lacks that has a state of this run, or none."""
        steps = [part for part in self.parts if part.is_step]
        below, read = -1 if held is None else held, list[Part]()
        since = below
        if all(step.number != held for step in steps):
            others = [part for part in self.parts if not part.is_step]
            read = [part for part in others if part.number > below]
            since = others[-1].number if others else -1
        read += [step for step in steps if step.number >= since]
        return tuple(group for part in read for group in part.groups)


def records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give kind and payload of each record that is whole."""
    at = 0
    while at + 4 <= len(data):
        after = at + 4 + int.from_bytes(data[at + 1 : at + 4], "big")
        if after > len(data):
            return
        yield data[at : at + 1], data[at + 4 : after]
        at = after


def _mark(payload: bytes) -> Mark:
    number, flags, captured = _MARK.unpack(payload)
    return Mark(number, not flags & 1, captured / 1e6)


def _group(payload: bytes) -> Group:
    size, name = _GROUP.unpack(payload)
    return Group(name.hex(), size)


# Thousands of viewers get the same bytes.
@lru_cache(maxsize=64)
def manifest(body: bytes) -> Manifest:
    """Read a manifest; raises ValueError where it is none."""
    run, mark = "", None
    parts: list[tuple[int, int, list[Group]]] = []
    for kind, payload in records(body):
        if kind == b"W":
            run = str(json.loads(payload[4:])["run"])
        elif kind == b"A":
            parts.append((*_PART.unpack(payload), []))
        elif kind == b"U":
            parts[-1][2].append(_group(payload))
        elif kind == b"E":
            mark = _mark(payload)
    if not run or mark is None:
        raise ValueError(f"this is no manifest: {body[:100]!r}")
    return Manifest(
        run, mark, tuple(Part(bool(flags & 1), at, tuple(some)) for flags, at, some in parts)
    )


class NameStream:
    """Takes a stream of names apart, as it comes."""

    def __init__(self) -> None:
        self._begun = b""
        self._groups: list[Group] = []

    def feed(self, data: bytes) -> Iterator[tuple[Mark, tuple[Group, ...]]]:
        """Give each mark that came, and the groups between it and the one before."""
        self._begun += data
        for kind, payload in records(self._begun):
            self._begun = self._begun[4 + len(payload) :]
            if kind == b"U":
                self._groups.append(_group(payload))
            elif kind == b"E":
                yield _mark(payload), tuple(self._groups)
                self._groups = []
