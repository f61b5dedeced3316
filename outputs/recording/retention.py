"""How much is kept of what was recorded: by age, size, count, and what is free.  Pure."""

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

from webcapd.base.number import parse_bytes, parse_period, written_bytes


class Room(NamedTuple):
    """How much of a file system is to stay free."""

    least: int = 0
    share: float = 0.0

    def bytes_of(self, total: int) -> int:
        """Give how much that is, of one that is so large."""
        return max(self.least, round(self.share * total))


class Limits(NamedTuple):
    """What is kept."""

    seconds: float = math.inf
    size: float = math.inf
    files: float = math.inf
    room: Room = Room()


class Kept(NamedTuple):
    """A file, as far as limits go."""

    size: int
    age: float


class Space(NamedTuple):
    """A file system."""

    free: int
    total: int

    def shortage(self, limits: Limits) -> int:
        """Give how many bytes too few are free; 0 if enough are."""
        return max(0, limits.room.bytes_of(self.total) - self.free)

    def __str__(self) -> str:
        return f"{written_bytes(self.free)} of {written_bytes(self.total)} are free"


def surplus(kept: Iterable[Kept], count: int, size: int, space: Space, limits: Limits) -> int:
    """Give how many of the oldest files must go; never the newest.

    ``kept`` are the files, the oldest first; there are ``count`` of ``size`` bytes.
    """
    missing, gone = space.shortage(limits), 0
    for one in kept:
        fits = count - gone <= limits.files and size <= limits.size
        if gone >= count - 1 or (fits and one.age <= limits.seconds and missing <= 0):
            break
        gone += 1
        size -= one.size
        missing -= one.size
    return gone


def parse_room(text: str) -> Room:
    """Read how much is to stay free, as 5% or 1G; raises ValueError with a sentence."""
    if found := re.fullmatch(r"([0-9]{1,2}(?:\.[0-9]+)?)%", text):
        return Room(share=float(found[1]) / 100)
    return Room(least=parse_bytes(text))


class SegmentRule(NamedTuple):
    """When one file ends and the next begins."""

    seconds: float = math.inf
    size: float = math.inf
    clock: float = math.inf
    """Whenever the clock shows a multiple of so many seconds."""

    def is_over(self, seconds: float, size: int, began: float, now: float) -> bool:
        """Tell whether a file is complete; ``began`` and ``now`` are of CLOCK_REALTIME."""
        turned = math.isfinite(self.clock) and began // self.clock != now // self.clock
        return seconds >= self.seconds or size >= self.size or turned


def parse_segment(text: str) -> SegmentRule:
    """Read when a file ends: 10m, 100M or clock:1h; raises ValueError with a sentence."""
    clock, colon, period = text.partition("clock:")
    if colon and not clock:
        return SegmentRule(clock=_at_least_a_second(period))
    if text[-1:] in ("K", "M", "G", "T"):
        if (size := parse_bytes(text)) < 1 << 20:
            raise ValueError(f"{text} is less than 1M")
        return SegmentRule(size=size)
    return SegmentRule(seconds=_at_least_a_second(text))


def _at_least_a_second(text: str) -> float:
    seconds = parse_period(text)
    if seconds < 1:
        raise ValueError(f"{text} is less than a second")
    return seconds
