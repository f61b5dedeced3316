"""How old the picture is for a slow reader: ``bench/age.py [--rate BYTES_PER_SECOND]``.

    .venv/bin/python bench/age.py --rate 1000000 --workload full [--updates]

A client reads no faster than the rate; the age of a frame is the time from its
capture (X-Timestamp) to the reading of its last byte, that of an update or a
slice of one the time from what its mark tells.
"""

import argparse
import http.client
import json
import socket
import statistics
import struct
import time
import urllib.request
from urllib.parse import urlsplit

from running import webcapd, workload, x_server


class SlowReader:
    """Reads a stream at a bounded rate."""

    target = "/?stream"

    def __init__(self, url: str, rate: float) -> None:
        self._rate = rate
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)
        self._connection.connect()
        # A real slow link has no megabytes of buffer at its far end.
        self._connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
        self._connection.request("GET", self.target)
        self._file = self._connection.getresponse()
        self._free = time.monotonic()

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._file.read(min(8192, size - len(data)))
            if not piece:
                raise SystemExit("the stream ended")
            data += piece
            self._free = max(self._free, time.monotonic() - 0.05) + len(piece) / self._rate
            time.sleep(max(0.0, self._free - time.monotonic()))
        return data

    def frame(self) -> tuple[float, int]:
        """Read one frame; gives its age in seconds and its size in bytes."""
        headers: dict[str, str] = {}
        while (line := self._file.readline().decode().strip()) or not headers:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        size = int(headers["content-length"])
        self._read(size)
        return time.time() - float(headers["x-timestamp"]), size


class SlowUpdateReader(SlowReader):
    """Reads updates, as records (docs/updates.md)."""

    target = "/?updates"

    def frame(self) -> tuple[float, int]:
        size, kind = 0, b""
        while kind != b"E":
            head = self._read(4)
            payload = self._read(int.from_bytes(head[1:], "big"))
            kind, size = head[:1], size + 4 + len(payload)
        (captured,) = struct.unpack_from(">5xQ", payload)
        return time.time() - captured / 1e6, size


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rate", type=float, default=1e6)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--workload", default="full")
    parser.add_argument("--updates", action="store_true", help="read /?updates, not /?stream")
    given, options = parser.parse_known_args()
    with (
        x_server(given.size) as (display, _),
        workload(given.workload, display),
        webcapd(display, *options) as (_, url),
    ):
        reader = (SlowUpdateReader if given.updates else SlowReader)(url, given.rate)
        until = time.monotonic() + given.seconds
        frames = []
        while time.monotonic() < until:
            frames.append((time.monotonic(), *reader.frame()))
        with urllib.request.urlopen(f"{url}?info") as answer:
            client = json.load(answer)["clients"][0]
    half = [frame for frame in frames if frame[0] > until - given.seconds / 2]
    ages = sorted(age for _, age, _ in half)
    print(
        f"{given.workload} at {given.rate / 1e6:g} MB/s: age median "
        f"{statistics.median(ages):.2f} s, p95 {ages[int(len(ages) * 0.95)]:.2f} s, "
        f"{len(half) / (given.seconds / 2):.1f} frames/s of "
        f"{statistics.median(size for *_, size in half) / 1000:.0f} kB, "
        f"level {client.get('level')}, own estimate {client['ageMs']} ms"
    )


if __name__ == "__main__":
    main()
