"""Where a recording goes: a folder of many files, one file, or standard output."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from webcapd.outputs.recording.retention import Space
from webcapd.outputs.writing import CannotWrite, cannot_write, write_all, write_to_pipe

log = logging.getLogger(__name__)


class Place(Protocol):
    """Where files of video are made; for the recorder's thread.  Raises CannotWrite."""

    is_ours: bool
    """Whether files are ours to write over and to close."""

    def create(self) -> tuple[int, str]:
        """Make the next file; gives its descriptor and name."""

    def write(self, descriptor: int, data: bytes) -> None:
        """Write to a file, all or an OSError."""

    def grown(self, size: int) -> None:
        """Note how large the newest file is."""

    def mark(self, name: str, seconds: float) -> None:
        """Note that a moment of a file is of interest."""

    def ended(self, name: str, size: int) -> None:
        """Note that a file is complete."""

    def make_room(self) -> None:
        """See that more may be written."""

    def space(self) -> Space | None:
        """Give how much is free, if that is known."""

    def open(self) -> None:
        """Begin anew, after something was wrong."""

    def close(self) -> None:
        """Give everything back; raises nothing."""


class OneFile:
    """A file that a user named; what needs another file gets ``NAME-2.mkv``."""

    is_ours = True

    def __init__(self, path: Path) -> None:
        """See that it can be made; raises CannotWrite."""
        self._path = path
        self._count = 0
        if os.path.lexists(path):
            raise CannotWrite(f"{path} exists already: name another file, or a folder")
        if not path.parent.is_dir():
            raise CannotWrite(f"there is no folder {path.parent}")
        if not os.access(path.parent, os.W_OK):
            raise CannotWrite(f"{path.parent} cannot be written")

    def create(self) -> tuple[int, str]:
        self._count += 1
        path = self._path
        if self._count > 1:
            path = path.with_stem(f"{path.stem}-{self._count}")
            log.info("the picture has another size, and goes on in %s", path)
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            return os.open(path, flags, 0o644), path.name
        except OSError as error:
            raise cannot_write(error, path) from None

    def write(self, descriptor: int, data: bytes) -> None:
        write_all(descriptor, data)

    def grown(self, size: int) -> None:
        pass

    def mark(self, name: str, seconds: float) -> None:
        pass

    def ended(self, name: str, size: int) -> None:
        pass

    def make_room(self) -> None:
        pass

    def space(self) -> Space | None:
        return None

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass


class StandardOutput(OneFile):
    """Standard output, for a program that reads it."""

    is_ours = False

    def __init__(self, is_stopping: Callable[[], bool]) -> None:
        """``is_stopping`` tells, in any thread, when not to wait for the reader any more."""
        self._is_stopping = is_stopping

    def create(self) -> tuple[int, str]:
        return sys.stdout.fileno(), "standard output"

    def write(self, descriptor: int, data: bytes) -> None:
        write_to_pipe(descriptor, data, self._is_stopping)
