"""A file that is read again when it has changed."""

import logging
import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

_Content = TypeVar("_Content")

# No credentials fill more; a wrong path could be anything.
_MOST_BYTES = 1 << 20


class KeptFile(Generic[_Content]):
    """What a file says, now; for any thread.

    A file that has become unreadable or wrong leaves in force what it said
    before, and the log tells.
    """

    def __init__(self, path: str, parse: Callable[[str], _Content]) -> None:
        """Read it; raises ValueError with a sentence."""
        self._path = path
        self._parse = parse
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._identity = self._look()
        self._content = self._read()

    def content(self) -> _Content:
        """Give what it says."""
        with self._lock:
            identity = self._look()
            if identity != self._identity:
                self._identity = identity
                try:
                    self._content = self._read()
                    log.info("read %s again, as it has changed", self._path)
                except ValueError as error:
                    log.warning("%s; what was there before stays in force", error)
            return self._content

    def _look(self) -> tuple[int, ...]:
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
