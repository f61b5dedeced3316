"""Records of runs to figures: medians, spreads, ratios within a run, targets.  Pure.

A record is a line of the results: what was measured of one peer, one workload,
one size, in one round.  Ratios are taken within a round and never across.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

Record = dict[str, Any]

FULL_RATE = 0.95
"""Of the wanted frames a second, what counts as all."""

COST_TARGETS = {
    "idle": 0.1,
    "typing": 0.25,
    "cursor": 0.2,
    "scroll": 0.5,
    "video": 0.37,
    "full": 1.0,
    "redraw": 0.7,
}
FILMS = ("video", "full")
LATENCY_TARGETS = {"median": 0.5, "p99": 0.6}
FAN_OUT_TARGETS = {200: 1.0, 400: 1.0}
FLOOR_TARGET = 1.12


class Spread(NamedTuple):
    """A median, and what lies around it."""

    median: float
    low: float
    high: float


class Verdict(NamedTuple):
    """A ratio of webcapd to what it is compared with, beside what it should be."""

    what: str
    rival: str
    ratio: Spread
    target: float

    @property
    def holds(self) -> bool:
        return self.ratio.median <= self.target


def spread(values: Iterable[float]) -> Spread:
    """Summarise some values."""
    ordered = sorted(values)
    return Spread(statistics.median(ordered), ordered[0], ordered[-1])


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def select(records: Iterable[Record], **wanted: object) -> list[Record]:
    """Give the records that have these values."""
    return [one for one in records if all(one.get(key) == wanted[key] for key in wanted)]


def distinct(records: Iterable[Record], key: str) -> list[Any]:
    """Give the values of a key, in the order in which they come."""
    return list(dict.fromkeys(one[key] for one in records if key in one))


def total(record: Record) -> float:
    """CPU seconds a second of the process tree and of the X server over its baseline."""
    # A baseline that wavers may exceed what came with the peer.
    return float(record["process"] + max(0.0, record["server"]))


def octets(record: Record) -> float:
    """Bytes a second, to all clients."""
    return float(record["bytes"])


def by_round(records: Iterable[Record], peer: str, measure: Any) -> dict[int, float]:
    """Give a peer's measure in each round."""
    return {one["round"]: measure(one) for one in select(records, peer=peer)}


def ratios(subject: dict[int, float], rival: dict[int, float]) -> list[float]:
    """Divide within each round."""
    return [subject[number] / rival[number] for number in subject if rival.get(number)]


def against_best(
    records: Sequence[Record], subject: str, rivals: Iterable[str], measure: Any
) -> tuple[str, Spread] | None:
    """Compare with the rival that is best in the median; None without one."""
    measured = {rival: by_round(records, rival, measure) for rival in rivals}
    medians = {
        rival: statistics.median(found.values()) for rival, found in measured.items() if found
    }
    own = by_round(records, subject, measure)
    if not medians or not own:
        return None
    best = min(medians, key=lambda rival: medians[rival])
    found = ratios(own, measured[best])
    return (best, spread(found)) if found else None


def _milliseconds(share: float | None) -> Any:
    """Give the measure of a latency: a percentile, or the median without a share."""

    def measure(record: Record) -> float:
        values = record["milliseconds"]
        return statistics.median(values) if share is None else percentile(values, share)

    return measure


LATENCIES = {"median": _milliseconds(None), "p99": _milliseconds(0.99)}


def at_full_rate(records: Sequence[Record], peer: str, fps: float) -> bool:
    """Whether every client of a peer has had nearly all frames, in every round."""
    own = select(records, peer=peer)
    return bool(own) and all(one.get("least_fps", 0) >= FULL_RATE * fps for one in own)


def cost_verdicts(
    records: Sequence[Record], size: str, fps: float, subject: str, rivals: Sequence[str]
) -> list[Verdict]:
    """Judge what webcapd costs, workload by workload; a film has ``fps`` frames a second.

    Rivals that drop frames of it (at 3840x2160, or on a small machine) count only where all do.
    """
    verdicts = []
    for workload, target in COST_TARGETS.items():
        lines = select(records, kind="cost", size=size, workload=workload)
        able = [rival for rival in rivals if at_full_rate(lines, rival, fps)]
        if compared := against_best(lines, subject, (workload in FILMS and able) or rivals, total):
            verdicts.append(Verdict(f"CPU, {workload}", *compared, target))
    return verdicts


def latency_verdicts(
    records: Sequence[Record], size: str, subject: str, rivals: Sequence[str]
) -> list[Verdict]:
    """Judge how fast a change is seen."""
    verdicts = []
    lines = select(records, kind="latency", size=size, barcode=None)
    for workload in distinct(lines, "workload"):
        for name, measure in LATENCIES.items():
            some = select(lines, workload=workload)
            if compared := against_best(some, subject, rivals, measure):
                what = f"latency {name}, {workload}"
                verdicts.append(Verdict(what, *compared, LATENCY_TARGETS[name]))
    return verdicts


def fan_out_verdicts(
    records: Sequence[Record], fps: float, subject: str, rivals: Sequence[str]
) -> list[Verdict]:
    """Judge many clients; rivals that drop frames count only where all do."""
    verdicts = []
    for count, target in FAN_OUT_TARGETS.items():
        lines = [one for one in select(records, kind="fan-out", clients=count) if "process" in one]
        able = [rival for rival in rivals if at_full_rate(lines, rival, fps)]
        if compared := against_best(lines, subject, able or rivals, total):
            rival, ratio = compared
            if not at_full_rate(lines, subject, fps):
                # Cheap because it drops frames is not cheap.
                ratio = Spread(math.inf, ratio.low, math.inf)
            verdicts.append(Verdict(f"{count} clients", rival, ratio, target))
    return verdicts


def floor_verdict(records: Sequence[Record], size: str, subject: str) -> list[Verdict]:
    """Judge *full* against what it must cost."""
    floors = {
        one["round"]: sum(one["steps"].values()) + max(0.0, one["server"])
        for one in select(records, kind="floor", size=size)
    }
    lines = select(records, kind="cost", size=size, workload="full")
    found = ratios(by_round(lines, subject, total), floors)
    return [Verdict("CPU, full", "the floor", spread(found), FLOOR_TARGET)] if found else []
