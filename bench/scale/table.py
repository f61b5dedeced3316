"""Results of scaling.py to the generated part of docs/scale.md.  Pure, but for writing it."""

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import layout
from figures import Record, distinct, select
from layout import number, octets, put
from scale import model
from scale.model import Load, Taken

BEGIN = "<!-- script/bench --scale writes from here -->"
END = "<!-- script/bench --scale writes to here -->"

MILLION = 1_000_000

_KINDS = ("manifests", "groups")

# Of one processor for who has one thread, and what is left idle of all: from then on what
# is measured is how all that waits for itself.
_FULL, _IDLE = 0.85, 0.1

# Seconds of all processors for one version: what waits so long for them is late, though they
# rest until the next one; and a list lives for 1 s.
_LONG = 0.25

# Of requests for lists and groups: so many for manifests, and names are not what was measured.
_MUCH = 0.01


def asked(record: Record) -> float:
    """Give the requests a second of all viewers, for lists and groups."""
    return float(sum(record["requests"].get(kind, 0.0) for kind in _KINDS))


def reached(record: Record) -> float:
    """Give how many of these reached us."""
    return float(sum(record["origin"].get(kind, 0.0) for kind in _KINDS))


def repeated(record: Record) -> float:
    """Give how many requests reached us for each version and object that was asked for."""
    made = sum(record["all_different"].get(kind, 0) for kind in _KINDS)
    return sum(record["all_origin"].get(kind, 0) for kind in _KINDS) / made if made else 0.0


def limit(record: Record) -> str:
    """Name what was full; nothing where all had room, and lists came as they were to."""
    full = _full(record) or _given_up(record)
    return full if record["shown"] else f"{full or 'unknown'}: most viewers saw no version in time"


def _full(record: Record) -> str:
    cpu = record["cpu"]
    if cpu["viewers"] > _FULL:
        return "the load program"
    if record["idle"] < _IDLE:
        if sum(cpu.values()) < record["processors"] / 2:
            return "other programs"
        return f"the processors, most for {max(cpu, key=lambda name: float(cpu[name]))}"
    if record["versions"]:
        each = sum(cpu.values()) / record["versions"] / record["processors"]
        if each > _LONG:
            return f"the processors, {each:.1f} s for each version"
    return ""


def _given_up(record: Record) -> str:
    """Tell of viewers of names that took manifests, as they came to be late."""
    by_manifest = record["requests"].get("manifests", 0.0)
    is_much = record["lists"] == "names" and by_manifest > _MUCH * asked(record)
    return "late when they all came, and by manifests since" if is_much else ""


def taken(record: Record) -> Taken:
    """Tell what one viewer took of a version."""
    seen = record["viewers"] * record["shown"]
    return Taken(asked(record) / seen, record["bytes"] / seen, record["stream_bytes"] / seen)


def scales(records: Iterable[Record]) -> list[Record]:
    """Give the points that were measured."""
    return [one for one in select(records, kind="scale") if "failed" not in one]


def merged(old: Iterable[Record], new: Iterable[Record]) -> list[Record]:
    """Put what was measured anew in the place of the same before; the rest stays as it was."""
    what = ("kind", "workload", "front", "lists", "viewers")
    machine, *found = {tuple(map(one.get, what)): one for one in (*old, *new)}.values()
    workloads = distinct(found, "workload")
    fronts = list(dict.fromkeys((one.get("front"), one.get("lists")) for one in found))

    def place(one: Record) -> tuple[int, int, int]:
        front = fronts.index((one.get("front"), one.get("lists")))
        return workloads.index(one["workload"]), front, one.get("viewers", 0)

    return [machine, *sorted(found, key=place)]


class Way(NamedTuple):
    """What was measured of one workload in one way."""

    workload: str
    front: str
    lists: str
    taken: Taken
    """The mean of the points at which nothing was full; else of the one with fewest viewers."""
    versions: float
    """Made a second, likewise."""


def ways(records: Iterable[Record]) -> Iterator[Way]:
    """Give what the model starts from."""
    found = scales(records)
    for key in dict.fromkeys((one["workload"], one["front"], one["lists"]) for one in found):
        # Where the machine was so full that nobody saw a version in time, there is nothing to tell.
        same = [
            one
            for one in found
            if (one["workload"], one["front"], one["lists"]) == key and one["shown"]
        ]
        if not same:
            continue
        few = min(same, key=lambda one: int(one["viewers"]))
        free = [one for one in same if not limit(one)] or [few]
        each = [taken(one) for one in free]
        yield Way(
            *key,
            Taken(
                statistics.mean(one.requests for one in each),
                statistics.mean(one.bytes for one in each),
                statistics.mean(one.stream_bytes for one in each),
            ),
            statistics.mean(one["versions"] for one in free),
        )


def predicted(records: Iterable[Record], record: Record) -> Load:
    """Tell what the model says of a point, from its way and how many versions were seen."""
    key = (record["workload"], record["front"], record["lists"])
    (way,) = (one for one in ways(records) if one[:3] == key)
    return model.load(way.taken, record["shown"], record["viewers"])


def _milliseconds(seconds: float) -> str:
    # Of no version at all there is no age.
    return "none" if math.isnan(seconds) else f"{1000 * seconds:.0f}"


def _row(record: Record) -> list[str]:
    name = f"{record['front']}, {record['lists']}"
    head = [record["workload"], name, f"{record['viewers']}"]
    if "failed" in record:
        return [*head, record["failed"], *[""] * 7]
    cpu = record["cpu"]
    whole = asked(record)
    return [
        *head,
        f"{record['versions']:.1f} / {record['shown']:.1f}",
        f"{_milliseconds(record['median'])} / {_milliseconds(record['p99'])}",
        f"{repeated(record):.2f}",
        f"{100 * max(0.0, 1 - reached(record) / whole):.2f} %" if whole else "",
        number(whole),
        octets(record["bytes"]),
        " / ".join(f"{cpu[who]:.2f}" for who in ("webcapd", "cache", "viewers")),
        limit(record),
    ]


_HEAD = (
    *("workload", "front, lists", "viewers", "versions/s, made / shown"),
    *("age, ms, median / p99", "requests to us a version or object", "hits"),
    *("requests/s to the cache", "bytes from it", "CPU s/s: webcapd / cache / viewers", "limit"),
)


def measured(records: Sequence[Record]) -> str:
    """Lay out all points."""
    return layout.table(_HEAD, map(_row, select(records, kind="scale")))


def million(records: Sequence[Record]) -> str:
    """Lay out what the model says of a million viewers."""
    rows = []
    for way in ways(records):
        load = model.load(way.taken, way.versions, MILLION)
        (frames,) = select(records, kind="mjpeg", workload=way.workload)
        streams = model.mjpeg(frames["bytes"], MILLION)
        rows.append(
            [
                way.workload,
                f"{way.front}, {way.lists}",
                _thousands(load.edge_requests),
                _giga(load.edge_bytes),
                f"{load.origin_requests:.1f}",
                octets(load.origin_bytes) if load.origin_bytes < 1e9 else _giga(load.origin_bytes),
                _giga(streams.edge_bytes),
                f"{streams.edge_bytes / load.edge_bytes:.0f}",
            ]
        )
    head = ["workload", "front, lists", "requests/s at the edge", "bytes/s there"]
    head += ["requests/s to us", "bytes/s from us", "a million MJPEG streams", "times less"]
    return layout.table(head, rows)


def _thousands(value: float) -> str:
    return f"{value / 1e6:.2f} million"


def _giga(value: float) -> str:
    return f"{value / 1e9:.1f} GB/s"


def rendered(records: Sequence[Record]) -> str:
    """Write all tables."""
    parts = [measured(records)]
    if scales(records):
        parts += ["### A million viewers, by the model\n", million(records)]
    return "\n".join(parts)


def _when(records: Sequence[Record]) -> str:
    """Tell when all was measured, and what of it was before the last run."""
    (machine,) = select(records, kind="machine")
    points, last = select(records, kind="scale"), machine["run"]
    before = [one for one in distinct(points, "run") if one != last]
    rest = (f"{', '.join(distinct(select(points, run=one), 'workload'))} {one}" for one in before)
    return f"{last} ({'; '.join(rest)})" if before else str(last)


def write(page: Path, records: Sequence[Record], plot: str) -> None:
    """Put the generated part in its place on a page."""
    (machine,) = select(records, kind="machine")
    versions = "; ".join(f"{name}: {one}" for name, one in machine["versions"].items())
    machines = f"{_when(records)}: {machine['machine']}. {versions}.\n"
    picture = f"![Age of the picture and requests to us, by number of viewers]({plot})"
    text = "\n".join((machines, f"{picture}\n", rendered(records)))
    put(page, BEGIN, END, text)


def told(record: Record) -> str:
    """Write a record for somebody who watches."""
    if record["kind"] == "mjpeg":
        return f"{record['workload']}: an MJPEG stream is {octets(record['bytes'])}"
    return "  ".join(filter(None, _row(record)))


def workloads(records: Sequence[Record]) -> list[str]:
    """Name those that were measured, in their order."""
    return distinct(scales(records), "workload")
