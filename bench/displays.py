"""Many displays on one host: what idle and watched instances take together, and what forking saves.

    .venv/bin/python bench/displays.py [--idle 40] [--watched 9] [--seconds 10] [--size 1920x1080]

All show one X server, which is typed on.  "Apart" is one program each, as systemd starts them;
"forked" is a parent that has loaded all libraries once and forks the instances, which webcapd does
not: it tells what that would save.  PSS is summed, so what is shared counts once.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from memory import viewer
from running import ROOT, cpu_seconds, end, memory, workload, x_server

# Loads what a viewer needs, and then runs as many instances as there are lines of arguments.
_PARENT = """
import gc, os, signal, sys
sys.path.insert(0, sys.argv[1])
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import cv2, h11, numpy, numpy.random
import webcapd, webcapd.app.program, webcapd.capture.x11.screen, webcapd.encoder.updates.consumer
gc.collect()
gc.freeze()
children = []
for _ in range(int(sys.argv[2])):
    child = os.fork()
    if not child:
        os._exit(webcapd.main(sys.argv[3:]))
    children.append(child)
signal.signal(signal.SIGTERM, lambda *_: [os.kill(child, signal.SIGTERM) for child in children])
for child in children:
    while True:
        try:
            os.waitpid(child, 0)
            break
        except InterruptedError:
            pass
"""


class Instances:
    """Some webcapds, and the addresses at which they serve."""

    def __init__(self, processes: "Sequence[subprocess.Popen[str]]", count: int) -> None:
        """Wait until ``count`` serve, each of which says so once."""
        self.urls: list[str] = []
        for process in processes:
            assert process.stdout is not None
            for _ in range(count // len(processes)):
                while "serving" not in (line := process.stdout.readline()):
                    assert line, "an instance did not start"
                self.urls.append(line.split()[-1])
        self.pids = [pid for one in processes for pid in (one.pid, *_children(one.pid))]

    def cpu_seconds(self) -> float:
        return sum(map(cpu_seconds, self.pids))

    def megabytes(self, kind: str) -> float:
        return sum(memory(pid)[kind] for pid in self.pids)


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return list(map(int, children.read().split()))


@contextlib.contextmanager
def instances(display: str, count: int, forked: bool) -> Iterator[Instances]:
    """Run webcapds until the context ends."""
    arguments = ("--port", "0", "--display", display)
    commands = [[sys.executable, "-P", str(ROOT / "webcapd.py"), *arguments]] * count
    if forked:
        commands = [[sys.executable, "-c", _PARENT, str(ROOT), str(count), *arguments]]
    processes = [
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        for command in commands
    ]
    try:
        yield Instances(processes, count)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            end(process)


def row(name: str, found: Instances, count: int, seconds: float) -> str:
    """Measure for some seconds; gives a row of the table."""
    before, began = found.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    cpu = (found.cpu_seconds() - before) / (time.monotonic() - began)
    pss, rss = found.megabytes("Pss"), found.megabytes("Rss")
    return f"| {name} | {cpu:.4f} | {pss:.0f} | {pss / count:.1f} | {rss / count:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--idle", type=int, default=40)
    parser.add_argument("--watched", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--size", default="1920x1080")
    given = parser.parse_args()
    print("| instances | CPU, s/s | PSS, MB | PSS each | RSS each |")
    print("| --- | --- | --- | --- | --- |")
    with x_server(given.size) as (display, _), workload("typing", display):
        for forked in (False, True):
            how = "forked" if forked else "apart"
            with instances(display, given.idle, forked) as found:
                time.sleep(2)
                name = f"{given.idle} idle, {how}"
                print(row(name, found, given.idle, given.seconds), flush=True)
            with (
                instances(display, given.watched, forked) as found,
                contextlib.ExitStack() as viewers,
            ):
                for url in found.urls:
                    viewers.enter_context(viewer(f"{url}?stream"))
                time.sleep(3)
                name = f"{given.watched} watched, {how}"
                print(row(name, found, given.watched, given.seconds), flush=True)


if __name__ == "__main__":
    main()
