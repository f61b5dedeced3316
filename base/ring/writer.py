"""Writes frames into a ring.

Writing never waits for a reader, and there is no other writer to wait for.
"""

import contextlib
import fcntl
import glob
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

from webcapd.base.ring.layout import (
    COUNTER,
    DEFAULT_SLOTS,
    HEADER_BYTES,
    LATEST_OFFSET,
    MAGIC,
    FrameHeader,
    Mode,
    RingError,
    RingHeader,
    pack_frame,
    pack_header,
    slot_stride_for,
)

NO_WISHES = Mode(0)

# A reader may be asking just now whether there is a writer, on a machine that has much to do.
_ATTEMPTS, _BETWEEN_SECONDS = 20, 0.01


class RingWriter:
    """A ring and its only writer, for as long as it is not closed.  For one thread."""

    def __init__(
        self,
        path: str | Path,
        capacity: int,
        slots: int = DEFAULT_SLOTS,
        label: str = "",
        mode: Mode = NO_WISHES,
        permissions: int = 0o640,
    ) -> None:
        """Make the file, for payloads of ``capacity`` bytes; a larger one will make it anew.

        Raises RingError where somebody writes it already, or it cannot be made.
        """
        self._path = Path(path)
        self._slots, self._label, self._mode = slots, label, mode
        self._permissions = permissions
        with _told(self._path):
            self._refuse_second()
            self._remove_leftovers()
            self._descriptor, self._header = self._make(capacity)
            self._publish(self._descriptor)

    def put(
        self, frame: FrameHeader, payload: bytes | bytearray | memoryview, with_crc: bool = False
    ) -> int:
        """Write a frame, and wake the readers; gives its number.

        Of the header, size and checksum are filled in, and the times if there are none.
        Raises RingError where there is no room for a larger one, or the file is another's now.
        """
        data = memoryview(payload).cast("B")
        realtime, monotonic = time.time_ns(), time.monotonic_ns()
        frame = frame._replace(
            size=len(data),
            monotonic=frame.monotonic or monotonic,
            realtime=frame.realtime or realtime,
            crc=zlib.crc32(data) if with_crc else 0,
        )
        with _told(self._path):
            if os.fstat(self._descriptor).st_nlink == 0:
                raise RingError("was removed, or is written by somebody else now")
            if len(data) > self._header.capacity:
                return self._put_larger(frame, data)
            return self._write(frame, data)

    def _put_larger(self, frame: FrameHeader, data: memoryview) -> int:
        """Put a frame into a new file, which is there with it and not before."""
        old, header = self._descriptor, self._header
        self._descriptor, self._header = self._make(len(data))
        try:
            self._write(frame, data)
            self._publish(self._descriptor)
        except (OSError, RingError):
            os.close(self._descriptor)
            self._descriptor, self._header = old, header
            raise
        os.close(old)
        return self._header.latest

    def _write(self, frame: FrameHeader, data: memoryview) -> int:
        # Each call is a barrier: readers see what was written by one before that of the next.
        number = self._header.latest + 1
        slot = self._header.offset(number)
        whole = [memoryview(pack_frame(frame, 2 * number - 1)), data]
        os.pwrite(self._descriptor, COUNTER.pack(2 * number - 1), slot)
        if os.pwritev(self._descriptor, whole, slot) != len(whole[0]) + len(data):
            raise RingError("took a part of a frame only")
        os.pwrite(self._descriptor, COUNTER.pack(2 * number), slot)
        os.pwrite(self._descriptor, COUNTER.pack(number), LATEST_OFFSET)
        os.utime(self._descriptor)
        self._header = self._header._replace(latest=number)
        return number

    def close(self) -> None:
        """Remove the file, if it is still ours, and end; readers see that at once."""
        if self._descriptor < 0:
            return
        with contextlib.suppress(OSError):
            if os.path.samestat(os.stat(self._path), os.fstat(self._descriptor)):
                self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1

    def _refuse_second(self) -> None:
        """See that what is at the path is nobody's, and was a ring."""
        try:
            found = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            data = os.pread(found, HEADER_BYTES, 0)
            if not data.startswith(MAGIC[:7]):
                raise RingError("is there, and is no ring: it is not overwritten")
            if not _lock(found):
                pid = int.from_bytes(data[32:36], "little")
                raise RingError(f"is already written, by process {pid}")
        finally:
            os.close(found)

    def _remove_leftovers(self) -> None:
        """Remove what writers left that were killed before their file had its name."""
        for path in self._path.parent.glob(f"{glob.escape(self._path.name)}.*.tmp"):
            if not path.suffixes[-2][1:].isdigit():
                continue
            with contextlib.suppress(OSError):
                found = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                finally:
                    os.close(found)

    @property
    def _unnamed(self) -> Path:
        """Where the file is made."""
        return self._path.with_name(f"{self._path.name}.{os.getpid()}.tmp")

    def _make(self, capacity: int) -> tuple[int, RingHeader]:
        """Make a file under another name, with all the memory it will ever need."""
        run = int.from_bytes(os.urandom(8), "little")
        stride = slot_stride_for(capacity)
        header = RingHeader(self._slots, stride, run, os.getpid(), self._mode, self._label)
        # Nothing that somebody else has put there.
        self._unnamed.unlink(missing_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(self._unnamed, flags, self._permissions)
        try:
            # What there is no memory for is said now, and not by SIGBUS to whoever maps it.
            os.posix_fallocate(descriptor, 0, header.file_bytes)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.pwrite(descriptor, pack_header(header), 0)
        except OSError:
            os.close(descriptor)
            self._unnamed.unlink(missing_ok=True)
            raise
        return descriptor, header

    def _publish(self, descriptor: int) -> None:
        """Give a file its name."""
        try:
            self._unnamed.rename(self._path)
        except OSError:
            self._unnamed.unlink(missing_ok=True)
            raise


def _lock(descriptor: int) -> bool:
    """Whether nobody has locked a file, as its writer does; it is locked then."""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_BETWEEN_SECONDS)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Have errors name the file."""
    try:
        yield
    except RingError as error:
        raise RingError(f"{path} {error}") from None
    except OSError as error:
        raise RingError(f"{path} cannot be written: {error.strerror}") from None
