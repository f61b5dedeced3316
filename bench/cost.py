"""What webcapd costs: CPU seconds a second, of its process and of the X server.

    .venv/bin/python bench/cost.py [--size 1920x1080] [--seconds 20] [WORKLOAD ...]

Each workload runs on an Xvfb of its own, first without webcapd (the X server's
baseline), then with it and one client that reads the whole stream.
"""

import argparse
import os
import subprocess
import time

from running import rates, webcapd, workload, x_server

WORKLOADS = ("idle", "typing", "video", "full")


def measure(name: str, size: str, seconds: float) -> None:
    """Measure and print one workload."""
    with x_server(size) as (display, server), workload(name, display):
        (baseline,) = rates([server], seconds)
        with webcapd(display) as (pid, url):
            reader = subprocess.Popen(["curl", "-sN", "-o", os.devnull, f"{url}?stream"])
            time.sleep(3)
            own, servers = rates([pid, server], seconds)
            reader.kill()
            reader.wait()
    print(
        f"{name:8} webcapd {own:.4f}   X server {servers - baseline:+.4f} over its {baseline:.4f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("workloads", nargs="*", default=WORKLOADS)
    given = parser.parse_args()
    for name in given.workloads:
        measure(name, given.size, given.seconds)


if __name__ == "__main__":
    main()
