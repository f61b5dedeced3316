"""Memory that webcapd and the X server share, of either kind.

Neither kind outlives the processes that use it: a memfd has no name, and a
SysV segment is marked for removal as soon as the server has confirmed the
attach (never before: servers may refuse a segment that is already marked).
"""

import contextlib
import fcntl
import functools
import mmap
import os
from typing import Any, Protocol

from webcapd.capture.x11.xcb import XcbConnection, ffi

ffi.cdef(
    """
int shmget(int key, size_t size, int flags);
void *shmat(int shmid, const void *address, int flags);
int shmdt(const void *address);
int shmctl(int shmid, int command, void *buffer);
"""
)

_IPC_PRIVATE, _IPC_RMID, _IPC_CREAT = 0, 0, 0o1000
_FAILED = ffi.cast("void *", -1)


class Segment(Protocol):
    """Shared memory, attached on both sides."""

    kind: str
    xid: int
    memory: Any
    """Writable buffer of the whole segment."""

    def close(self) -> None:
        """Unmap it on this side; the server lets go by itself or was told to."""


class DescriptorSegment:
    """Anonymous memory whose descriptor is passed to the server (MIT-SHM 1.2)."""

    kind = "fd"

    def __init__(self, connection: XcbConnection, size: int) -> None:
        """Make and attach it; raises OSError."""
        fd = os.memfd_create("webcapd-frame", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(fd, size)
            # Nobody may shrink it under us: touching the missing part would
            # be a SIGBUS, which Python cannot survive.
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
            self.memory = mmap.mmap(fd, size)
            self.xid = connection.attach_fd(os.dup(fd))
        finally:
            os.close(fd)

    def close(self) -> None:
        # NumPy views may still hold it: it is then unmapped with the last one.
        with contextlib.suppress(BufferError):
            self.memory.close()


class SysvSegment:
    """A private SysV segment, readable and writable by this user alone."""

    kind = "sysv"

    def __init__(self, connection: XcbConnection, size: int) -> None:
        """Make and attach it; raises OSError."""
        libc = _libc()
        shmid = libc.shmget(_IPC_PRIVATE, size, _IPC_CREAT | 0o600)
        if shmid < 0:
            raise OSError(ffi.errno, os.strerror(ffi.errno))
        self._address = _FAILED
        try:
            self._address = libc.shmat(shmid, ffi.NULL, 0)
            if self._address == _FAILED:
                raise OSError(ffi.errno, os.strerror(ffi.errno))
            self.xid = connection.attach_sysv(shmid)
        except OSError:
            self.close()
            raise
        finally:
            libc.shmctl(shmid, _IPC_RMID, ffi.NULL)
        self.memory = ffi.buffer(self._address, size)

    def close(self) -> None:
        if self._address != _FAILED:
            _libc().shmdt(self._address)
            self._address = _FAILED


@functools.cache
def _libc() -> Any:
    return ffi.dlopen(None)
