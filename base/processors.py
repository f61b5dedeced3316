"""How many processors this process may use, which may be fewer than there are.

os.cpu_count() counts all of the machine.  The affinity mask (taskset, cpusets)
leaves some of them, and a cgroup's quota (containers, CPUQuota=) some time of
them.  Files: cgroup-v2.rst and sched-bwc.rst of the kernel's documentation.
"""

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path


def processors(root: Path = Path("/")) -> int:
    """Count them; ``root`` is where /proc and /sys are."""
    quota = min(_quotas(root), default=math.inf)
    return max(1, min(len(os.sched_getaffinity(0)), math.ceil(min(quota, 1 << 16))))


def _quotas(root: Path) -> Iterator[float]:
    """List what the cgroups of this process leave to it, in processors."""
    lines: list[str] = []
    with contextlib.suppress(OSError):
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    for line in lines:
        _, controllers, group = [*line.split(":", 2), "", ""][:3]
        mount = root / "sys/fs/cgroup"
        if "cpu" in controllers.split(","):
            mount /= "cpu"
        elif controllers:
            continue
        # A group has no more than those that it is in.  In a container the
        # innermost may be the mount itself, whatever its path outside.
        path = Path(group.lstrip("/"))
        for folder in {mount, *(mount / one for one in (path, *path.parents))}:
            with contextlib.suppress(OSError, ValueError):
                yield _quota(folder)


def _quota(group: Path) -> float:
    """Give what one cgroup leaves; raises OSError or ValueError if it sets no bound."""
    if (group / "cpu.max").exists():
        time, period = (group / "cpu.max").read_text().split()
    else:
        time = (group / "cpu.cfs_quota_us").read_text()
        period = (group / "cpu.cfs_period_us").read_text()
    # Without a bound it is "max", or -1.
    if int(time) <= 0:
        raise ValueError
    return int(time) / int(period)
