"""The processes of this machine, as /proc tells of them."""

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from program import TIMEOUT


def descendants(pid: int) -> dict[str, int]:
    """Give the processes started by another, and by those: name to number."""
    found = children(pid)
    for child in list(found.values()):
        found |= descendants(child)
    return found


def children(pid: int) -> dict[str, int]:
    """Give the processes started by another: name to number."""
    return {name: number for number, (name, parent) in _listed().items() if parent == pid}


def tree(pid: int) -> list[int]:
    """Give the numbers of a process, of those started by it, and by those."""
    parents = {number: parent for number, (_, parent) in _listed().items()}
    found = [pid]
    for one in found:
        found += (number for number, parent in parents.items() if parent == one)
    return found


def held_up(pid: int) -> float:
    """Give for how many seconds the threads of a process were ready to run and had no processor.

    0 where the kernel does not tell (proc(5), schedstat).
    """
    nanoseconds = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):  # It has ended meanwhile.
            nanoseconds += int(path.read_text().split()[1])
    return nanoseconds / 1e9


def _listed() -> dict[int, tuple[str, int]]:
    """Give name and parent of each process, by its number."""
    found = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            # A name is of 15 bytes, which may end within a letter.
            stat = (directory / "stat").read_text(errors="replace")
        except OSError:
            continue  # It has ended since it was listed.
        # The name may hold anything, so it is cut out from its brackets.
        name = stat[stat.index("(") + 1 : stat.rindex(")")]
        found[int(directory.name)] = name, int(stat[stat.rindex(")") + 1 :].split()[1])
    return found


@contextmanager
def outlived(*pids: int) -> Iterator[None]:
    """See that processes that live now end in the context, or soon after it."""
    # A descriptor, unlike a number, never comes to mean another process.
    descriptors = {}
    for pid in pids:
        with suppress(ProcessLookupError):  # It has ended since it was listed.
            descriptors[pid] = os.pidfd_open(pid)
    try:
        yield
        for pid, descriptor in descriptors.items():
            ended, _, _ = select.select([descriptor], [], [], TIMEOUT)
            assert ended, f"process {pid} lives on"
    finally:
        for descriptor in descriptors.values():
            os.close(descriptor)
