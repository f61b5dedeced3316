"""A file that is read again when it has changed."""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

_Content = TypeVar("_Content")

# No credentials fill more; a wrong path could be anything.
_MOST_BYTES = 1 << 20

# How often the file is looked at though nobody asks for that: streams do not.
_LOOK_SECONDS = 1.0

# A file system that takes longer for an answer hangs, until it has given one.
_HANG_SECONDS = 2.0

# At the start there is nothing yet that could stay in force.
_FIRST_SECONDS = 5.0


class KeptFile(Generic[_Content]):
    """What a file says, now; for any thread.

    A thread of its own looks at the file, as even stat() waits for ever where
    a mount hangs.  A file that hangs, has become unreadable or is wrong leaves
    in force what it said before, and the log tells.
    """

    def __init__(self, path: str, parse: Callable[[str], _Content]) -> None:
        """Read it; raises ValueError with a sentence."""
        self._path = path
        self._parse = parse
        self._identity: tuple[int, ...] = ()  # Its own thread only.
        self._news = threading.Condition()
        # All guarded by _news:
        self._content: _Content | None = None
        self._fault: ValueError | None = None
        """What is wrong with the file, if that was so from the start."""
        self._begun = self._ended = 0
        """Numbers of the last look that began, and that ended."""
        self._wanted = 1
        """Number of the look that somebody waits for."""
        self._since = time.monotonic()
        """When the last look began."""
        self._hangs = False
        """Whether it was told that the look under way does not end."""
        self._stopping = False
        thread = threading.Thread(target=self._watch, name="credentials", daemon=True)
        thread.start()
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
        waits = self._begun > self._ended
        if waits and not self._hangs and time.monotonic() - self._since >= _HANG_SECONDS:
            self._hangs = True
            log.warning(
                "%s cannot be read: its file system does not answer; what was there before "
                "stays in force",
                self._path,
            )
        return self._hangs

    def _watch(self) -> None:
        """Look at the file until stop(); in its own thread."""
        while True:
            with self._news:
                self._news.wait_for(
                    lambda: self._stopping or self._wanted > self._begun, _LOOK_SECONDS
                )
                if self._stopping:
                    return
                self._begun += 1
                self._since = time.monotonic()
            self._look()

    def _look(self) -> None:
        """Read the file if it has changed."""
        identity, content, fault = self._identify(), None, None
        if identity != self._identity or not self._begun > 1:
            self._identity = identity
            try:
                content = self._read()
            except ValueError as error:
                fault = error
        with self._news:
            self._note(content, fault)
            self._ended = self._begun
            if self._hangs:
                self._hangs = False
                log.info("the file system of %s answers again", self._path)
            self._news.notify_all()

    def _note(self, content: _Content | None, fault: ValueError | None) -> None:
        """Heed what was read, if anything was; _news is held."""
        if self._begun == 1:
            self._content, self._fault = content, fault
        elif fault is not None:
            log.warning("%s; what was there before stays in force", fault)
        elif content is not None:
            self._content = content
            log.info("read %s again, as it has changed", self._path)

    def _identify(self) -> tuple[int, ...]:
        """Tell what changes when the file is written or replaced; empty if it is gone."""
        try:
            found = os.stat(self._path)
        except OSError:
            return ()
        # The last one also tells of a file that may be read only now, and of
        # one whose times were put back.
        return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def _read(self) -> _Content:
        try:
            with open(self._path, encoding="utf-8") as file:
                text = file.read(_MOST_BYTES + 1)
            if len(text) > _MOST_BYTES:
                raise ValueError("it is larger than a megabyte")
            return self._parse(text)
        except OSError as error:
            raise ValueError(f"{self._path} cannot be read: {error.strerror or error}") from None
        except UnicodeDecodeError:
            raise ValueError(f"{self._path} is not text in UTF-8") from None
        except ValueError as error:
            raise ValueError(f"{self._path}: {error}") from None
