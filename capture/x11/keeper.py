"""Runs a program and ends with it whatever that has started; a process of its own.

    python -I -S keeper.py COMMAND...

It is the subreaper of the program's family (PR_SET_CHILD_SUBREAPER of prctl(2)):
whoever loses its parent becomes our child, so that none gets away by setsid() or
by forking twice.  A process of its own, since it outlives a webcapd that is
killed: the kernel then sends it SIGTERM, and it ends the family.  Imports little,
for it stays in memory as long as the program runs.
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence

_SET_DEATH_SIGNAL, _SET_NAME, _SET_CHILD_SUBREAPER = 1, 15, 36

# How long the family has to end when it is asked to, and then when it is made to.
_END_SECONDS = 0.4
_KILL_SECONDS = 1.0

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


def run(command: Sequence[str]) -> int:
    """Run a command and end its family with it; returns its status by os.waitpid()."""
    _prctl(_SET_CHILD_SUBREAPER, 1)
    _prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    # Its own death signal is for the case that we are killed.
    child = os.posix_spawnp(
        "setpriv",
        ["setpriv", "--pdeathsig", "TERM", "--", *command],
        os.environ,
        setsid=True,
        setsigmask=(),
        setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
    )
    status = None
    is_asked_to_end = False
    while status is None and not is_asked_to_end:
        is_asked_to_end = signal.sigwait(_SIGNALS) != signal.SIGCHLD
        status = _reap(child)
    ended = _end_family(child)
    return status if status is not None else ended if ended is not None else signal.SIGTERM


def _end_family(child: int) -> int | None:
    """End all who descend from us; returns the status of the program if that ends now."""
    status = None
    for number, seconds in ((signal.SIGTERM, _END_SECONDS), (signal.SIGKILL, _KILL_SECONDS)):
        deadline = time.monotonic() + seconds
        asked: set[int] = set()
        while family := list(_descendants()):
            # Those that come meanwhile are asked as well.
            for pid in family:
                if pid not in asked:
                    asked.add(pid)
                    _signal(pid, number)
            rest = deadline - time.monotonic()
            if rest <= 0:
                break
            signal.sigtimedwait((signal.SIGCHLD,), min(rest, 0.05))
            ended = _reap(child)
            status = ended if ended is not None else status
    return status


def _reap(child: int) -> int | None:
    """Reap all children that have ended; returns the status of one of them."""
    found = None
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return found
            if pid == child:
                found = status
    except ChildProcessError:
        return found


def _descendants() -> Iterator[int]:
    """List the processes that descend from us, parents first."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    # The name may hold anything, brackets too.
                    state, parent, *_ = file.read().rpartition(b")")[2].split()
            except (OSError, ValueError):
                continue  # It has ended meanwhile.
            if state != b"Z":
                children.setdefault(int(parent), []).append(int(name))
    found = list(children.get(os.getpid(), ()))
    for pid in found:
        yield pid
        found += children.get(pid, ())


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        # It has ended, or has become somebody else (setuid): it is left alone.
        return


def _prctl(option: int, value: object) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def main() -> None:
    """End as the program did: by its exit status, or by the signal that killed it."""
    _prctl(_SET_NAME, b"webcapd-keeper")
    try:
        status = run(sys.argv[1:])
    except OSError as error:
        sys.stderr.write(f"webcapd: the program cannot be started: {error.strerror}\n")
        os._exit(126)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (number,))
        import resource

        # The program's core is enough.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
