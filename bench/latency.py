"""From the request that changes a pixel to the last byte of the picture that shows it."""

import bisect
import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from typing import Any

import barcode
from audience import connect
from fidelity import fidelity
from peers import Peer, showing, watching
from picture import film
from running import random_barcodes, workload, x_server
from screens import screen
from wires import Walk, Wire
from workload import VIDEO

WORKLOADS = ("idle", "typing", "video", "full")
BARCODES = ("step", "random")
"""Whether the barcode changes with the workload, or at moments of its own."""

_SETTLE = 1.0
_GRACE = 0.5
"""Seconds at the end: what is drawn in them may not arrive any more."""


class Recording:
    """What a client has received, and when."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.data = bytearray()
        self._ends: list[int] = []
        self._moments: list[float] = []

    def add(self, data: bytes, moment: float) -> None:
        self.data += data
        self._ends.append(len(self.data))
        self._moments.append(moment)

    def arrival(self, end: int) -> float:
        """Give the moment when the bytes before ``end`` had all arrived."""
        return self._moments[bisect.bisect_left(self._ends, end)]

    def arrived(self, moment: float) -> int:
        """Give how many bytes had arrived by a moment."""
        number = bisect.bisect_right(self._moments, moment)
        return self._ends[number - 1] if number else 0


def record(port: int, wire: Wire, seconds: float) -> Recording:
    """Read a stream for some time; nothing is decoded meanwhile."""
    walk = Walk(wire)
    with contextlib.closing(connect(port)) as connection:
        recording = Recording()
        connection.sendall(wire.request)
        connection.settimeout(0.1)
        until = recording.began + seconds
        while time.monotonic() < until:
            with contextlib.suppress(socket.timeout):
                data = connection.recv(1 << 20)
                if not data:
                    raise SystemExit("the stream ended")
                recording.add(data, time.monotonic())
                for _ in walk.on(recording.data):
                    pass
                if walk.reply:
                    connection.sendall(walk.reply)
                    walk.reply = b""
    return recording


def first_shown(recording: Recording, wire: Wire, top: int) -> dict[int, float]:
    """Give when each number, in a barcode at row ``top`` of the screen, was there first."""
    shown: dict[int, float] = {}
    screened = screen(wire, top)
    for piece in Walk(wire).on(recording.data):
        data = bytes(recording.data[piece.start - piece.part.head : piece.end])
        number = screened.take(data, piece.part)
        if number is not None:
            shown.setdefault(number, recording.arrival(piece.end))
    return shown


def delays(drawn: Mapping[int, float], shown: Mapping[int, float]) -> list[float]:
    """Give the milliseconds from the drawing of each number to when it was seen.

    A number that never was is seen when a later one is: its pixels were gone
    by then, but a viewer has waited that long for something newer.
    """
    numbers = sorted(shown)
    found = []
    for number, moment in drawn.items():
        later = bisect.bisect_left(numbers, number)
        if later < len(numbers):
            found.append((shown[numbers[later]] - moment) * 1000)
    return found


def parse_drawn(text: str) -> dict[int, float]:
    """Read what a numbered workload says; it may have been ended within its last line."""
    whole = text[: text.rfind("\n") + 1]
    words = [line.split() for line in whole.splitlines()]
    return {int(number): float(moment) for number, moment in words}


@contextlib.contextmanager
def drawing(name: str, display: str, code: str) -> Iterator["subprocess.Popen[str]"]:
    """Have a workload draw, and barcodes; gives the process that tells of these."""
    if code == "step":
        with workload(name, display, "--numbered") as both:
            yield both
    else:
        with workload(name, display), random_barcodes(display) as barcodes:
            yield barcodes


def latencies(
    name: str, size: str, peers: list[Peer], seconds: float, code: str = "step"
) -> Iterator[dict[str, Any]]:
    """Measure one workload, each peer with one client, on the same X server."""
    top = barcode.place(int(size.split("x")[1]))
    seen: list[tuple[Peer, float, dict[int, float]]] = []
    true: list[dict[str, Any]] = []
    with x_server(size) as (display, _), drawing(name, display, code) as telling:
        for peer in watching([peer for peer in peers if peer.is_seen], name):
            with showing(peer, display, size, False) as (_, port):
                recording = record(port, peer.wire, _SETTLE + seconds + _GRACE)
            began = recording.began + _SETTLE
            seen.append((peer, began, first_shown(recording, peer.wire, top)))
            if name == "video" and code == "step":
                begin = recording.arrived(began)
                told = fidelity(recording.data, peer.wire, top, begin, film(*VIDEO))
                true.append({"kind": "fidelity", "peer": peer.name, **told})
        telling.terminate()
        drawn = parse_drawn(telling.communicate()[0])
    # Results from before there was a choice say nothing of it.
    kind = {"kind": "latency"} | ({"barcode": code} if code != "step" else {})
    for peer, began, shown in seen:
        wanted = {n: moment for n, moment in drawn.items() if began < moment < began + seconds}
        found = delays(wanted, shown)
        if not found:
            raise RuntimeError(f"{peer.name} showed no barcode")
        yield {**kind, "peer": peer.name, "milliseconds": [round(d, 3) for d in found]}
    yield from true
