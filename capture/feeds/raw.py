"""``raw:PATH,WIDTHxHEIGHT,FORMAT``: pixels in a file without a header.

So skyscreen's programs write them.  Whoever has written a picture touches the file.  A
program that locks it while it writes is not copied half-way, and one that does not may be.
"""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Mapping
from math import inf
from pathlib import Path

import numpy as np

from webcapd.base.pathwatch import PathWatch
from webcapd.base.ring.layout import RingError
from webcapd.base.ring.reader import check_owner
from webcapd.capture.feeds.feed import Feed, FeedContext, FeedPicture
from webcapd.capture.feeds.pixels import ORDERS, picture_of, size_obstacle
from webcapd.capture.geometry import parse_size
from webcapd.capture.source import SourceNotReady

# By all names that they go by, in lower case: ffmpeg's first.
FORMATS: Mapping[str, str] = {
    **{"rgb24": "RGB", "bgr24": "BGR", "bgr0": "BGRX", "gray": "GRAY"},
    **{"rgb3": "RGB", "bgr3": "BGR", "xr24": "BGRX", "grey": "GRAY"},
}

# A program that holds its lock for ever, but for a moment a frame, is not waited for.
_LOCK_SECONDS, _BETWEEN_SECONDS = 0.1, 0.005


def parse(rest: str, context: FeedContext) -> "RawFeed":
    """Make the feed; raises ValueError with a sentence."""
    path, *words = rest.rsplit(",", 2)
    if len(words) != 2 or not path:
        raise ValueError("raw: is written raw:PATH,WIDTHxHEIGHT,FORMAT")
    if words[1].lower() not in FORMATS:
        raise ValueError(f"{words[1]!r} is no format of raw:; there are {', '.join(FORMATS)}")
    size = parse_size(words[0])
    if obstacle := size_obstacle(*size):
        raise ValueError(obstacle)
    return RawFeed(path, size, FORMATS[words[1].lower()], context.any_owner)


class RawFeed(Feed):
    """Shows what is in a file as of when it was touched last."""

    def __init__(self, path: str, size: tuple[int, int], order: str, any_owner: bool) -> None:
        self._path, self._size, self._order = path, size, order
        self._any_owner = any_owner
        width, height = size
        self._shape = (height, width, ORDERS[order].bytes_per_pixel)
        self._bytes = width * height * self._shape[2]
        self._watch: PathWatch | None = None
        self._file = -1
        self._payload = bytearray()
        self._is_new = False
        self._is_first = True
        """Whether nothing was given since open()."""
        self._locked_since: float | None = None
        """When it was to be copied first and was locked, if it still is."""
        self._touched = 0
        """The file's time when it was looked at last."""

    def open(self) -> tuple[int, int]:
        if self._watch is None:
            self._watch = PathWatch(self._path)
            self._watch.set_watched(False)
        self._watch.wait()
        try:
            self._file = self._open_or_make()
            check_owner(os.fstat(self._file), self._any_owner)
        except RingError as error:
            raise SourceNotReady(f"{self.name} {error}") from None
        except OSError as error:
            link = "it is a symbolic link, which is not followed"
            reason = link if error.errno == errno.ELOOP else error.strerror
            raise SourceNotReady(f"{self.name} cannot be opened or made: {reason}") from None
        self._watch.follow(self._file)
        # It is copied anyhow.
        self._watch.take()
        self._payload = bytearray(self._bytes)
        self._is_new, self._is_first, self._locked_since = True, True, None
        self._check()
        return self._size

    def _open_or_make(self) -> int:
        """Open the file; one that is not there is made of zeros, as skyscreen's renderer did."""
        with contextlib.suppress(FileNotFoundError):
            return os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        # Whoever is to write it may be another of the group.
        made = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o660)
        try:
            os.posix_fallocate(made, 0, self._bytes)
        except OSError:
            os.close(made)
            Path(self._path).unlink(missing_ok=True)
            raise
        return made

    def _check(self) -> None:
        """Raise SourceNotReady if the file is too short, or no more the one at the path."""
        about = os.fstat(self._file)
        self._touched = about.st_mtime_ns
        if about.st_size < self._bytes:
            width, height = self._size
            raise SourceNotReady(
                f"{self.name} has {about.st_size} bytes, and {width}x{height} take {self._bytes}"
            )
        with contextlib.suppress(OSError):
            if os.path.samestat(os.stat(self._path, follow_symlinks=False), about):
                return
        raise SourceNotReady(f"{self.name} was removed, or made anew")

    def take(self) -> FeedPicture | None:
        self._check()
        if not (self._is_new and self._may_copy()):
            return None
        try:
            got = os.preadv(self._file, [self._payload], 0)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._is_new, self._is_first, self._locked_since = False, False, None
        if got < self._bytes:
            raise SourceNotReady(f"{self.name} is shorter than it was")
        pixels = np.frombuffer(self._payload, np.uint8).reshape(self._shape)
        return picture_of(pixels, self._order)

    def _may_copy(self) -> bool:
        """Lock the file, so that nobody writes; whether it is locked, or was waited for enough."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            if self._locked_since is None:
                self._locked_since = time.monotonic()
            return self._is_first or time.monotonic() >= self._locked_since + _LOCK_SECONDS
        return True

    def pending(self) -> bool:
        if self._watch is None:
            return False
        woken = self._watch.take()
        if self._file < 0:
            return woken
        if woken:
            # Where it polls, time is all that wakes it.
            touched = os.fstat(self._file).st_mtime_ns
            self._is_new = self._is_new or touched != self._touched or not self._watch.obstacle
        return self._is_new

    def seconds_until_new(self) -> float:
        if self._is_new:
            return 0.0 if self._locked_since is None else _BETWEEN_SECONDS
        return self._watch.seconds_until_due() if self._watch is not None else inf

    def set_watched(self, fps: float) -> None:
        if self._watch is not None:
            self._watch.set_watched(fps > 0)
        # A touch was not told of while nobody watched.
        self._is_new = self._is_new or fps > 0

    def fileno(self) -> int | None:
        return self._watch.fileno() if self._watch is not None else None

    def close(self) -> None:
        file, self._file = self._file, -1
        if self._watch is not None:
            self._watch.wait()
        if file >= 0:
            os.close(file)

    def dispose(self) -> None:
        if self._watch is not None:
            self._watch.close()
