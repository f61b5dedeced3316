"""Results of scaling.py as one picture: age, and requests that reach us, by number of viewers."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

from figures import Record, select
from scale import table

# The same bytes for the same results.
matplotlib.rcParams.update({"svg.hashsalt": "webcapd", "svg.fonttype": "none", "font.size": 9})


def _way(record: Record) -> str:
    return f"{record['front']}, {record['lists']}"


def draw(records: Sequence[Record], path: Path) -> None:
    """Draw a column a workload: above the age (median, and p99 dashed), below the requests."""
    found = table.scales(records)
    names = [one for one in table.workloads(records) if len(select(found, workload=one)) > 3]
    figure, axes = pyplot.subplots(
        2, max(1, len(names)), figsize=(9, 6), layout="constrained", sharex=True, squeeze=False
    )
    colours = {one: f"C{index}" for index, one in enumerate(dict.fromkeys(map(_way, found)))}
    for column, name in enumerate(names):
        age, requests = axes[0][column], axes[1][column]
        lines = select(found, workload=name)
        for label in dict.fromkeys(map(_way, lines)):
            own = [one for one in lines if _way(one) == label]
            counts = [one["viewers"] for one in own]
            style = {"color": colours[label], "marker": "o"}
            age.plot(counts, [1000 * one["median"] for one in own], label=label, **style)
            age.plot(counts, [1000 * one["p99"] for one in own], linestyle="dashed", **style)
            requests.plot(counts, [table.reached(one) for one in own], **style)
            asked = [table.asked(one) for one in own]
            requests.plot(counts, asked, linestyle="dotted", **style)
        age.set_title(name)
        for one in (age, requests):
            one.set_xscale("log")
            one.set_yscale("log" if one is age else "symlog")
            one.grid(alpha=0.3)
        requests.set_ylim(bottom=0)
        requests.set_xlabel("viewers")
    axes[0][0].set_ylabel("age, ms: median, p99 dashed")
    axes[1][0].set_ylabel("requests/s: to us, of viewers dotted")
    handles = {
        label: handle
        for one in axes[0]
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=4)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
