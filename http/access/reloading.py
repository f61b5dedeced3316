"""A file that is read again when it has changed."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

_Content = TypeVar("_Content")

# No credentials fill more; a wrong path could be anything.
_MAX_BYTES = 1 << 20

# How often the file is looked at though nobody asks for that: streams do not.
_LOOK_SECONDS = 1.0

# A file system that takes longer for an answer hangs, until it has given one.
_HANG_SECONDS = 2.0

# One that takes longer may never give one.
_PATIENCE_SECONDS = 30.0

# At the start there is nothing yet that could stay in force.
_FIRST_SECONDS = 5.0

_NEVER_SEEN = (-1,)


class ReloadingFile(Generic[_Content]):
    """What a file says, now; for any thread.

    A thread of its own looks at the file, as even stat() waits for ever where
    a mount hangs.  A file that hangs, has become unreadable or is wrong leaves
    in force what it said before, and the log tells.
    """

    def __init__(self, path: str, parse: Callable[[str], _Content]) -> None:
        """Read it; raises ValueError with a sentence."""
        self._path = path
        self._parse = parse
        self._news = threading.Condition()
        # All guarded by _news:
        self._identity: tuple[int, ...] = _NEVER_SEEN
        self._content: _Content | None = None
        self._fault: ValueError | None = None
        """What is wrong with the file, if that was so from the start."""
        self._begun = self._ended = 0
        """Numbers of the last look that began, and that ended."""
        self._wanted = 0
        """Number of the look that somebody waits for."""
        self._since = time.monotonic()
        """When the last look began."""
        self._hangs = False
        """Whether it was told that the look under way does not end."""
        self._stopping = False
        self._watcher = 1
        """Number of the thread that looks; those before it hang, or end."""
        self._patience = _PATIENCE_SECONDS
        """How long a look may last until another thread tries."""
        self._start_watcher()
        self._await_first()

    def content(self) -> _Content:
        """Give what it said when it was last looked at; never waits."""
        with self._news:
            self._see_whether_it_hangs()
            assert self._content is not None
            return self._content

    def looked_at(self) -> _Content:
        """Look at it first, and give what it says; waits a moment at most."""
        with self._news:
            # One under way may have seen what was there before.
            wanted = self._wanted = self._begun + 1
            self._news.notify_all()
            if not self._see_whether_it_hangs():
                self._news.wait_for(lambda: self._ended >= wanted, _HANG_SECONDS)
        return self.content()

    def stop(self) -> None:
        """Look at it no more; returns at once, though a look may still hang."""
        with self._news:
            self._stopping = True
            self._news.notify_all()

    def _await_first(self) -> None:
        """Wait until it was read; raises ValueError."""
        with self._news:
            self._news.wait_for(lambda: self._ended, _FIRST_SECONDS)
            if self._content is None:
                self._stopping = True
                raise self._fault or ValueError(
                    f"{self._path} cannot be read: its file system does not answer"
                )

    def _see_whether_it_hangs(self) -> bool:
        """Tell whether the file system does not answer; _news is held."""
        lasts = time.monotonic() - self._since if self._begun > self._ended else 0.0
        if lasts >= _HANG_SECONDS and not self._hangs:
            self._hangs = True
            log.warning(
                "%s cannot be read: its file system does not answer; what was there before "
                "stays in force",
                self._path,
            )
        if lasts >= self._patience and not self._stopping:
            self._replace_watcher()
        return self._hangs

    def _replace_watcher(self) -> None:
        """Have another thread look, as the first may never end; _news is held.

        A mount that is gone for good answers nobody who asked before, and all
        who ask since.  Each time it takes twice as long, so that few threads hang.
        """
        self._patience *= 2
        self._since = time.monotonic()
        self._watcher += 1
        # Without a thread to be had, it is tried again next time.
        with contextlib.suppress(RuntimeError):
            self._start_watcher()

    def _start_watcher(self) -> None:
        threading.Thread(
            target=self._watch, args=(self._watcher,), name="credentials", daemon=True
        ).start()

    def _watch(self, watcher: int) -> None:
        """Look at the file until stop(), or until another does; in a thread of its own."""
        first = True
        while True:
            with self._news:
                # A look that another has begun is done over at once.
                self._news.wait_for(
                    lambda: self._is_over(watcher) or self._wanted > self._begun,
                    0 if first else _LOOK_SECONDS,
                )
                if self._is_over(watcher):
                    return
                first = False
                self._begun += 1
                self._since = time.monotonic()
                before = self._identity
            identity = self._identify()
            found = None if identity == before else self._read()
            with self._news:
                if self._is_over(watcher):
                    return
                self._identity = identity
                self._end_look(found)

    def _is_over(self, watcher: int) -> bool:
        """Whether a thread's part is over; _news is held."""
        return self._stopping or watcher != self._watcher

    def _end_look(self, found: _Content | ValueError | None) -> None:
        """Heed what was read, None if the file is as before; _news is held."""
        if isinstance(found, ValueError):
            self._note_fault(found)
        elif found is not None:
            if self._content is not None:
                log.info("read %s again, as it has changed", self._path)
            self._content = found
        self._ended = self._begun
        self._patience = _PATIENCE_SECONDS
        if self._hangs:
            self._hangs = False
            log.info("the file system of %s answers again", self._path)
        self._news.notify_all()

    def _note_fault(self, fault: ValueError) -> None:
        if self._content is None:
            self._fault = fault
        else:
            log.warning("%s; what was there before stays in force", fault)

    def _identify(self) -> tuple[int, ...]:
        """Tell what changes when the file is written or replaced; empty if it is gone."""
        try:
            found = os.stat(self._path)
        except OSError:
            return ()
        # The last one also tells of a file that may be read only now, and of
        # one whose times were put back.
        return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def _read(self) -> _Content | ValueError:
        """Give what the file says, or what is wrong with it."""
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
