"""A file that is read again when it has changed."""

import contextlib
import logging
import math
import os
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

_Content = TypeVar("_Content")

# No credentials fill more; a wrong path could be anything.
_MAX_BYTES = 1 << 20

# How often the file is checked while its content is asked for again and again, as for streams;
# for how long after the last time.  With nobody who asks, the thread sleeps.
_CHECK_SECONDS, _IN_USE_SECONDS = 0.3, 2.0

# A file system that takes longer to answer hangs, until it does.
_HANG_SECONDS = 2.0

# One that takes longer may never answer: another thread tries.
_RETRY_SECONDS = 30.0

# At the start there is no content yet that could stay in force.
_FIRST_SECONDS = 5.0

_NEVER_SEEN = (-1,)


class ReloadingFile(Generic[_Content]):
    """A file's parsed content, kept up to date; for any thread.

    A thread of its own checks the file, as even stat() waits for ever where a
    mount hangs.  A file that hangs, has become unreadable or is malformed
    leaves its former content in force, and the log says so.
    """

    def __init__(self, path: str, parse: Callable[[str], _Content]) -> None:
        """Read it; raises ValueError with a sentence."""
        self._path = path
        self._parse = parse
        self._condition = threading.Condition()
        # All guarded by _condition:
        self._identity: tuple[int, ...] = _NEVER_SEEN
        self._content: _Content | None = None
        self._error: ValueError | None = None
        """Why the file could not be read at the start."""
        self._begun = self._ended = 0
        """Numbers of the last check that began, and of the last that ended."""
        self._wanted = 0
        """Number of the check that somebody waits for."""
        self._used = -math.inf
        """When the content was last asked for."""
        self._since = time.monotonic()
        """When the last check began."""
        self._hangs = False
        """Whether it was logged that the check under way does not end."""
        self._closed = False
        self._watcher = 1
        """Number of the thread that checks; those before it hang, or end."""
        self._retry_after = _RETRY_SECONDS
        """How long a check may last until another thread tries."""
        self._start_watcher()
        self._wait_for_first()

    def content(self) -> _Content:
        """Give the content as of the last check; never waits.

        Who asks again and again gets what is in the file now, a moment later.
        """
        with self._condition:
            now = time.monotonic()
            was_in_use, self._used = self._is_in_use(now), now
            if not was_in_use:
                self._condition.notify_all()
            self._check_hanging()
            assert self._content is not None
            return self._content

    def reload(self) -> _Content:
        """Check the file first, and give the content; waits a moment at most."""
        with self._condition:
            # A check under way may have read the former content.
            wanted = self._wanted = self._begun + 1
            self._condition.notify_all()
            if not self._check_hanging():
                self._condition.wait_for(
                    lambda: self._closed or self._ended >= wanted, _HANG_SECONDS
                )
        return self.content()

    def close(self) -> None:
        """Check it no more; returns at once, though a check may still hang."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _wait_for_first(self) -> None:
        """Wait until it was read; raises ValueError."""
        with self._condition:
            self._condition.wait_for(lambda: self._ended, _FIRST_SECONDS)
            if self._content is None:
                self._closed = True
                self._condition.notify_all()
                raise self._error or ValueError(
                    f"{self._path} cannot be read: its file system does not answer"
                )

    def _check_hanging(self) -> bool:
        """Return whether the file system hangs; _condition is held."""
        lasts = time.monotonic() - self._since if self._begun > self._ended else 0.0
        if lasts >= _HANG_SECONDS and not self._hangs:
            self._hangs = True
            log.warning(
                "%s cannot be read: its file system does not answer; what was there before "
                "stays in force",
                self._path,
            )
        if lasts >= self._retry_after and not self._closed:
            self._replace_watcher()
        return self._hangs

    def _replace_watcher(self) -> None:
        """Have another thread check, as the first may never end; _condition is held.

        A mount that was replaced never ends calls that began before, and ends
        all that begin since.  Each retry waits twice as long, so few threads hang.
        """
        self._retry_after *= 2
        self._since = time.monotonic()
        self._watcher += 1
        # If no thread can be started, it is tried again next time.
        with contextlib.suppress(RuntimeError):
            self._start_watcher()

    def _start_watcher(self) -> None:
        threading.Thread(
            target=self._watch, args=(self._watcher,), name="credentials", daemon=True
        ).start()

    def _watch(self, watcher: int) -> None:
        """Check the file until close(), or until another thread does; in a thread of its own."""
        first = True
        while True:
            with self._condition:
                # A check that another thread began is done over at once.
                if not first:
                    self._wait_for_turn(watcher)
                if self._is_over(watcher):
                    return
                first = False
                self._begun += 1
                self._since = time.monotonic()
                before = self._identity
            identity = self._identify()
            found = None if identity == before else self._read()
            with self._condition:
                if self._is_over(watcher):
                    return
                self._identity = identity
                self._end_check(found)

    def _wait_for_turn(self, watcher: int) -> None:
        """Wait until the file is to be checked again; _condition is held."""
        due = time.monotonic() + _CHECK_SECONDS
        while not self._is_over(watcher) and self._wanted <= self._begun:
            now = time.monotonic()
            in_use = self._is_in_use(now)
            if in_use and now >= due:
                return
            self._condition.wait(due - now if in_use else None)

    def _is_in_use(self, now: float) -> bool:
        """Whether somebody goes on asking for the content; _condition is held."""
        return now - self._used < _IN_USE_SECONDS

    def _is_over(self, watcher: int) -> bool:
        """Whether a thread has nothing more to do; _condition is held."""
        return self._closed or watcher != self._watcher

    def _end_check(self, found: _Content | ValueError | None) -> None:
        """Take over what was read, None if the file has not changed; _condition is held."""
        if isinstance(found, ValueError):
            self._note_error(found)
        elif found is not None:
            if self._content is not None:
                log.info("read %s again, as it has changed", self._path)
            self._content = found
        self._ended = self._begun
        self._retry_after = _RETRY_SECONDS
        if self._hangs:
            self._hangs = False
            log.info("the file system of %s answers again", self._path)
        self._condition.notify_all()

    def _note_error(self, error: ValueError) -> None:
        if self._content is None:
            self._error = error
        else:
            log.warning("%s; what was there before stays in force", error)

    def _identify(self) -> tuple[int, ...]:
        """Give what changes when the file is written or replaced; empty if it is gone."""
        try:
            found = os.stat(self._path)
        except OSError:
            return ()
        # The last one also changes when a file is made readable, and when its
        # times are put back.
        return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def _read(self) -> _Content | ValueError:
        """Give the parsed content, or why there is none."""
        try:
            with open(self._path, encoding="utf-8") as file:
                text = file.read(_MAX_BYTES + 1)
            if len(text) > _MAX_BYTES:
                raise ValueError("it is larger than a megabyte")
            return self._parse(text)
        except OSError as error:
            return ValueError(f"{self._path} cannot be read: {error.strerror or error}")
        except UnicodeDecodeError:
            return ValueError(f"{self._path} is not text in UTF-8")
        except ValueError as error:
            return ValueError(f"{self._path}: {error}")
