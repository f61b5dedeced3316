"""webcapd beside an earlier one, checked out elsewhere: is anything slower now."""

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import figures
from figures import Record, Verdict
from peers import PEERS, SUBJECT, Peer, Scene

NAME = "before"

# What a line may cost more than before; medians of some rounds scatter by less.
_MAX_RATIO = 1.03


def peer_of(checkout: Path) -> Peer:
    """Make a peer of another checkout, run as the one under test is; raises ValueError."""
    program = checkout.resolve() / "webcapd.py"
    if not program.is_file():
        raise ValueError(f"{program} is not there")
    subject = PEERS[SUBJECT]

    def command(scene: Scene) -> list[str]:
        python, safe, _, *options = subject.command(scene)
        return [python, safe, str(program), *options]

    return dataclasses.replace(subject, name=NAME, command=command)


def verdicts(records: Sequence[Record]) -> Iterator[Verdict]:
    """Compare each line with the same one of before."""
    measures = {"cost": {"CPU": figures.total}, "latency": figures.LATENCIES}
    lines: dict[tuple[Any, ...], list[Record]] = {}
    for one in records:
        if one["kind"] in measures:
            key = (
                one["kind"],
                one["workload"],
                one["size"],
                one.get("clients"),
                one.get("barcode"),
            )
            lines.setdefault(key, []).append(one)
    for (kind, workload, size, clients, code), same in lines.items():
        where = f"{workload} {size}" + (f", {clients} clients" if clients else "")
        where += f", {code}" if code else ""
        for name, measure in measures[kind].items():
            if found := figures.against_best(same, SUBJECT, [NAME], measure):
                yield Verdict(f"{name}, {where}", *found, _MAX_RATIO)


def refuse(error: ValueError) -> int:
    print(f"script/bench: --before: {error}", file=sys.stderr)
    return 2
