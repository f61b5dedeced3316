"""Run a command to which the kernel refuses inotify: as where the user has no more of it.

python tests/noinotify.py COMMAND...
"""

import errno
import os
import sys
from typing import Any

import cffi
from confine import ALLOW, DECLARED, ERRNO


def main() -> None:
    ffi = cffi.FFI()
    ffi.cdef(DECLARED)
    library: Any = ffi.dlopen("libseccomp.so.2")
    rules = library.seccomp_init(ALLOW)
    number = library.seccomp_syscall_resolve_name(b"inotify_init1")
    refusal = ERRNO | errno.EMFILE
    assert library.seccomp_rule_add_array(rules, refusal, number, 0, ffi.NULL) == 0
    assert library.seccomp_load(rules) == 0
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
