"""Results to the generated part of docs/benchmarks.md.  Pure, but for writing it."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import figures
from figures import Record, Spread, Verdict, distinct, select, spread
from latency import WORKLOADS as WITH_LATENCY
from peers import PEERS, RIVALS, SUBJECT, TIGERVNC, UPDATES
from workload import FULL_FPS

BEGIN = "<!-- side by side: script/bench writes from here -->"
END = "<!-- side by side: script/bench writes to here -->"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def number(value: float) -> str:
    """Write a number with as many digits as matter here."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


def octets(a_second: float) -> str:
    """Write bytes a second."""
    unit, name = (1e6, "MB/s") if a_second >= 1e5 else (1e3, "KB/s")
    return f"{a_second / unit:.1f} {name}"


def around(values: Spread) -> str:
    """Write a median and its spread."""
    if values.low == values.high:
        return number(values.median)
    return f"{number(values.median)} ({number(values.low)}–{number(values.high)})"  # noqa: RUF001


def verdicts(records: Sequence[Record], size: str) -> list[Verdict]:
    """Judge everything that there is a target for, at the main size."""
    return [
        *figures.cost_verdicts(records, size, SUBJECT, RIVALS),
        *figures.latency_verdicts(records, size, SUBJECT, RIVALS),
        *figures.fan_out_verdicts(records, FULL_FPS, SUBJECT, RIVALS),
        *figures.floor_verdict(records, size, SUBJECT),
        *figures.update_verdicts(records, size, (UPDATES, SUBJECT, TIGERVNC)),
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
    sizes = distinct(select(records, kind="cost"), "size")
    parts = [machine_lines(records), f"![CPU, latency and fan-out, peer by peer]({plot})\n"]
    if found := verdicts(records, main_size):
        parts += [f"### Targets, at {main_size}\n", verdict_table(found)]
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
    return "\n".join(parts)


def write(page: Path, generated: str) -> None:
    """Put the generated part in its place on a page."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{page} lacks the lines between which this goes")
    page.write_text(f"{before}{BEGIN}\n\n{generated}\n{END}{after}")
