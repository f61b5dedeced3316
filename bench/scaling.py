"""Measure a screen out of HTTP caches, with more and more viewers.

    script/bench --scale                  all, into docs/scale.md: some minutes
    script/bench --scale --seconds 2      each point shorter
    script/bench --scale --quick          few points, and only printed
    script/bench --scale --workloads typing --fronts varnish --lists manifests --viewers 1000
                                          one row: all others stay as they are on the page

A webcapd draws its screen from an Xvfb; nginx or Varnish stands before it with
the file that is shipped; simulated viewers, each with a cache of its own,
fetch all that a page fetches, over loopback and HTTP/1.1.  Everything shares
one machine: where a processor is full, the row says whose.
"""

import argparse
import http.client
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import compare
import peers
from figures import Record
from running import ROOT, running, tree_cpu_seconds, workload, x_server
from scale import fronts, table
from scale.fronts import Front
from scale.origin import Origin, origin

PAGE = ROOT / "docs/scale.md"
RESULTS = ROOT / "docs/scale.jsonl"
PLOT = ROOT / "docs/scale.svg"

SIZE = "1920x1080"
WORKLOADS = ("typing", "scroll", "video")
VIEWERS = (1, 30, 300, 1000)
QUICK_VIEWERS = (1, 30)
MANY = ("status", 10000)
"""The screen that changes each 5 s, and how many watch it."""
MANY_SECONDS = 15.0

_SETTLE = 1.0
# As many more viewers, a second longer: the whole pictures that they came with must drain.
_SETTLED_A_SECOND = 300
# What was made in a measurement must be seen before the ages are told.
_LAST_SEEN = 1.0
# Many viewers have much to add up, beside all that they do.
_ANSWER_SECONDS = 60.0


class Way(NamedTuple):
    """A front, and how lists come through it."""

    front: str
    lists: str
    workloads: tuple[str, ...] = (*WORKLOADS, MANY[0])


WAYS = (
    Way("nginx", "names", WORKLOADS),
    # Its lock makes lists late: shown once, and where nobody minds.
    Way("nginx", "manifests", ("typing", MANY[0])),
    Way("varnish", "manifests"),
)
LISTS = tuple(dict.fromkeys(way.lists for way in WAYS))

FAILURES = (SystemExit, OSError, ValueError, http.client.HTTPException)
"""A program that has not started, has ended, or has said something else than it should."""

_VERSION = {"nginx": ("nginx", "-v"), "varnish": ("varnishd", "-V")}
_FRONTS: dict[str, Callable[[Path, Path], AbstractContextManager[Front]]] = {
    "nginx": fronts.nginx,
    "varnish": fronts.varnish,
}


class Crowd:
    """Viewers in a process of their own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def tell(self, line: str = "") -> Any:
        """Ask it; raises SystemExit with what it says where that is no answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        # One line for one: nothing is left in the buffer.
        if not select.select([self._process.stdout], [], [], _ANSWER_SECONDS)[0]:
            raise SystemExit(f"the viewers have not answered for {_ANSWER_SECONDS:.0f} s")
        answer = self._process.stdout.readline()
        if not answer.startswith("{"):
            rest = self._process.stdout.read() if self._process.poll() is not None else ""
            raise SystemExit(f"the viewers have ended: {answer}{rest}")
        return json.loads(answer)


@contextmanager
def crowd(front: Front, lists: str, viewers: int) -> Iterator[Crowd]:
    """Have viewers watch; the context begins when all have had a picture."""
    command = (sys.executable, "-m", "scale.crowd", str(front.port), lists, str(viewers))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "bench")}
    with running("watching", *command, environment=environment) as (process, _):
        yield Crowd(process)


def idle_seconds() -> float:
    """Tell the seconds so far in which a processor had nothing to do, of all together."""
    spent = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return int(spent[4]) / os.sysconf("SC_CLK_TCK")


def measure(
    source: Origin, front: Front, server: int, lists: str, viewers: int, seconds: float
) -> Record:
    """Measure one number of viewers."""
    begun = source.asked()
    with crowd(front, lists, viewers) as watching:
        time.sleep(_SETTLE + min(viewers / _SETTLED_A_SECOND, 10.0))
        pids = {"webcapd": source.pid, "cache": front.pid, "X server": server}
        before = {name: tree_cpu_seconds(pid) for name, pid in pids.items()}
        asked, first, idle = source.asked(), watching.tell(), idle_seconds()
        time.sleep(seconds)
        idle, last, reached = idle_seconds() - idle, watching.tell(), source.asked()
        after = {name: tree_cpu_seconds(pid) for name, pid in pids.items()}
        time.sleep(_LAST_SEEN)
        all_different, all_origin = watching.tell()["different"], source.asked() - begun
        seen = watching.tell(f"{first['moment']} {last['moment']}")
    elapsed = last["moment"] - first["moment"]

    def rates(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
        return {key: (other[key] - one.get(key, 0)) / elapsed for key in other}

    return {
        "cpu": rates(before, after) | {"viewers": (last["cpu"] - first["cpu"]) / elapsed},
        "bytes": (last["bytes"] - first["bytes"]) / elapsed,
        "stream_bytes": (last["stream_bytes"] - first["stream_bytes"]) / elapsed,
        "requests": rates(first["requests"], last["requests"]),
        "different": rates(first["different"], last["different"]),
        "origin": rates(asked, reached),
        "all_different": all_different,
        "all_origin": dict(all_origin),
        "processors": (processors := os.cpu_count() or 1),
        "idle": idle / elapsed / processors,
        **seen,
    }


def points(given: argparse.Namespace) -> Iterator[Record]:
    """Measure everything."""
    for name in given.workloads:
        chosen = [one for one in WAYS if is_chosen(given, name, one)]
        if not chosen:
            continue
        try:
            with (
                tempfile.TemporaryDirectory() as place,
                x_server(SIZE) as (display, server),
                workload(name, display),
                origin(Path(place), display) as source,
            ):
                frames = source.frame_bytes(min(given.seconds, 3.0))
                yield {"kind": "mjpeg", "workload": name, "bytes": frames}
                for way in chosen:
                    yield from one_way(given, name, way, source, server)
        except FAILURES as error:
            print(f"{name}: {failure(error)}", flush=True)


def is_chosen(given: argparse.Namespace, name: str, way: Way) -> bool:
    return way.front in given.fronts and way.lists in given.lists and name in way.workloads


def one_way(
    given: argparse.Namespace, name: str, way: Way, source: Origin, server: int
) -> Iterator[Record]:
    """Measure more and more viewers of one workload."""
    many = name == MANY[0]
    seconds = max(given.seconds, MANY_SECONDS) if many else given.seconds
    for count in given.viewers or ([MANY[1]] if many else VIEWERS):
        shared: Record = {"kind": "scale", "workload": name, "front": way.front}
        shared |= {"lists": way.lists, "viewers": count}
        try:
            with (
                # A new one each time: it holds nothing that others have asked for.
                tempfile.TemporaryDirectory() as held,
                _FRONTS[way.front](Path(held), source.path) as front,
            ):
                record = measure(source, front, server, way.lists, count, seconds)
        except FAILURES as error:
            # The other points are worth having without it.
            record = {"failed": failure(error)}
        yield {**shared, **record}


def failure(error: BaseException) -> str:
    """Give the last line of what there is to say, as a cell of a table may have it."""
    said = f"{error}".strip() or type(error).__name__
    return said.splitlines()[-1][:200].replace("|", "/")


def version(front: str) -> str:
    """Tell which version of a cache is installed."""
    done = subprocess.run([*_VERSION[front]], capture_output=True, text=True, check=True)
    found = re.search(r"[\d.]+\d", done.stderr)
    return found[0] if found else ""


def publish(records: list[Record]) -> None:
    """Write results, plot and page."""
    from scale import plot  # Only here: --quick does without it.

    if RESULTS.exists():
        records = table.merged(map(json.loads, RESULTS.read_text().splitlines()), records)
    RESULTS.write_text("".join(json.dumps(record) + "\n" for record in records))
    plot.draw(records, PLOT)
    table.write(PAGE, records, PLOT.name)
    print(f"written: {PAGE}, {RESULTS}, {PLOT}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/bench --scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known = (*WORKLOADS, MANY[0])
    parser.add_argument("--quick", action="store_true", help="few points, and only printed")
    parser.add_argument("--workloads", type=compare.words, help=",".join(known))
    parser.add_argument(
        "--fronts", type=compare.words, default=list(_FRONTS), help=",".join(_FRONTS)
    )
    parser.add_argument("--lists", type=compare.words, default=list(LISTS), help=",".join(LISTS))
    parser.add_argument(
        "--viewers",
        type=lambda text: [int(word) for word in compare.words(text)],
        help=f"how many watch ({','.join(map(str, VIEWERS))}; of {MANY[0]} {MANY[1]})",
    )
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement")
    parser.add_argument("--no-docs", action="store_true", help="only print")
    given = parser.parse_args()
    if given.workloads is None:
        given.workloads = list(WORKLOADS if given.quick else known)
    if given.viewers is None and given.quick:
        given.viewers = list(QUICK_VIEWERS)
    for name, those in (("workloads", known), ("fronts", _FRONTS), ("lists", LISTS)):
        for one in getattr(given, name):
            if one not in those:
                parser.error(f"--{name}: there is no {one!r}, only {', '.join(those)}")
    return given


def main() -> int:
    given = parse()
    for name in list(given.fronts):
        if shutil.which(_VERSION[name][0]) is None:
            print(f"{name}: skipped, it is not installed (script/bench --setup)", flush=True)
            given.fronts.remove(name)
    machine = compare.machine({peers.SUBJECT: peers.PEERS[peers.SUBJECT]})
    machine["versions"] |= {name: version(name) for name in given.fronts}
    run = {"run": time.strftime("%Y-%m-%d %H:%M")}
    records = [run | machine]
    for record in points(given):
        records.append(record | run)
        print(table.told(record), flush=True)
    print(table.rendered(records))
    if not (given.no_docs or given.quick):
        publish(records)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
