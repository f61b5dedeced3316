"""Processes under measurement: started, watched, and ended with the context."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PATIENCE = 30.0


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, with its threads that have ended."""
    # The clock of another process, as clock_getcpuclockid(3) makes it: in
    # nanoseconds, where utime and stime of /proc/PID/stat count 10 ms.
    return time.clock_gettime_ns(~pid << 3 | 2) / 1e9


def tree(pid: int) -> list[int]:
    """Give a process and all that it has started, directly or not."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            # A thread may have ended meanwhile.
            with suppress(FileNotFoundError, ProcessLookupError):
                found += map(int, task.read_text().split())
    return found


def tree_cpu_seconds(pid: int) -> float:
    """CPU time of a process tree so far."""
    return sum(cpu_seconds(one) for one in tree(pid))


def memory(pid: int) -> dict[str, float]:
    """Give the megabytes (2**20 bytes) that a process holds, by the names of smaps_rollup."""
    _, *lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return {line.partition(":")[0]: int(line.split()[1]) / 1024 for line in lines}


def tree_memory(pid: int) -> float:
    """Bytes that a process tree holds, of what is shared only its share (PSS)."""
    return sum(memory(one)["Pss"] for one in tree(pid)) * 2**20


@contextmanager
def running(
    ready: str, *command: str, environment: dict[str, str] | None = None
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run a program; gives it, and the line with ``ready`` in it that it wrote."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if ready in line:
                yield process, line
                return
        raise SystemExit(f"{' '.join(command)} did not start: {''.join(said)}")
    finally:
        end(process)


def end(process: "subprocess.Popen[str]") -> None:
    """End a process, and what there is to read from it."""
    process.terminate()
    try:
        process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


@contextmanager
def x_server(size: str) -> Iterator[tuple[str, int]]:
    """Run an Xvfb; gives its display name and pid."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{size}x24", "-noreset", "-s", "0"],
        pass_fds=(writer,),
        stderr=subprocess.DEVNULL,
        text=True,
    )
    os.close(writer)
    try:
        with open(reader) as answer:
            select.select([reader], [], [], _PATIENCE)
            yield f":{answer.readline().strip()}", process.pid
    finally:
        end(process)


@contextmanager
def workload(name: str, display: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Have a workload draw on a display."""
    drawing = (sys.executable, str(ROOT / "bench/workload.py"), name, *arguments)
    environment = {**os.environ, "DISPLAY": display}
    with running("drawing", *drawing, environment=environment) as (process, _):
        yield process


@contextmanager
def random_barcodes(display: str) -> Iterator["subprocess.Popen[str]"]:
    """Have barcodes change on a display, at moments of their own."""
    drawing = (sys.executable, str(ROOT / "bench/randombarcodes.py"))
    environment = {**os.environ, "DISPLAY": display}
    with running("drawing", *drawing, environment=environment) as (process, _):
        yield process


@contextmanager
def webcapd(display: str, *arguments: str) -> Iterator[tuple[int, str]]:
    """Run webcapd on a free port; gives its pid and address."""
    command = (sys.executable, "-P", str(ROOT / "webcapd.py"), "--port", "0")
    with running("serving", *command, "--display", display, *arguments) as (process, line):
        yield process.pid, line.split()[-1]
