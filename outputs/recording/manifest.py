"""The list of what was recorded into a folder: ``.webcapd-record``, a line of JSON each.

    {"file": "000001-20270131-180000.mkv"}                              begun
    {"file": "000001-20270131-180000.mkv", "bytes": 123, "ended": 1.5}  complete
    {"mark": 1.5, "file": "000001-20270131-180000.mkv", "at": 12.3}     marked

Only what it lists is ever deleted, and only while it has the very size that is listed.  A line
that is no good says nothing, so it may be cut anywhere.  Whoever writes holds a lock on it.
"""

import fcntl
import json
import os
import stat
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

MANIFEST = ".webcapd-record"
_NEW = ".webcapd-record.new"

# Lines that tell of nothing any more, before it is written anew.
_MAX_STALE_LINES = 20_000


class Occupied(Exception):
    """Somebody else records into the folder."""


@dataclass
class Entry:
    """A file that was recorded, or is being recorded."""

    name: str
    size: int
    since: float
    """When it was complete, in seconds of CLOCK_MONOTONIC; of an earlier run, as if then."""


class Manifest:
    """What was recorded into a folder, the oldest first; for one thread.

    Raises OSError wherever it writes.
    """

    def __init__(self, folder: Path) -> None:
        """Read the list, and lock it; raises Occupied, OSError."""
        self._folder = folder
        self._file = _locked(folder / MANIFEST)
        self.entries: deque[Entry] = deque()
        self.size = 0
        """Bytes of all files together."""
        self._lines = 0
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release the lock."""
        os.close(self._file)

    def begun(self, name: str) -> None:
        """Note that a file was made, by us."""
        self._append({"file": name})
        self.entries.append(Entry(name, 0, time.monotonic()))

    def grown(self, size: int) -> None:
        """Note how large the newest is by now; not for the next run, which looks itself."""
        newest = self.entries[-1]
        self.size += size - newest.size
        newest.size = size
        newest.since = time.monotonic()

    def ended(self, name: str, size: int) -> None:
        """Note that a file is complete; it is the newest, or else is listed by this."""
        if not self.entries or self.entries[-1].name != name:
            self.entries.append(Entry(name, 0, 0.0))
        self.grown(size)
        self._append({"file": name, "bytes": size, "ended": round(time.time(), 3)})

    def mark(self, name: str, seconds: float) -> None:
        """Note that a moment of a file is of interest."""
        self._append({"mark": round(time.time(), 3), "file": name, "at": round(seconds, 3)})

    def delete_oldest(self) -> bool:
        """Delete the oldest file, if it is still what was written; tells whether it was.

        If it was not, it is no longer listed.
        """
        oldest = self.entries[0]
        found = _size_of(self._folder / oldest.name)
        if found == oldest.size:
            os.unlink(self._folder / oldest.name)
        self.entries.popleft()
        self.size -= oldest.size
        if self._lines - 2 * len(self.entries) > _MAX_STALE_LINES:
            self._rewrite()
        return found == oldest.size

    def _append(self, line: dict[str, object]) -> None:
        data = json.dumps(line).encode() + b"\n"
        # What a full disk cut off is no line, and the next one begins anew.
        if os.write(self._file, data) != len(data):
            os.write(self._file, b"\n")
            raise OSError(28, os.strerror(28))
        self._lines += 1

    def _load(self) -> None:
        listed: dict[str, tuple[int | None, float]] = {}
        content = os.pread(self._file, os.fstat(self._file).st_size, 0)
        if content and not content.endswith(b"\n"):
            os.write(self._file, b"\n")
        for line in content.splitlines():
            self._lines += 1
            if (one := _read(line)) is not None:
                listed[one[0]] = one[1:]
        now, wall = time.monotonic(), time.time()
        for name, (size, ended) in listed.items():
            found = _size_of(self._folder / name)
            if found is None or size not in (None, found):
                continue
            self.size += found
            # A clock that was put back makes nothing older, nor younger than now.
            self.entries.append(Entry(name, found, now - max(0.0, wall - ended)))
            if size is None:
                # Its writer was killed; from now on it is to keep this size.
                self._append({"file": name, "bytes": found, "ended": ended})

    def _rewrite(self) -> None:
        """Leave out what tells of nothing any more."""
        names = {entry.name for entry in self.entries}
        content = os.pread(self._file, os.fstat(self._file).st_size, 0)
        kept = [line for line in content.splitlines(True) if _names(line) & names]
        new = os.open(
            self._folder / _NEW, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644
        )
        try:
            fcntl.flock(new, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with os.fdopen(os.dup(new), "wb") as file:
                file.write(b"".join(kept))
            fcntl.fcntl(new, fcntl.F_SETFL, os.O_APPEND)
            os.rename(self._folder / _NEW, self._folder / MANIFEST)
        except BaseException:
            os.close(new)
            raise
        os.close(self._file)
        self._file, self._lines = new, len(kept)


def _locked(path: Path) -> int:
    """Open the list, and lock the one that is there by then; raises Occupied, OSError."""
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path, flags, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Occupied from None
        except BaseException:
            os.close(descriptor)
            raise
        # It may have been written anew meanwhile.
        if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
        os.close(descriptor)


def _read(line: bytes) -> tuple[str, int | None, float] | None:
    """Read a line on a file: its name, its size if it is complete, and when; None of others."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or "mark" in found:
        return None
    name, size, ended = found.get("file"), found.get("bytes"), found.get("ended", time.time())
    if not isinstance(name, str) or not name or name[0] == "." or "/" in name or "\0" in name:
        return None
    if not (size is None or type(size) is int) or not isinstance(ended, int | float):
        return None
    return name, size, float(ended)


def _names(line: bytes) -> set[str]:
    """Give the file that a line tells of, if any."""
    try:
        found = json.loads(line)
    except ValueError:
        return set()
    name = found.get("file") if isinstance(found, dict) else None
    return {name} if isinstance(name, str) else set()


def _size_of(path: Path) -> int | None:
    """Give the size of a regular file; None if there is none."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
