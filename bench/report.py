"""Results to the generated part of docs/benchmarks.md.  Pure, but for writing it."""

import math
from collections.abc import Iterator, Sequence

import crowds
import figures
import updatetable
from figures import Record, Verdict, distinct, select, spread
from latency import WORKLOADS as WITH_LATENCY
from layout import around, octets, table
from peers import PEERS, RIVALS, SUBJECT
from workload import FULL_FPS

BEGIN = "<!-- side by side: script/bench writes from here -->"
END = "<!-- side by side: script/bench writes to here -->"


def verdicts(records: Sequence[Record], size: str) -> list[Verdict]:
    """Judge everything that there is a target for, at the main size, but for updates."""
    records = select(records, table=None)
    return [
        *figures.cost_verdicts(records, size, FULL_FPS, SUBJECT, RIVALS),
        *figures.latency_verdicts(records, size, SUBJECT, RIVALS),
        *figures.fan_out_verdicts(records, FULL_FPS, SUBJECT, RIVALS),
        *figures.floor_verdict(records, size, SUBJECT),
    ]


def verdict_table(found: Sequence[Verdict]) -> str:
    rows = (
        (
            one.what,
            around(one.ratio) if one.ratio.median < math.inf else "drops frames",
            one.rival,
            f"≤ {one.target:g}",
            "yes" if one.holds else "no",
        )
        for one in found
    )
    return table(("", "ratio", "to", "target", "holds"), rows)


def _peers(records: Sequence[Record]) -> list[str]:
    """Give the peers in these records, in their usual order."""
    there = set(distinct(records, "peer"))
    return [name for name in PEERS if name in there]


def cost_table(records: Sequence[Record], size: str) -> str:
    lines = select(records, kind="cost", size=size)
    peers = _peers(lines)

    def cell(workload: str, peer: str) -> str:
        own = select(lines, workload=workload, peer=peer)
        if not own:
            return ""
        process = spread(one["process"] for one in own).median
        server = spread(one["server"] for one in own).median
        return f"**{around(spread(map(figures.total, own)))}** = {process:.4f} + {server:.4f}"

    rows = [[name, *(cell(name, peer) for peer in peers)] for name in distinct(lines, "workload")]
    return table(["workload", *peers], rows)


def delivery_table(records: Sequence[Record], size: str) -> str:
    lines = select(records, kind="cost", size=size)
    peers = _peers(lines)

    def cell(workload: str, peer: str) -> str:
        own = select(lines, workload=workload, peer=peer)
        if not own:
            return ""
        fps = spread(one["fps"] for one in own).median
        return f"{fps:.1f} fps, {octets(spread(map(figures.octets, own)).median)}"

    rows = [[name, *(cell(name, peer) for peer in peers)] for name in distinct(lines, "workload")]
    memory = [spread(one["memory"] for one in select(lines, peer=peer)).high for peer in peers]
    rows.append(["most memory", *(f"{held / 1e6:.0f} MB" for held in memory)])
    return table(["workload", *peers], rows)


def latency_table(records: Sequence[Record], size: str, code: str | None) -> str:
    lines = select(records, kind="latency", size=size, barcode=code)
    peers = _peers(lines)

    def cell(workload: str, peer: str) -> str:
        own = select(lines, workload=workload, peer=peer)
        parts = (around(spread(map(measure, own))) for measure in figures.LATENCIES.values())
        return " / ".join(parts) if own else ""

    there = distinct(lines, "workload")
    rows = [[name, *(cell(name, peer) for peer in peers)] for name in WITH_LATENCY if name in there]
    return table(["workload", *peers], rows)


def fan_out_table(records: Sequence[Record]) -> str:
    lines = select(records, kind="fan-out")
    peers = _peers(lines)

    def cell(count: int, peer: str) -> str:
        own = [one for one in select(lines, clients=count, peer=peer) if "process" in one]
        if not own:
            return "failed" if select(lines, clients=count, peer=peer) else ""
        least = min(one["least_fps"] for one in own)
        return f"{around(spread(map(figures.total, own)))}, {least:.1f} fps"

    rows = [
        [str(count), *(cell(count, peer) for peer in peers)] for count in distinct(lines, "clients")
    ]
    return table(["clients", *peers], rows)


def floor_line(records: Sequence[Record], size: str) -> str:
    lines = select(records, kind="floor", size=size)
    steps = {step: spread(one["steps"][step] for one in lines).median for step in lines[0]["steps"]}
    server = spread(one["server"] for one in lines).median
    parts = ", ".join(f"{step} {spent:.4f}" for step, spent in steps.items())
    whole = sum(steps.values()) + max(0.0, server)
    return f"{parts}, the X server's part {server:.4f}: together {whole:.3f}.\n"


def machine_lines(records: Sequence[Record]) -> str:
    """Say where and when it was measured, and with what."""
    runs = set(distinct([one for one in records if one["kind"] != "machine"], "run"))
    lines = []
    for one in select(records, kind="machine"):
        if one["run"] in runs:
            versions = "; ".join(f"{name}: {version}" for name, version in one["versions"].items())
            lines.append(f"{one['run']}: {one['machine']}. {versions}.\n")
    return "\n".join(lines)


def render(records: Sequence[Record], main_size: str, plot: str) -> str:
    """Write the whole generated part."""
    beside = [*crowds_part(records), *updates_part(records)]
    parts = [machine_lines(records), f"![CPU, latency and fan-out, peer by peer]({plot})\n"]
    records = select(records, table=None)
    sizes = distinct(select(records, kind="cost"), "size")
    for size in sorted(sizes, key=main_size.__ne__):
        # Many clients are judged once.
        some = records if size == main_size else select(records, size=size)
        if found := verdicts(some, size):
            parts += [f"### Targets, at {size}\n", verdict_table(found)]
    for size in sizes:
        parts += [f"### CPU seconds a second, {size}\n", cost_table(records, size)]
        parts += [f"### Delivered, {size}\n", delivery_table(records, size)]
        for code, where in ((None, ""), ("random", ", changes at random moments")):
            if select(records, kind="latency", size=size, barcode=code):
                title = f"### Latency, ms, median / p99, {size}{where}\n"
                parts += [title, latency_table(records, size, code)]
        if select(records, kind="floor", size=size):
            parts += [f"### The floor of *full*, {size}\n", floor_line(records, size)]
    if fan_outs := select(records, kind="fan-out"):
        size = fan_outs[0]["size"]
        parts += [f"### Many clients, *full* at {size}\n", fan_out_table(records)]
    return "\n".join([*parts, *beside])


def summary(records: Sequence[Record], size: str, kind: str | None) -> Iterator[str]:
    """Judge what was just measured, for one of the tables or for the rest."""
    if kind == crowds.TABLE:
        yield from crowds_part(records)
    elif kind == updatetable.TABLE:
        yield verdict_table(updatetable.verdicts(records, size))
        yield updatetable.rendered(records, size)
    else:
        yield verdict_table(verdicts(records, size))


def crowds_part(records: Sequence[Record]) -> Iterator[str]:
    """Write the part on hundreds of viewers."""
    if select(records, table=crowds.TABLE):
        yield "### Hundreds of viewers\n"
        yield verdict_table(crowds.verdicts(records))
        yield crowds.rendered(records)


def updates_part(records: Sequence[Record]) -> Iterator[str]:
    """Write the part on those that send what changed."""
    for size in distinct(select(records, table=updatetable.TABLE), "size"):
        yield f"### Only what changed, {size}\n"
        yield verdict_table(updatetable.verdicts(records, size))
        yield updatetable.rendered(records, size)


def told(record: Record) -> str:
    """Write a record for somebody who watches."""
    words = [f"round {record['round'] + 1}", record["size"], record["workload"]]
    words += [f"{record.get('peer', record['kind']):16}"]
    if record["kind"] == "latency":
        found = (f"{name} {value(record):.1f} ms" for name, value in figures.LATENCIES.items())
        words += [record["barcode"]] if "barcode" in record else []
        return "  ".join([*words, *found, f"of {len(record['milliseconds'])}"])
    if record["kind"] == "fidelity":
        found = (f"PSNR of {name} {record[name]:.1f} dB" for name in ("colours", "brightness"))
        return "  ".join([*words, *found])
    if record["kind"] == "floor":
        steps = (f"{step} {spent:.4f}" for step, spent in record["steps"].items())
        return "  ".join([*words, *steps, f"X server {record['server']:.4f}"])
    if "failed" in record:
        return "  ".join([*words, f"{record['clients']} clients", record["failed"]])
    if "clients" in record:
        words.append(f"{record['clients']} clients")
    return "  ".join(
        [
            *words,
            f"{record['process']:.4f} + {record['server']:.4f}",
            f"{record['fps']:.1f} fps (least {record['least_fps']:.1f})",
            octets(record["bytes"]),
            f"{record['memory'] / 1e6:.0f} MB held",
        ]
    )
