"""What a viewer gets, second by second: frames, bytes and quality.

    .venv/bin/python bench/seconds.py [--size 1920x1080] [--seconds 8] [WORKLOAD ...]

One client reads the whole stream while the workload runs, and for three
seconds after it has been stopped.
"""

import argparse
import http.client
import json
import signal
import threading
import time
import urllib.request
from urllib.parse import urlsplit

from running import webcapd, workload, x_server


class Viewer:
    """Reads a stream in a thread of its own, and counts."""

    def __init__(self, url: str) -> None:
        self.bytes = self.frames = 0
        connection = http.client.HTTPConnection(urlsplit(url).netloc)
        connection.request("GET", "/?stream")
        self._stream = connection.getresponse()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while chunk := self._stream.read1(1 << 16):
            self.bytes += len(chunk)
            self.frames += chunk.count(b"X-Timestamp")


def watch(name: str, size: str, seconds: int) -> None:
    """Print one line a second of one workload."""
    with (
        x_server(size) as (display, _),
        webcapd(display) as (_, url),
        workload(name, display) as drawing,
    ):
        viewer = Viewer(url)
        print(f"{name}: second  frames  MB/s  quality")
        for second in range(seconds + 3):
            if second == seconds:
                drawing.send_signal(signal.SIGSTOP)
            frames, octets = viewer.frames, viewer.bytes
            time.sleep(1)
            with urllib.request.urlopen(f"{url}?info") as answer:
                quality = json.load(answer)["encoder"]["quality"]
            rate = (viewer.bytes - octets) / 1e6
            rest = "  at rest" if second >= seconds else ""
            print(f"{second + 1:13}  {viewer.frames - frames:6}  {rate:4.1f}  {quality}{rest}")
        drawing.send_signal(signal.SIGCONT)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("workloads", nargs="*", default=("typing", "video", "full"))
    given = parser.parse_args()
    for name in given.workloads:
        watch(name, given.size, given.seconds)


if __name__ == "__main__":
    main()
