"""Run a command under a unit's system call filter, as systemd would.

    python tests/confine.py UNIT COMMAND...

A program of its own: the filter cannot be taken off again.  libseccomp makes
it, which systemd uses too.
"""

import ctypes
import errno
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import cffi
from sandbox import Unit

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
_EQUAL, _NOT_EQUAL = 4, 1
_SET_MDWE, _REFUSE_EXEC_GAIN = 65, 1

DECLARED = """
struct scmp_arg_cmp { unsigned int arg; int op; uint64_t a; uint64_t b; };
void *seccomp_init(uint32_t action);
int seccomp_rule_add_array(void *filter, uint32_t action, int call, unsigned int count,
                           const struct scmp_arg_cmp *arguments);
int seccomp_syscall_resolve_name(const char *name);
int seccomp_load(void *filter);
"""


def calls_of(words: list[str]) -> set[str]:
    """Expand groups of system calls, such as @system-service."""
    found: set[str] = set()
    for word in words:
        if not word.startswith("@"):
            found.add(word)
            continue
        listed = subprocess.run(
            ["systemd-analyze", "--no-pager", "syscall-filter", word],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\n")[1:]
        # systemd 255 colours what no terminal reads.
        names = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in listed]
        found |= calls_of([name for name in names if name and not name.startswith("#")])
    return found


def allowed(lines: list[str]) -> set[str]:
    """Give what is left by SystemCallFilter= lines, of which ~ ones take away."""
    left = calls_of(["@default"])
    for line in lines:
        words = line.removeprefix("~").split()
        left = left - calls_of(words) if line.startswith("~") else left | calls_of(words)
    return left


def load_filter(unit: Unit) -> None:
    """Confine this process for good."""
    ffi = cffi.FFI()
    ffi.cdef(DECLARED)
    library: Any = ffi.dlopen("libseccomp.so.2")
    assert unit.one("SystemCallErrorNumber") == "EPERM"
    rules = library.seccomp_init(ERRNO | errno.EPERM)
    assert rules != ffi.NULL

    def add(action: int, name: str, *arguments: tuple[int, int, int, int]) -> None:
        number = library.seccomp_syscall_resolve_name(name.encode())
        # Calls that this machine does not have are no matter.
        if number >= 0:
            array = ffi.new("struct scmp_arg_cmp[]", list(arguments))
            assert library.seccomp_rule_add_array(rules, action, number, len(arguments), array) == 0

    # The lines add up.  With one family all others are answered as systemd does; with
    # more, libseccomp takes no such rule, and they are answered as any other call is.
    families = " ".join(unit.all("RestrictAddressFamilies")).split()
    numbers = [getattr(socket, family) for family in families]
    for name in sorted(allowed(unit.all("SystemCallFilter"))):
        if name == "socket":
            for number in numbers:
                add(ALLOW, name, (0, _EQUAL, number, 0))
            if len(numbers) == 1:
                add(ERRNO | errno.EAFNOSUPPORT, name, (0, _NOT_EQUAL, numbers[0], 0))
        else:
            add(ALLOW, name)
    assert library.seccomp_load(rules) == 0


def main() -> None:
    path, *command = sys.argv[1:]
    unit = Unit(Path(path).read_text(), {})
    if unit.one("MemoryDenyWriteExecute") == "yes":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_SET_MDWE, _REFUSE_EXEC_GAIN, 0, 0, 0):
            # Linux 6.3 is the first that knows it without a filter.
            assert ctypes.get_errno() == errno.EINVAL
    os.umask(int(unit.one("UMask"), 8))
    load_filter(unit)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
