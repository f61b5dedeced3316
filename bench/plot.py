"""Results as one picture: CPU and latency by workload, and CPU by number of clients."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

import figures
from figures import Record, distinct, select, spread
from peers import PEERS

# The same bytes for the same results.
matplotlib.rcParams.update({"svg.hashsalt": "webcapd", "svg.fonttype": "none", "font.size": 9})


def there(lines: Sequence[Record]) -> list[str]:
    """Give the peers in these records, in their usual order."""
    return [name for name in PEERS if select(lines, peer=name)]


def colour(peer: str) -> str:
    """Give a peer's colour, the same in every part."""
    return f"C{list(PEERS).index(peer)}"


def bars(axes: Any, lines: Sequence[Record], measure: Callable[[Record], float]) -> None:
    """Draw a group of bars a workload, one a peer."""
    workloads, peers = distinct(lines, "workload"), there(lines)
    width = 0.8 / max(1, len(peers))
    for place, peer in enumerate(peers):
        heights = []
        for workload in workloads:
            own = select(lines, workload=workload, peer=peer)
            heights.append(spread(map(measure, own)).median if own else 0.0)
        middles = [
            group + (place - (len(peers) - 1) / 2) * width for group in range(len(workloads))
        ]
        axes.bar(middles, heights, width, label=peer, color=colour(peer))
    axes.set_yscale("log")
    axes.set_xticks(range(len(workloads)), workloads)
    axes.grid(axis="y", alpha=0.3)


def curves(axes: Any, lines: Sequence[Record]) -> None:
    """Draw a line a peer over the number of clients."""
    for peer in there(lines):
        own = [one for one in select(lines, peer=peer) if "process" in one]
        counts = sorted(set(distinct(own, "clients")))
        costs = [spread(map(figures.total, select(own, clients=count))).median for count in counts]
        axes.plot(counts, costs, marker="o", label=peer, color=colour(peer))
    axes.set_xscale("symlog")
    axes.set_yscale("log")
    axes.set_xlabel("clients")
    axes.grid(alpha=0.3)


def draw(records: Sequence[Record], size: str, path: Path) -> None:
    """Draw what there is."""
    figure, (cpu, delay, many) = pyplot.subplots(3, 1, figsize=(8, 10), layout="constrained")
    bars(cpu, select(records, kind="cost", size=size), figures.total)
    cpu.set_title(f"CPU seconds a second, process and X server, {size}")
    bars(
        delay, select(records, kind="latency", size=size, barcode=None), figures.LATENCIES["median"]
    )
    delay.set_title(f"From request to last byte, ms, median, {size}")
    curves(many, select(records, kind="fan-out"))
    many.set_title("CPU seconds a second, full, by number of clients")
    figure.legend(*cpu.get_legend_handles_labels(), loc="outside upper center", ncols=6)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
