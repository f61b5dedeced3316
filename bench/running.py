"""Processes under measurement: started when ready, their CPU time, ended with the context."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


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


@contextmanager
def workload(name: str, display: str) -> Iterator[None]:
    """Have a workload draw on a display."""
    drawing = (sys.executable, str(ROOT / "bench/workload.py"), name)
    with running("drawing", *drawing, environment={**os.environ, "DISPLAY": display}):
        yield


@contextmanager
def webcapd(display: str, *arguments: str) -> Iterator[tuple[int, str]]:
    """Run webcapd on a free port; gives its pid and address."""
    command = (sys.executable, "-P", str(ROOT / "webcapd.py"), "--port", "0")
    with running("serving", *command, "--display", display, *arguments) as (pid, line):
        yield pid, line.split()[-1]
