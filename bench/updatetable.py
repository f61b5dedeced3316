"""Those that send what changed, side by side: targets, and the table of them.  Pure.

Measured by ``script/bench --updates``, apart from the rest: records have ``"table": "updates"``.
"""

from collections.abc import Callable, Sequence

import figures
from figures import Record, Verdict, distinct, select, spread
from layout import around, octets, table
from peers import (
    CHANGES,
    FFMPEG_H264,
    PEERS,
    SUBJECT,
    TIGERVNC,
    UPDATES,
    UPDATES_80,
    UPDATES_VIDEO,
)
from workload import NAMES

Measure = Callable[[Record], float]

TABLE = "updates"

STREAM_COST = 1.1
"""CPU of updates, of any workload, as a ratio to frames'."""
COSTS = {"scroll": 0.7, "video": 0.7}
"""As ratios to TigerVNC."""
BYTES = {"typing": 1.0, "cursor": 0.05, "scroll": 0.05}
"""As ratios to TigerVNC; of video at an equal error, of full as a ratio to frames."""
VIDEO_BYTES, VIDEO_ERROR, FULL_BYTES = 0.85, 1.0, 1.0
H264_COSTS = {"video": 0.3, "full": 0.8}
"""CPU of updates with video, as ratios to ffmpeg's x11grab and libx264."""
H264_BYTES = {"video": 0.5, "full": 0.5, "typing": 1.1, "scroll": 1.1}
"""Bytes of updates with video, as ratios to those without."""
REST_LATENCY = 0.3
RANDOM_MILLISECONDS = {
    ("typing", "p99", SUBJECT): 10.0,
    ("video", "median", UPDATES): 6.0,
    ("video", "p99", UPDATES): 15.0,
    ("full", "median", UPDATES): 6.0,
    ("full", "p99", UPDATES): 15.0,
}
"""With barcodes at random moments."""


def error(record: Record) -> float:
    """Give the mean squared error of brightness, of a PSNR; in units of the full range."""
    return float(10 ** (-record["brightness"] / 10))


def verdicts(records: Sequence[Record], size: str) -> list[Verdict]:
    """Judge updates beside frames and TigerVNC."""
    found: list[Verdict] = []
    own = select(records, table=TABLE, size=size)

    def judge(
        what: str, subject: str, rival: str, measure: Measure, target: float, **which: object
    ) -> None:
        if compared := figures.against_best(select(own, **which), subject, [rival], measure):
            found.append(Verdict(f"{what}", *compared, target))

    costs = {"kind": "cost"}
    for name in distinct(select(own, **costs), "workload"):
        judge(f"CPU, {name}", UPDATES, SUBJECT, figures.total, STREAM_COST, **costs, workload=name)
    for name, most in COSTS.items():
        judge(f"CPU, {name}", UPDATES, TIGERVNC, figures.total, most, **costs, workload=name)
    for name, most in BYTES.items():
        judge(f"bytes, {name}", UPDATES, TIGERVNC, figures.octets, most, **costs, workload=name)
    film = {"workload": "video"}
    judge("bytes, video", UPDATES_80, TIGERVNC, figures.octets, VIDEO_BYTES, **costs, **film)
    judge("error, video", UPDATES_80, TIGERVNC, error, VIDEO_ERROR, kind="fidelity")
    judge("bytes, full", UPDATES, SUBJECT, figures.octets, FULL_BYTES, **costs, workload="full")
    for name, most in H264_COSTS.items():
        measure = figures.total
        judge(f"CPU, {name}", UPDATES_VIDEO, FFMPEG_H264, measure, most, **costs, workload=name)
    for name, most in H264_BYTES.items():
        measure = figures.octets
        judge(f"bytes, {name}", UPDATES_VIDEO, UPDATES, measure, most, **costs, workload=name)
    rest = {"kind": "latency", "barcode": None, "workload": "idle"}
    median = figures.LATENCIES["median"]
    judge("latency median, idle", UPDATES, TIGERVNC, median, REST_LATENCY, **rest)
    return found + _at_random(own)


def _at_random(records: Sequence[Record]) -> list[Verdict]:
    """Judge by bounds in milliseconds, for changes at random moments."""
    lines = select(records, kind="latency", barcode="random")
    return [
        Verdict(
            f"latency {name}, {workload}, at random, {peer}",
            f"{bound:g} ms",
            spread(figures.LATENCIES[name](one) / bound for one in own),
            1.0,
        )
        for (workload, name, peer), bound in RANDOM_MILLISECONDS.items()
        if (own := select(lines, workload=workload, peer=peer))
    ]


def _latency(some: Sequence[Record]) -> str:
    both = (around(spread(map(measure, some))) for measure in figures.LATENCIES.values())
    return " / ".join(both)


ROWS: dict[str, tuple[dict[str, object], Callable[[Sequence[Record]], str]]] = {
    "bytes": ({"kind": "cost"}, lambda some: octets(spread(map(figures.octets, some)).median)),
    "CPU, s/s": ({"kind": "cost"}, lambda some: around(spread(map(figures.total, some)))),
    "latency, ms": ({"kind": "latency", "barcode": None}, _latency),
    "at random": ({"kind": "latency", "barcode": "random"}, _latency),
    "PSNR of brightness, dB": (
        {"kind": "fidelity"},
        lambda some: around(spread(one["brightness"] for one in some)),
    ),
    "PSNR of colours, dB": (
        {"kind": "fidelity"},
        lambda some: around(spread(one["colours"] for one in some)),
    ),
}


def rendered(records: Sequence[Record], size: str) -> str:
    """Lay out bytes, CPU and latency by workload; nothing if they were not measured."""
    lines = select(records, table=TABLE, size=size)
    there = set(distinct(lines, "peer"))
    peers = [name for name in dict.fromkeys((*CHANGES, *PEERS)) if name in there]
    rows = []
    for name in NAMES:
        for what, (which, tell) in ROWS.items():
            some = select(lines, workload=name, **which)
            cells = [tell(own) if (own := select(some, peer=peer)) else "" for peer in peers]
            rows += [[name, what, *cells]] if some else []
    return table(["workload", "", *peers], rows) if rows else ""
