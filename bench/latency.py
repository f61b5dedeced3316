"""From the request that changes a pixel to the last byte of the JPEG that shows it."""

import bisect
import contextlib
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import barcode
from audience import connect
from peers import Peer, showing
from running import workload, x_server
from wires import Wire, pictures

WORKLOADS = ("idle", "typing", "video", "full")

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


def record(port: int, wire: Wire, seconds: float) -> Recording:
    """Read a stream for some time; nothing is looked at meanwhile."""
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
    return recording


def first_shown(recording: Recording, wire: Wire, top: int) -> dict[int, float]:
    """Give when each number, in a barcode at row ``top`` of the screen, was there first."""
    shown: dict[int, float] = {}
    for picture in pictures(bytes(recording.data), wire):
        if picture.part.top <= top:
            jpeg = recording.data[picture.start : picture.end]
            number = barcode.read(bytes(jpeg), top - picture.part.top)
            if number is not None:
                shown.setdefault(number, recording.arrival(picture.end))
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


def parse_drawn(lines: Sequence[str]) -> dict[int, float]:
    """Read what a numbered workload says."""
    words = [line.split() for line in lines]
    return {int(number): float(moment) for number, moment in words}


def latencies(name: str, size: str, peers: list[Peer], seconds: float) -> Iterator[dict[str, Any]]:
    """Measure one workload, each peer with one client, on the same X server."""
    top = barcode.place(int(size.split("x")[1]))
    seen = []
    with x_server(size) as (display, _), workload(name, display, "--numbered") as drawing:
        for peer in peers:
            with showing(peer, display, size, False) as (_, port):
                recording = record(port, peer.wire, _SETTLE + seconds + _GRACE)
            began = recording.began + _SETTLE
            seen.append((peer, began, first_shown(recording, peer.wire, top)))
        drawing.terminate()
        drawn = parse_drawn(drawing.communicate()[0].splitlines())
    for peer, began, shown in seen:
        wanted = {n: moment for n, moment in drawn.items() if began < moment < began + seconds}
        found = delays(wanted, shown)
        if not found:
            raise RuntimeError(f"{peer.name} showed no barcode")
        yield {"kind": "latency", "peer": peer.name, "milliseconds": [round(d, 3) for d in found]}
