"""Rows of a drawable into the frame buffer, by the fastest way that works.

The ladder: memory shared by descriptor, memory shared by SysV key, and where
neither works (remote display, other IPC namespace, no MIT-SHM) the rows come
through the connection.  Each rung that fails leaves its reason.

Neither kind of memory outlives the processes that use it: a memfd has no name,
and a SysV segment is marked for removal as soon as the server has confirmed the
attach (never before: servers may refuse a segment that is already marked).
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import mmap
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from webcapd.base.process.late import NDArray, np
from webcapd.capture.geometry import Rectangle
from webcapd.capture.x11.abi.xcbtypes import ffi
from webcapd.capture.x11.xcb import XcbConnection

_IPC_PRIVATE, _IPC_RMID, _IPC_CREAT = 0, 0, 0o1000
_FAILED = ffi.cast("void *", -1)

# What a reply through the connection brings at most.
_BYTES_AT_ONCE = 256 * 1024


class Grabber(Protocol):
    """Fetches full-width rows of one area of a drawable.

    Full width is the area's: rows land where they belong because they are as
    wide as the frame buffer.
    """

    kind: str
    origin: tuple[int, int]
    """Where the area's upper left corner is in the drawable; may be changed."""

    @property
    def raw(self) -> NDArray[np.uint8]:
        """The (height, stride) array of bytes that rows land in; made when first wanted."""

    def request(self, ranges: Iterable[tuple[int, int]]) -> Sequence[Any]:
        """Ask for half-open row ranges, or bring them up to date; returns cookies.

        Raises GrabError, SourceError.
        """

    def await_rows(self, cookies: Sequence[Any]) -> None:
        """Wait until what was asked for is up to date.  Raises GrabError, SourceError."""

    def close(self) -> None:
        """Give the memory back."""


class Segment(Protocol):
    """Shared memory, attached on both sides."""

    kind: str
    xid: int
    memory: Any
    """Writable buffer of the whole segment."""

    def close(self) -> None:
        """Unmap it on this side; the server detaches by itself, or was asked to."""


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
        try:
            address = libc.shmat(shmid, ffi.NULL, 0)
            if address == _FAILED:
                raise OSError(ffi.errno, os.strerror(ffi.errno))
            # The buffer holds the address, and the address the memory.
            self.memory: Any = ffi.buffer(ffi.gc(address, libc.shmdt), size)
            self.xid = connection.attach_sysv(shmid)
        finally:
            libc.shmctl(shmid, _IPC_RMID, ffi.NULL)

    def close(self) -> None:
        # NumPy views may still hold it: it is detached with the last one.
        self.memory = None


class SharedGrabber:
    """The server writes rows straight into the frame buffer, at their offset."""

    def __init__(
        self,
        connection: XcbConnection,
        drawable: int,
        area: Rectangle,
        stride: int,
        segment: Segment,
    ) -> None:
        self.kind = segment.kind
        self.origin = area.x, area.y
        self._connection, self._drawable, self._width = connection, drawable, area.width
        self._segment, self._shape = segment, (area.height, stride)

    @functools.cached_property
    def raw(self) -> NDArray[np.uint8]:
        return np.frombuffer(self._segment.memory, np.uint8).reshape(self._shape)

    def request(self, ranges: Iterable[tuple[int, int]]) -> Sequence[Any]:
        # All requests go out before the first reply is awaited, and with them what
        # is asked behind them: one round trip for any number of ranges.
        x, y = self.origin
        return [
            self._connection.request_shared(
                self._drawable,
                Rectangle(x, y + top, self._width, bottom - top),
                self._segment.xid,
                top * self._shape[1],
            )
            for top, bottom in ranges
        ]

    def await_rows(self, cookies: Sequence[Any]) -> None:
        for cookie in cookies:
            self._connection.await_shared(cookie)

    def close(self) -> None:
        self._connection.detach(self._segment.xid)
        self._segment.close()


class CopyingGrabber:
    """Rows come as the reply to GetImage and are copied into private memory."""

    kind = "off"

    def __init__(
        self,
        connection: XcbConnection,
        drawable: int,
        area: Rectangle,
        stride: int,
        progress: Callable[[], None],
    ) -> None:
        """Prepare; ``progress`` is called after each part, as a slow line may take long."""
        self._progress = progress
        # A request each for a quarter of a megabyte or so.
        self._rows_at_once = max(1, _BYTES_AT_ONCE // stride)
        self._shape = (area.height, stride)
        self.origin = area.x, area.y
        self._connection, self._drawable, self._width = connection, drawable, area.width

    @functools.cached_property
    def raw(self) -> NDArray[np.uint8]:
        return np.zeros(self._shape, np.uint8)

    def request(self, ranges: Iterable[tuple[int, int]]) -> Sequence[Any]:
        x, y = self.origin
        for first, last in ranges:
            for top in range(first, last, self._rows_at_once):
                bottom = min(top + self._rows_at_once, last)
                area = Rectangle(x, y + top, self._width, bottom - top)
                rows = self._connection.fetch(self._drawable, area)
                self.raw[top:bottom] = np.frombuffer(rows, np.uint8).reshape(bottom - top, -1)
                self._progress()
        return ()

    def await_rows(self, cookies: Sequence[Any]) -> None:
        """Nothing: they are there."""

    def close(self) -> None:
        pass


def open_grabber(
    connection: XcbConnection,
    drawable: int,
    area: Rectangle,
    stride: int,
    wanted: str,
    progress: Callable[[], None],
) -> tuple[Grabber, list[str]]:
    """Open the first way that works, or the ``wanted`` one (see --shm).

    ``stride`` is in bytes per line.  Returns the grabber and why each faster
    way was not taken.
    """
    reasons: list[str] = []
    kinds: dict[str, type[DescriptorSegment] | type[SysvSegment]] = {
        "fd": DescriptorSegment,
        "sysv": SysvSegment,
    }
    version = connection.shm_version()
    for kind, segment in kinds.items():
        obstacle = _obstacle(kind, wanted, connection.local, version)
        if obstacle is None:
            try:
                opened = segment(connection, area.height * stride)
                return SharedGrabber(connection, drawable, area, stride, opened), reasons
            except OSError as error:
                obstacle = str(error)
        reasons.append(f"{kind}: {obstacle}")
    return CopyingGrabber(connection, drawable, area, stride, progress), reasons


def _obstacle(kind: str, wanted: str, local: bool, version: tuple[int, int] | None) -> str | None:
    """Say what forbids even to try a kind of shared memory."""
    if wanted not in ("auto", kind):
        return f"not wanted (--shm {wanted})"
    if version is None:
        return "the X server has no MIT-SHM extension"
    if not local:
        # Over TCP, passing a descriptor would even break the connection.
        return "the display is not reached by a local socket"
    if kind == "fd" and version < (1, 2):
        return "the X server's MIT-SHM is older than 1.2"
    return None


@functools.cache
def _libc() -> Any:
    return ffi.dlopen(None)
