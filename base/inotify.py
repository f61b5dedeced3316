"""inotify(7): what happens to files, told by a descriptor that turns readable.

The standard library lacks these three calls, and only these.  Where there is no
inotify to be had (limits of the user or of the system), Inotify() raises OSError;
whoever watches must then look now and then.  So it must where ``sees_all()`` says
that others change files without this kernel's knowing.
"""

import contextlib
import ctypes
import errno
import os
import struct
from collections.abc import Mapping
from enum import IntFlag
from pathlib import Path
from typing import NamedTuple

_libc = ctypes.CDLL(None, use_errno=True)

_EVENT = struct.Struct("iIII")
# Of many events with names; what does not fit is read next time.
_READ_BYTES = 1 << 16

# File systems that are changed by other machines, or by other kernels of this one.
_SHARED = ("nfs", "cifs", "smb", "9p", "virtiofs", "ceph", "fuse", "vboxsf", "afs", "lustre")


class Mask(IntFlag):
    """Events of inotify(7)."""

    MODIFY = 0x2
    ATTRIB = 0x4
    CLOSE_WRITE = 0x8
    MOVED_FROM = 0x40
    MOVED_TO = 0x80
    CREATE = 0x100
    DELETE = 0x200
    DELETE_SELF = 0x400
    MOVE_SELF = 0x800
    UNMOUNT = 0x2000
    OVERFLOW = 0x4000
    """The kernel has dropped events: anything may have happened."""
    IGNORED = 0x8000
    """The watch is gone: what it watched is."""


class Event(NamedTuple):
    """Something that happened."""

    watch: int
    """As add() gave it; -1 for OVERFLOW."""
    mask: Mask
    name: str
    """Of the file in a watched folder; else empty."""


class Inotify:
    """A queue of events.  For one thread."""

    def __init__(self) -> None:
        """Take a descriptor; raises OSError, EMFILE where the user has too many."""
        self._descriptor: int = _checked(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def fileno(self) -> int:
        """Descriptor that is readable while there are events to take."""
        return self._descriptor

    def add(self, path: str | Path, mask: Mask) -> int:
        """Watch a file or folder, or what is watched already for other events; gives the watch.

        Raises OSError, ENOSPC where the user has too many.
        """
        return _checked(_libc.inotify_add_watch(self._descriptor, os.fsencode(path), int(mask)))

    def remove(self, watch: int) -> None:
        """Watch something no more; nothing if it is gone by itself."""
        _libc.inotify_rm_watch(self._descriptor, watch)

    def take(self) -> list[Event]:
        """Take the events so far; never waits."""
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return []
        events, offset = [], 0
        while offset < len(data):
            watch, mask, _, length = _EVENT.unpack_from(data, offset)
            offset += _EVENT.size
            name = os.fsdecode(data[offset : offset + length].rstrip(b"\0"))
            events.append(Event(watch, Mask(mask), name))
            offset += length
        return events

    def close(self) -> None:
        """Give the descriptor back, and all watches."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class Watches:
    """Paths that are watched, where there is inotify; else none is.  For one thread."""

    def __init__(self) -> None:
        """Take a descriptor, if there is one to be had."""
        self._watches: dict[Path, int] = {}
        self._inotify: Inotify | None = None
        self.refusal: str | None = None
        """Why there is no inotify."""
        try:
            self._inotify = Inotify()
        except OSError as error:
            self.refusal = f"inotify: {error.strerror}"

    def fileno(self) -> int | None:
        """Descriptor that is readable while there are events to take; None without any."""
        return None if self._inotify is None else self._inotify.fileno()

    def watch(self, masks: Mapping[Path, Mask]) -> dict[Path, int]:
        """Watch these and nothing else; gives the watches.

        What is not there or forbidden is not watched.
        """
        if self._inotify is None:
            return {}
        kept = {}
        for path, mask in masks.items():
            with contextlib.suppress(OSError):
                kept[path] = self._inotify.add(path, mask)
        for watch in set(self._watches.values()) - set(kept.values()):
            self._inotify.remove(watch)
        self._watches = kept
        return kept

    def obstacle(self, path: Path) -> str | None:
        """Say why inotify does not tell of all that happens to a path; None if it does."""
        if self._inotify is None:
            return self.refusal
        if path not in self._watches:
            return "inotify: no watches are left"
        with contextlib.suppress(OSError):
            if not sees_all(path):
                return "others change the file over a network"
        return None

    def take(self) -> list[Event]:
        """Take the events so far; never waits."""
        events = [] if self._inotify is None else self._inotify.take()
        # That a watch has gone is told by what it watched, or we removed it.
        return [event for event in events if event.mask != Mask.IGNORED]

    def close(self) -> None:
        """Give the descriptor back."""
        if self._inotify is not None:
            self._inotify.close()
        self._inotify, self.refusal, self._watches = None, "closed", {}


def _checked(result: int) -> int:
    """Give a call's result; raises OSError if it failed."""
    if result < 0:
        number = ctypes.get_errno() or errno.EIO
        raise OSError(number, os.strerror(number))
    return result


def sees_all(path: str | Path) -> bool:
    """Whether this kernel learns of all changes of a file that is there; raises OSError."""
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = Path("/proc/self/mountinfo").read_text(errors="replace")
    except OSError:
        return True
    for line in mounts.splitlines():
        # proc(5): id parent major:minor root mount-point options [tags] - type source ...
        before, _, after = line.partition(" - ")
        if before.split()[2] == wanted:
            return not after.startswith(_SHARED)
    return True
