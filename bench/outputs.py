"""What recording, a ring and pushing cost, beside one viewer.

    .venv/bin/python bench/outputs.py [--workload full] [--seconds 6] [--rounds 3]

CPU time of webcapd a second, with one viewer of its stream: alone, with --record, with --ring;
and of `webcapd push` without any viewer.  In turn, a few rounds; the medians are compared.
"""

import argparse
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from running import ROOT, cpu_seconds, running, webcapd, workload, x_server


def spent(pid: int, seconds: float) -> float:
    """Measure the CPU seconds a second of a process."""
    before, began = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) / (time.monotonic() - began)


def watched(display: str, seconds: float, *options: str) -> float:
    """Measure webcapd with one viewer."""
    with webcapd(display, *options) as (pid, url):
        viewer = subprocess.Popen(["curl", "-sNo", "/dev/null", f"{url}?stream"])
        try:
            time.sleep(1)
            return spent(pid, seconds)
        finally:
            viewer.terminate()
            viewer.wait()


@contextmanager
def receiver() -> Iterator[int]:
    """Take all that is sent to a port; gives its number."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def receive() -> None:
            connection, _ = listener.accept()
            with connection:
                while connection.recv(1 << 20):
                    pass

        threading.Thread(target=receive, daemon=True).start()
        yield listener.getsockname()[1]


def pushed(display: str, seconds: float) -> float:
    """Measure ``webcapd push``."""
    with receiver() as port:
        command = (sys.executable, "-P", str(ROOT / "webcapd.py"), "push", "--display", display)
        with running("pushing", *command, f"tcp://127.0.0.1:{port}") as (process, _):
            time.sleep(1)
            return spent(process.pid, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workload", default="full")
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        x_server(given.size) as (display, _),
        workload(given.workload, display),
    ):
        record = ("--record", f"{folder}/recorded", "--max-size", "500M")
        ring = ("--ring", str(Path(folder) / "a.wcf"))
        cases: dict[str, Callable[[], float]] = {
            "one viewer": lambda: watched(display, given.seconds),
            "and --record": lambda: watched(display, given.seconds, *record),
            "and --ring": lambda: watched(display, given.seconds, *ring),
            "push": lambda: pushed(display, given.seconds),
        }
        found: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(given.rounds):
            for name, measure in cases.items():
                found[name].append(measure())
    medians = {name: statistics.median(values) for name, values in found.items()}
    for name, median in medians.items():
        more = median - medians["one viewer"]
        print(f"{name:14} {median:.4f} CPU s/s  {more:+.4f}  of {sorted(found[name])}")


if __name__ == "__main__":
    main()
