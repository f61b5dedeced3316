"""What many viewers have seen and asked for, in figures.  Pure."""

import bisect
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from figures import percentile


@dataclass
class Seen:
    """What one viewer had on its screen, and since when."""

    shown: list[tuple[float, int]] = field(default_factory=list)
    """Moments (Unix time), and the version that was whole then; both rise."""

    def show(self, moment: float, version: int) -> None:
        if not self.shown or version > self.shown[-1][1]:
            self.shown.append((moment, version))


def ages(
    seen: Seen, made: Sequence[tuple[int, float]], first: float, last: float, now: float
) -> list[float]:
    """Tell of each version made from ``first`` to ``last`` how old it was when it was seen.

    ``made`` are all versions and the moments of their making; both rise.  A
    version that a viewer has skipped is seen with the next one that it shows;
    what it has not seen by now is as old as it is now, at least.
    """
    numbers = [version for _, version in seen.shown]
    found = []
    start = bisect.bisect_left(made, first, key=lambda one: one[1])
    for number, moment in itertools.takewhile(lambda one: one[1] < last, made[start:]):
        place = bisect.bisect_left(numbers, number)
        # Before the first that it showed, it was not there yet.
        if place:
            found.append((seen.shown[place][0] if place < len(numbers) else now) - moment)
    return found


def summary(
    viewers: Iterable[Seen], moments: Mapping[int, float], first: float, last: float, now: float
) -> dict[str, float]:
    """Sum up the age of the picture at all viewers, in seconds, and what they showed a second."""
    made = sorted(moments.items())
    found: list[float] = []
    shown: list[int] = []
    for one in viewers:
        found += ages(one, made, first, last, now)
        shown.append(sum(first <= moment < last for moment, _ in one.shown))
    inside = sum(first <= moment < last for _, moment in made)
    return {
        "versions": inside / (last - first),
        "shown": percentile(shown, 0.5) / (last - first) if shown else 0.0,
        "median": percentile(found, 0.5) if found else float("nan"),
        "p99": percentile(found, 0.99) if found else float("nan"),
    }
