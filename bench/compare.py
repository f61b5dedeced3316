"""Measure webcapd beside what one would take instead.

    script/bench                      everything, into docs/benchmarks.md
    script/bench --updates            those that send what changed, into the same page
    script/bench --viewers            500 and 1000 viewers, into the same page
    script/bench --quick              has anything become slower or larger?  Three minutes
    script/bench --workloads typing,full --peers webcapd,pixelflux --repeats 1 --no-docs
    script/bench --before DIR         beside an earlier webcapd, checked out there

Each round measures every peer, in another order each time, so that what drifts
falls on all; ratios are taken within a round.
"""

import argparse
import dataclasses
import itertools
import json
import os
import platform
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import before
import cost
import crowds
import figures
import floor
import frugal
import latency
import report
import updatetable
from figures import Record
from layout import put
from peers import ALWAYS, CHANGES, PEERS, SUBJECT, Peer, installed
from running import ROOT
from workload import NAMES

PAGE = ROOT / "docs/benchmarks.md"
RESULTS = ROOT / "docs/benchmarks.jsonl"
PLOT = ROOT / "docs/benchmarks.svg"

MAIN_SIZE = "1920x1080"
FAN_OUT_SIZE = "1280x720"
FAN_OUT_COUNTS = (1, 10, 50, 100, 200, 400, 500)

# What --quick allows, as ratios to the webcamd-like loop: what was measured,
# and room for a busy machine.
QUICK_RIVAL = "webcamd-like"
QUICK_COSTS = dict(idle=0.05, typing=0.12, cursor=0.3, scroll=0.55, video=0.5, full=1.2)
QUICK_LATENCIES = {"typing": 0.3, "video": 0.5}


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    peers: dict[str, Peer]
    sizes: list[str]
    workloads: list[str]
    latencies: list[str]
    barcodes: list[str]
    clients: list[int]
    seconds: float
    repeats: int
    floor: bool
    table: str | None = None
    """Whose table it is for, if not the first."""


def rotated(peers: Iterable[Peer], by: int) -> list[Peer]:
    """Give the peers, beginning with another one."""
    order = list(peers)
    cut = by % len(order)
    return order[cut:] + order[:cut]


def rounds(plan: Plan) -> Iterator[Record]:
    """Measure everything, round by round."""
    for number in range(plan.repeats):
        peers = rotated(plan.peers.values(), number)
        if plan.table == crowds.TABLE:
            for record in crowds.measured(peers, plan.seconds):
                yield {"round": number, **record}
            continue
        for size in plan.sizes:
            for record in one_size(plan, size, peers):
                yield {"round": number, "size": size, **record}
        if plan.clients:
            many = [peer for peer in peers if peer.many]
            for record in cost.fan_outs(FAN_OUT_SIZE, many, plan.clients, plan.seconds):
                yield {"round": number, "size": FAN_OUT_SIZE, "workload": "full", **record}


def one_size(plan: Plan, size: str, peers: list[Peer]) -> Iterator[Record]:
    """Measure the workloads at one size."""
    for name in plan.workloads:
        for record in cost.costs(name, size, peers, plan.seconds):
            yield {"workload": name, **record}
        if name == "full" and plan.floor:
            yield {"workload": name, **floor.floor(size, plan.seconds)}
    for name, code in itertools.product(plan.latencies, plan.barcodes):
        for record in latency.latencies(name, size, peers, plan.seconds, code):
            yield {"workload": name, **record}


def machine(peers: dict[str, Peer]) -> Record:
    """Say what this is measured on, and with what."""
    info = Path("/proc/cpuinfo").read_text()
    model = next((line for line in info.splitlines() if line.startswith("model name")), "")
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    versions = {name: peer.version() or "" for name, peer in peers.items()}
    if found := _output(["dpkg-query", "-W", "-f", "${Version}", "xvfb"]):
        versions["xvfb"] = found
    versions["opencv-python"] = metadata.version("opencv-python")
    return {
        "kind": "machine",
        "machine": f"{os.cpu_count()} processors ({model.partition(':')[2].strip()}), {system}, "
        f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}",
        "versions": versions,
    }


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def measure(plan: Plan) -> list[Record]:
    """Measure, and tell each figure as it comes."""
    run = time.strftime("%Y-%m-%d %H:%M")
    records = [{"run": run, **machine(plan.peers)}]
    shared = {"run": run} | ({"table": plan.table} if plan.table else {})
    for record in rounds(plan):
        records.append({**shared, **record})
        print(report.told(record), flush=True)
    return records


def group(record: Record) -> tuple[object, ...]:
    """Name the records that are compared with each other."""
    return tuple(
        record.get(key) for key in ("table", "kind", "size", "workload", "clients", "barcode")
    )


def merged(old: list[Record], new: list[Record]) -> list[Record]:
    """Replace what was measured anew, and keep the rest, with the machines it came from."""
    replaced = {group(one) for one in new}
    kept = [one for one in old if one["kind"] == "machine" or group(one) not in replaced]
    runs = {one["run"] for one in [*kept, *new] if one["kind"] != "machine"}
    return [one for one in [*kept, *new] if one["run"] in runs]


def main_of(sizes: list[str]) -> str:
    """Choose the size that targets and plot are of."""
    return MAIN_SIZE if MAIN_SIZE in sizes or not sizes else sizes[0]


def publish(new: list[Record]) -> None:
    """Write results, plot and page."""
    import plot  # Only here: --quick does without it.

    old = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    records = merged([json.loads(line) for line in old], new)
    main_size = main_of(figures.distinct(figures.select(records, kind="cost"), "size"))
    RESULTS.write_text("".join(json.dumps(record) + "\n" for record in records))
    plot.draw(figures.select(records, table=None), main_size, PLOT)
    put(PAGE, report.BEGIN, report.END, report.render(records, main_size, PLOT.name))
    print(f"written: {PAGE}, {RESULTS}, {PLOT}")


def quick() -> int:
    """Look for regressions; gives the exit code."""
    peers = installed([SUBJECT, QUICK_RIVAL])
    if len(peers) < 2:
        return 2
    plan = Plan(
        peers,
        [MAIN_SIZE],
        list(QUICK_COSTS),
        list(QUICK_LATENCIES),
        ["step"],
        [],
        2.5,
        1,
        floor=False,
    )
    return max(judge_quick(measure(plan)), frugal.judge(frugal.measured(MAIN_SIZE)))


def judge_quick(records: list[Record]) -> int:
    """Hold ratios against their bounds; gives the exit code."""
    found = []
    for name, bound in QUICK_COSTS.items():
        lines = figures.select(records, kind="cost", workload=name)
        if compared := figures.against_best(lines, SUBJECT, [QUICK_RIVAL], figures.total):
            found.append(figures.Verdict(f"CPU, {name}", *compared, bound))
    for name, bound in QUICK_LATENCIES.items():
        lines = figures.select(records, kind="latency", workload=name)
        value = figures.LATENCIES["median"]
        if compared := figures.against_best(lines, SUBJECT, [QUICK_RIVAL], value):
            found.append(figures.Verdict(f"latency, {name}", *compared, bound))
    print(report.verdict_table(found))
    whole = len(found) == len(QUICK_COSTS) + len(QUICK_LATENCIES)
    return 0 if whole and all(one.holds for one in found) else 1


def compare_with_before(plan: Plan, checkout: Path) -> int:
    """Measure beside an earlier checkout and nothing else; gives the exit code."""
    try:
        peers = {SUBJECT: PEERS[SUBJECT], before.NAME: before.peer_of(checkout)}
    except ValueError as error:
        return before.refuse(error)
    found = list(before.verdicts(measure(dataclasses.replace(plan, peers=peers, floor=False))))
    print(report.verdict_table(found))
    return 0 if all(one.holds for one in found) else 1


def words(text: str) -> list[str]:
    """Split at commas; nothing gives nothing."""
    return [word for word in text.split(",") if word]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="look for regressions, exit code 1")
    parser.add_argument(
        "--updates", action="store_true", help="the table of those that send what changed"
    )
    parser.add_argument(
        "--viewers", action="store_true", help="500 viewers beside GStreamer, and 1000"
    )
    parser.add_argument("--peers", type=words, help=",".join(PEERS))
    parser.add_argument("--workloads", type=words, default=list(NAMES), help=",".join(NAMES))
    parser.add_argument(
        "--latencies",
        type=words,
        help=f"the workloads to measure latency with: {','.join(latency.WORKLOADS)} (those chosen)",
    )
    parser.add_argument(
        "--barcode",
        type=words,
        default=list(latency.BARCODES),
        help="when what latency is measured by changes: step (with the workload), random",
    )
    parser.add_argument("--sizes", type=words, default=[MAIN_SIZE], help="WIDTHxHEIGHT,...")
    parser.add_argument(
        "--clients",
        type=lambda text: [int(word) for word in words(text)],
        help=f"the numbers of clients of *full* at {FAN_OUT_SIZE}",
    )
    parser.add_argument("--seconds", type=float, default=2.5, help="of each measurement")
    parser.add_argument("--repeats", type=int, default=3, help="rounds")
    parser.add_argument("--no-floor", action="store_true", help="leave out the floor of *full*")
    parser.add_argument("--no-docs", action="store_true", help="only print")
    parser.add_argument(
        "--before", type=Path, metavar="DIR", help="compare with this checkout only"
    )
    given = parser.parse_args()
    if given.peers is None:
        some = CHANGES if given.updates else ALWAYS
        given.peers = list(crowds.PEERS_NEEDED if given.viewers else some)
    if given.clients is None:
        given.clients = [] if given.updates else list(FAN_OUT_COUNTS)
    given.table = updatetable.TABLE if given.updates else crowds.TABLE if given.viewers else None
    if given.latencies is None:
        given.latencies = [name for name in latency.WORKLOADS if name in given.workloads]
    for name, known in (
        ("peers", PEERS),
        ("workloads", NAMES),
        ("latencies", NAMES),
        ("barcode", latency.BARCODES),
    ):
        for one in getattr(given, name):
            if one not in known:
                parser.error(f"--{name}: there is no {one!r}, only {', '.join(known)}")
    return given


def main() -> int:
    given = parse()
    if given.quick:
        return quick()
    plan = Plan(
        {} if given.before is not None else installed(given.peers),
        given.sizes,
        given.workloads,
        given.latencies,
        given.barcode,
        given.clients,
        given.seconds,
        given.repeats,
        floor=not (given.no_floor or given.updates),
        table=given.table,
    )
    if given.before is not None:
        return compare_with_before(plan, given.before)
    records = measure(plan)
    for part in report.summary(records, main_of(plan.sizes), plan.table):
        print(part)
    if not given.no_docs:
        publish(records)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
