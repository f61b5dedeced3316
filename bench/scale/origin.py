"""A webcapd behind caches, and what reaches it: counted in its own log."""

import http.client
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from running import ROOT, end

_REQUEST = re.compile(r'"GET /(manifest|tiles|\?updates)(/?)')
_KINDS = {"manifest": "entries", "manifest/": "manifests"}
_KINDS |= {"tiles/": "groups", "?updates": "streams"}
_PATIENCE = 30.0


class Origin:
    """A running webcapd."""

    def __init__(self, pid: int, path: Path, port: int, log: Path) -> None:
        self.pid, self.path, self.port = pid, path, port
        self._log = log

    def asked(self) -> Counter[str]:
        """Count the requests so far, by kind."""
        found = _REQUEST.findall(self._log.read_text())
        return Counter(_KINDS[what + slash] for what, slash in found)

    def frame_bytes(self, seconds: float) -> float:
        """Tell the bytes a second of an MJPEG stream of the same screen, to one viewer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as one:
            one.request("GET", "/?stream")
            stream = one.getresponse()
            # The first picture, and what was on its way.
            began = time.monotonic()
            while time.monotonic() < began + 0.5:
                stream.read1(1 << 18)
            began, count = time.monotonic(), 0
            while (now := time.monotonic()) < began + seconds:
                count += len(stream.read1(1 << 18))
            return count / (now - began)


@contextmanager
def origin(folder: Path, display: str, *options: str) -> Iterator[Origin]:
    """Run webcapd for caches, on a socket file in a folder and on a port."""
    path, log = folder / "http.sock", folder / "webcapd.log"
    command = [sys.executable, "-P", str(ROOT / "webcapd.py"), "--display", display]
    command += ["--announce", "cache", "--unix", str(path), "--listen", "127.0.0.1:0"]
    command += ["--loghttp", "--max-clients", "2000", *options]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True
        )
    try:
        deadline = time.monotonic() + _PATIENCE
        while not (ready := re.search(r"serving .*http://127\.0\.0\.1:(\d+)/", log.read_text())):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"webcapd did not start: {log.read_text()}")
            time.sleep(0.02)
        yield Origin(process.pid, path, int(ready[1]), log)
    finally:
        end(process)
