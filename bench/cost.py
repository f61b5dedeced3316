"""What webcapd costs: CPU seconds a second, of its process and of the X server.

    .venv/bin/python bench/cost.py [--size 1920x1080] [--seconds 20] [WORKLOAD ...]

Each workload runs on an Xvfb of its own, first without webcapd (the X server's
baseline), then with it and one client that reads the whole stream.
"""

import argparse
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKLOADS = ("idle", "typing")


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, all its threads, so far."""
    # In nanoseconds; utime and stime of /proc/PID/stat count in ticks of 10 ms.
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def rates(pids: list[int], seconds: float) -> list[float]:
    """CPU seconds a second of some processes, measured over some seconds."""
    before = [cpu_seconds(pid) for pid in pids]
    began = time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - began
    return [(cpu_seconds(pid) - start) / elapsed for pid, start in zip(pids, before, strict=True)]


@contextmanager
def running(
    ready: str, *command: str, environment: dict[str, str] | None = None
) -> Iterator[tuple[int, str]]:
    """Run a program; gives its pid and the line, with ``ready`` in it, that it wrote."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        line = next((line for line in process.stdout if ready in line), None)
        if line is None:
            raise SystemExit(f"{' '.join(command)} did not start")
        yield process.pid, line
    finally:
        process.terminate()
        process.wait()


@contextmanager
def x_server(size: str) -> Iterator[tuple[str, int]]:
    """Run an Xvfb; gives its display name and pid."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{size}x24", "-noreset", "-s", "0"],
        pass_fds=(writer,),
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    try:
        select.select([reader], [], [], 30)
        with open(reader) as answer:
            yield f":{answer.readline().strip()}", process.pid
    finally:
        process.terminate()
        process.wait()


def measure(workload: str, size: str, seconds: float) -> None:
    """Measure and print one workload."""
    python = sys.executable
    webcapd = (python, "-P", str(ROOT / "webcapd.py"), "--port", "0")
    with x_server(size) as (display, server):
        environment = {**os.environ, "DISPLAY": display}
        drawing = (python, str(ROOT / "bench/workload.py"), workload)
        with running("drawing", *drawing, environment=environment):
            (baseline,) = rates([server], seconds)
            with running("serving", *webcapd, environment=environment) as (pid, line):
                url = line.split()[-1]
                reader = subprocess.Popen(["curl", "-sN", "-o", os.devnull, f"{url}?stream"])
                time.sleep(1)
                own, servers = rates([pid, server], seconds)
                reader.kill()
                reader.wait()
    print(
        f"{workload:8} webcapd {own:.4f}   X server {servers - baseline:+.4f} "
        f"over its {baseline:.4f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("workloads", nargs="*", default=WORKLOADS)
    given = parser.parse_args()
    for workload in given.workloads:
        measure(workload, given.size, given.seconds)


if __name__ == "__main__":
    main()
