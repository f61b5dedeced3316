"""What a peer costs and gives: CPU time, bytes, frames, memory, with any number of clients."""

import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from peers import Peer, showing, watching
from running import ROOT, cpu_seconds, running, tree_cpu_seconds, tree_memory, workload, x_server

Record = dict[str, Any]

_SETTLE = 1.0
"""Seconds from the first frame to the measurement: pipelines fill."""

_CLIENTS_A_SECOND = 200
"""As many more clients, a second longer: what had queued while they came must drain."""


class Audience:
    """Clients of a peer, in a process of their own whose CPU time is told apart."""

    def __init__(self, process: Any) -> None:
        self._process = process

    def wait(self) -> None:
        """Wait until all clients have had a frame."""
        self._process.stdout.readline()

    def account(self) -> Any:
        """Tell the bytes and frames so far."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def cpu_seconds(self) -> float:
        """CPU time of the clients so far."""
        return cpu_seconds(self._process.pid)


@contextmanager
def audience(port: int, peer: Peer, clients: int) -> Iterator[Audience]:
    """Have clients watch a peer; the context begins when all have had a frame."""
    program = (sys.executable, str(ROOT / "bench/audience.py"))
    command = (*program, str(port), peer.wire_name, str(clients))
    with running("watching", *command) as (process, _):
        yield Audience(process)


def server_baseline(server: int, seconds: float) -> float:
    """CPU seconds a second of the X server when nobody captures."""
    began, before = time.monotonic(), cpu_seconds(server)
    time.sleep(seconds)
    return (cpu_seconds(server) - before) / (time.monotonic() - began)


def watch(peer: Peer, pid: int, port: int, server: int, clients: int, seconds: float) -> Record:
    """Measure a running peer with some clients."""
    with audience(port, peer, clients) as crowd:
        time.sleep(_SETTLE + clients / _CLIENTS_A_SECOND)
        readers = crowd.cpu_seconds()
        first, process, x = crowd.account(), tree_cpu_seconds(pid), cpu_seconds(server)
        time.sleep(seconds)
        process, x = tree_cpu_seconds(pid) - process, cpu_seconds(server) - x
        readers = crowd.cpu_seconds() - readers
        last = crowd.account()
        memory = tree_memory(pid)
    elapsed = last["moment"] - first["moment"]
    each = [
        (after - before) / elapsed
        for before, after in zip(first["frames"], last["frames"], strict=True)
    ]
    return {
        "process": process / elapsed,
        "server": x / elapsed,
        "readers": readers / elapsed,
        "bytes": (last["bytes"] - first["bytes"]) / elapsed,
        "fps": statistics.median(each),
        "least_fps": min(each),
        "frames": sum(each),
        "memory": memory,
    }


def costs(name: str, size: str, peers: list[Peer], seconds: float) -> Iterator[Record]:
    """Measure one workload: each peer with one client, on the same X server."""
    with x_server(size) as (display, server), workload(name, display):
        time.sleep(0.5)
        baseline = server_baseline(server, seconds)
        for peer in watching(peers, name):
            with showing(peer, display, size, name == "cursor") as (pid, port):
                record = watch(peer, pid, port, server, 1, seconds)
            record["server"] -= baseline
            yield {"kind": "cost", "peer": peer.name, "baseline": baseline, **record}


def fan_outs(
    size: str, peers: list[Peer], counts: list[int], seconds: float, name: str = "full"
) -> Iterator[Record]:
    """Measure a workload with more and more clients."""
    with x_server(size) as (display, server), workload(name, display):
        time.sleep(0.5)
        baseline = server_baseline(server, seconds)
        for peer in peers:
            with showing(peer, display, size, False) as (pid, port):
                for count in counts:
                    try:
                        record = watch(peer, pid, port, server, count, seconds)
                    except SystemExit as error:
                        record = {"failed": str(error).splitlines()[-1][:200]}
                    else:
                        record["server"] -= baseline
                    yield {"kind": "fan-out", "peer": peer.name, "clients": count, **record}
