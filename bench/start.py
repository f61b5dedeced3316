"""What a start takes: CPU up to the ready line, and the time until there is a picture.

    .venv/bin/python bench/start.py [--size 1920x1080] [--rounds 15]

The picture is asked for before the process is there, of a socket that is handed over to it as
systemd does: from its start to the last byte of a JPEG of the whole screen.
"""

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from running import ROOT, cpu_seconds, running, workload, x_server

READY_CPU, FIRST_PICTURE = 0.35, 0.4
"""Targets, in seconds."""

COMMAND = (sys.executable, "-P", str(ROOT / "webcapd.py"))


class Start(NamedTuple):
    """Seconds."""

    ready_cpu: float
    """Of processor time, up to the ready line."""
    first_picture: float
    """From the start of the process to the end of the first picture."""


def ready_cpu(display: str) -> float:
    """Measure a start that nobody waits for."""
    with running("serving", *COMMAND, "--port", "0", "--display", display) as (process, _):
        return cpu_seconds(process.pid)


def first_picture(display: str) -> float:
    """Measure a start for somebody who waits."""
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(socket.socket(socket.AF_UNIX)) as listening,
        contextlib.closing(socket.socket(socket.AF_UNIX)) as client,
    ):
        path = str(Path(folder) / "http.sock")
        listening.bind(path)
        listening.listen()
        client.connect(path)
        client.sendall(b"GET /?snapshot HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        handed = f'exec 3<&{listening.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
        began = time.monotonic()
        process = subprocess.Popen(
            ["sh", "-c", handed, "sh", *COMMAND, "--display", display],
            pass_fds=[listening.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with client.makefile("rb") as answer:
                data = answer.read()
            took = time.monotonic() - began
        finally:
            process.terminate()
            process.wait()
        assert data.startswith(b"HTTP/1.1 200 ") and data.endswith(b"\xff\xd9"), data[:200]
        return took


def starts(size: str, rounds: int) -> Start:
    """Measure starts on a screen at rest; gives the medians."""
    with x_server(size) as (display, _), workload("idle", display):
        # Once for the files: they are in memory from then on.
        ready_cpu(display)
        pairs = [(ready_cpu(display), first_picture(display)) for _ in range(rounds)]
    return Start(*(statistics.median(values) for values in zip(*pairs, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    found = starts(given.size, given.rounds)
    print(f"load of this machine: {os.getloadavg()[0]:.1f}")
    print(f"ready line    {found.ready_cpu:.3f} CPU s  (target {READY_CPU})")
    print(f"first picture {found.first_picture:.3f} s      (target {FIRST_PICTURE})")


if __name__ == "__main__":
    main()
