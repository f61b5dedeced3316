"""Rows of a drawable into the frame buffer, by the fastest way that works.

The ladder: memory shared by descriptor, memory shared by SysV key, and where
neither works (remote display, other IPC namespace, no MIT-SHM) the rows come
through the connection.  Each rung that fails leaves its reason.
"""

import logging
from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from webcapd.capture.segment import DescriptorSegment, Segment, SysvSegment
from webcapd.capture.xcb import XcbConnection

log = logging.getLogger(__name__)


class Grabber(Protocol):
    """Fetches full-width rows of one drawable."""

    kind: str
    raw: NDArray[np.uint8]
    """The (height, stride) array of bytes that rows land in."""

    def grab(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Bring half-open row ranges up to date.  Raises GrabError, SourceError."""

    def close(self) -> None:
        """Give the memory back."""


class SharedGrabber:
    """The server writes rows straight into the frame buffer, at their offset."""

    def __init__(
        self, connection: XcbConnection, drawable: int, width: int, shape: tuple[int, int],
        segment: Segment,
    ) -> None:  # fmt: skip
        self.kind = segment.kind
        self.raw = np.frombuffer(segment.memory, np.uint8).reshape(shape)
        self._connection, self._drawable, self._width = connection, drawable, width
        self._segment = segment

    def grab(self, ranges: Iterable[tuple[int, int]]) -> None:
        # All requests go out before the first reply is awaited: one round
        # trip for any number of ranges.
        cookies = [
            self._connection.request_shared(
                self._drawable, top, self._width, bottom - top,
                self._segment.xid, top * self.raw.shape[1],
            )
            for top, bottom in ranges
        ]  # fmt: skip
        for cookie in cookies:
            self._connection.await_shared(cookie)

    def close(self) -> None:
        self._connection.detach(self._segment.xid)
        self._segment.close()


class CopyingGrabber:
    """Rows come as the reply to GetImage and are copied into private memory."""

    kind = "off"

    def __init__(
        self, connection: XcbConnection, drawable: int, width: int, shape: tuple[int, int]
    ) -> None:
        self.raw = np.zeros(shape, np.uint8)
        self._connection, self._drawable, self._width = connection, drawable, width

    def grab(self, ranges: Iterable[tuple[int, int]]) -> None:
        for top, bottom in ranges:
            rows = self._connection.fetch_rows(self._drawable, top, self._width, bottom - top)
            self.raw[top:bottom] = np.frombuffer(rows, np.uint8).reshape(bottom - top, -1)

    def close(self) -> None:
        pass


def open_grabber(
    connection: XcbConnection, drawable: int, width: int, shape: tuple[int, int], wanted: str
) -> tuple[Grabber, list[str]]:
    """Open the first way that works, or the ``wanted`` one (see --shm).

    ``shape`` is (height, bytes per line).  Returns the grabber and why each
    faster way was not taken.
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
                opened = segment(connection, shape[0] * shape[1])
                return SharedGrabber(connection, drawable, width, shape, opened), reasons
            except OSError as error:
                obstacle = str(error)
        reasons.append(f"{kind}: {obstacle}")
    return CopyingGrabber(connection, drawable, width, shape), reasons


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
