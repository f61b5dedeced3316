"""Reads frames out of a ring: whole ones only, whatever its writer does or dies of.

A reader needs no more than permission to read the file, and nothing of it is shared: it may
be stopped or killed at any moment.  It reads by calls and maps nothing, so a file that
becomes shorter is an error and no signal.  What the file says is believed of nothing.
"""

import contextlib
import errno
import fcntl
import os
import stat
import zlib
from pathlib import Path
from typing import NamedTuple

from webcapd.base.ring.layout import (
    COUNTER,
    HEADER_BYTES,
    LATEST_OFFSET,
    SLOT_HEADER_BYTES,
    Flags,
    FrameHeader,
    Mode,
    RingError,
    check_frame,
    parse_frame,
    parse_header,
)

# A writer that overtakes a reader so often writes faster than it can be read.
_ATTEMPTS = 8


class RingFrame(NamedTuple):
    """A frame that was read whole."""

    number: int
    header: FrameHeader
    follows: bool
    """Whether the frame read before is the one before it, in the same format."""


class RingReader:
    """One opened ring file, until it is closed.  For one thread."""

    def __init__(self, path: str | Path, any_owner: bool = False) -> None:
        """Open it; raises RingError, and FileNotFoundError if it is not there.

        Other owners than this user and root are refused, unless ``any_owner``.
        """
        self._path = path
        self._descriptor = _open(path)
        try:
            about = os.fstat(self._descriptor)
            check_owner(about, any_owner)
            self.header = parse_header(os.pread(self._descriptor, HEADER_BYTES, 0), about.st_size)
        except BaseException:
            self.close()
            raise
        self._last: RingFrame | None = None
        self.payload = bytearray()
        """The picture as of the frame read last, fields woven in; another object once it is larger.

        It is no picture any more once read() has failed.
        """
        self._is_whole = False
        """Whether it is a picture, of which the next frame need bring only a part."""
        self._field = bytearray()
        """The lines of the last field, and perhaps the others."""
        self.dropped = 0
        """Frames between those read."""

    def fileno(self) -> int:
        return self._descriptor

    def has_writer(self) -> bool:
        """Whether a process holds the writer's lock."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        return False

    def is_replaced(self) -> bool:
        """Whether something else is at the path by now, or nothing."""
        with contextlib.suppress(OSError):
            there = os.stat(self._path, follow_symlinks=False)
            return not os.path.samestat(there, os.fstat(self._descriptor))
        return True

    def latest(self) -> int:
        """Give the number of the newest frame; 0 if there is none.  Raises RingError."""
        (number,) = COUNTER.unpack(self._pread(COUNTER.size, LATEST_OFFSET))
        return int(number)

    def has_news(self) -> bool:
        """Whether there is a frame beside that read last.  Raises RingError."""
        return self._next(every=False) != 0

    def _next(self, every: bool) -> int:
        """Give the number of the frame to read next; 0 if there is none."""
        latest, last = self.latest(), self._last.number if self._last else 0
        if latest == last:
            return 0
        if every and 0 < last < latest:
            # The oldest is the one that is overwritten next.
            return max(last + 1, latest - self.header.slots + 2)
        return latest

    def read(self, every: bool | None = None, in_part: bool = True) -> RingFrame | None:
        """Read the newest frame, or the one after the last; None if there is no other.

        Which of them is the writer's wish, where ``every`` does not say it.  With
        ``in_part``, the writer is believed what it says of lines that did not change, and
        they are not read.  None, too, if it is so fast that each frame was gone before it was
        read.  Raises RingError.
        """
        if every is None:
            every = Mode.EVERY_FRAME in self.header.mode
        for _ in range(_ATTEMPTS):
            number = self._next(every)
            if number == 0:
                return None
            if (header := self._read(number, in_part)) is not None:
                return self._taken_over(number, header)
        return None

    def _read(self, number: int, in_part: bool) -> FrameHeader | None:
        """Read a frame; None if it is overwritten or not there."""
        slot = self.header.offset(number)
        sequence, header = parse_frame(self._pread(SLOT_HEADER_BYTES, slot), self.header.capacity)
        if sequence != 2 * number:
            return None
        obstacle = None
        try:
            check_frame(header)
            in_part = in_part and self._is_whole and self._follows(number, header)
            data = self._read_payload(header, slot + SLOT_HEADER_BYTES, in_part)
        except RingError as error:
            # Perhaps it is two frames' halves.
            obstacle = error
        (again,) = COUNTER.unpack(self._pread(COUNTER.size, slot))
        if again != sequence:
            return None
        if obstacle is not None:
            raise obstacle
        if header.crc and zlib.crc32(data) != header.crc:
            if in_part:
                # What was said not to have changed has; then all of it is read.
                return None
            raise RingError("has a frame whose checksum is wrong")
        return header

    def _read_payload(self, header: FrameHeader, offset: int, in_part: bool) -> memoryview:
        """Read what is to be read of a frame; gives where it is."""
        wanted = header.size if header.crc else header.pixel_data_bytes or header.size
        if header.field is not None:
            # The picture that it will be woven into stays as it is.
            self._field = _fitting(self._field, wanted)
            self._preadv(memoryview(self._field)[:wanted], offset)
            return memoryview(self._field)[:wanted]
        first, end = 0, wanted
        _, y, _, height = header.dirty
        if in_part and Flags.SAME in header.flags:
            end = 0
        elif in_part and any(header.dirty) and y + height <= header.height:
            first, end = y * header.stride, (y + height) * header.stride
        # Until it is known that it was one.
        self._is_whole = False
        self.payload = _fitting(self.payload, wanted)
        self._preadv(memoryview(self.payload)[first:end], offset + first)
        return memoryview(self.payload)[:wanted]

    def _follows(self, number: int, header: FrameHeader) -> bool:
        """Whether a frame is the one after the last, in the same format."""
        last = self._last
        return last is not None and number == last.number + 1 and header[:4] == last.header[:4]

    def _taken_over(self, number: int, header: FrameHeader) -> RingFrame:
        follows, last = self._follows(number, header), self._last
        if last is not None and number > last.number:
            self.dropped += number - last.number - 1
        if header.field is not None:
            if not self._is_whole or last is None or header[:4] != last.header[:4]:
                self.payload = bytearray(header.height * header.stride)
            self._weave(header, header.field)
        self._is_whole = header.stride > 0
        self._last = RingFrame(number, header, follows)
        return self._last

    def _weave(self, header: FrameHeader, field: int) -> None:
        """Put the lines of a field into the picture."""
        stride = header.stride
        has_all = header.lines == header.height
        source, target = memoryview(self._field), memoryview(self.payload)
        for line in range(field, header.height, 2):
            at = (line if has_all else line // 2) * stride
            target[line * stride : (line + 1) * stride] = source[at : at + stride]

    def _pread(self, size: int, offset: int) -> bytes:
        data = os.pread(self._descriptor, size, offset)
        if len(data) < size:
            raise RingError("is shorter than it was")
        return data

    def _preadv(self, target: memoryview, offset: int) -> None:
        if os.preadv(self._descriptor, [target], offset) < len(target):
            raise RingError("is shorter than it was")

    def close(self) -> None:
        """Give the file back."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _fitting(memory: bytearray, size: int) -> bytearray:
    """Give memory of some bytes at least, and not many times as much: this, or a new one."""
    return memory if size <= len(memory) <= 4 * size + HEADER_BYTES else bytearray(size)


def _open(path: str | Path) -> int:
    """Open a file to read; raises RingError, and FileNotFoundError."""
    try:
        # A named pipe would wait for its writer.
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RingError("is a symbolic link, which is not followed") from None
        raise RingError(f"cannot be opened: {error.strerror}") from None


def check_owner(about: os.stat_result, any_owner: bool) -> None:
    """See that a file is one, and of this user or root; raises RingError."""
    if not stat.S_ISREG(about.st_mode):
        raise RingError("is no regular file")
    if not any_owner and about.st_uid not in (0, os.geteuid()):
        raise RingError(
            f"belongs to the user {about.st_uid}; --shm-any-owner takes frames from anybody"
        )
