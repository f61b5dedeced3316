"""``file:PATH``: a picture, or the newest of a folder, shown when it changes.

A thread of its own reads: a file system may hang, and a large picture takes its time.
"""

import logging
import select
import threading
from collections.abc import Mapping
from pathlib import Path

from webcapd.base.waker import Waker
from webcapd.capture.feeds.feed import Feed, FeedContext, FeedPicture
from webcapd.capture.feeds.files.pictures import FileError, Version, read_picture, version_of
from webcapd.capture.feeds.files.watch import FileWatch
from webcapd.capture.feeds.newest import NewestCell
from webcapd.capture.source import SourceNotReady

log = logging.getLogger(__name__)

# The first picture is waited for, so that a file that is there needs no placeholder.
_FIRST_SECONDS = 1.0

_END_SECONDS = 0.5


def parse(rest: str, context: FeedContext) -> "FileFeed":
    """Make the feed; raises ValueError with a sentence."""
    if "\0" in rest:
        raise ValueError("a path has no null character")
    return FileFeed(Path(rest).expanduser())


class FileFeed(Feed):
    """Shows what is at a path."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: _Reader | None = None
        self._is_given = False
        """Whether take() has given a picture since the feed was opened."""

    def open(self) -> tuple[int, int]:
        if self._reader is None:
            self._reader = _Reader(self._path)
            self._reader.start()
            select.select([self._reader.cell.fileno()], [], [], _FIRST_SECONDS)
        self._is_given = False
        picture = self._shown()
        return picture.width, picture.height

    def _shown(self) -> FeedPicture:
        """Give the newest picture; raises SourceNotReady."""
        assert self._reader is not None, "the feed is not open"
        found = self._reader.cell.take()
        if isinstance(found, FeedPicture):
            return found
        raise SourceNotReady(found or f"{self._path} takes long to be read")

    def take(self) -> FeedPicture | None:
        if self._is_given and not self.pending():
            return None
        self._is_given = True
        return self._shown()

    def pending(self) -> bool:
        return self._reader is not None and self._reader.cell.changed()

    def fileno(self) -> int | None:
        return None if self._reader is None else self._reader.cell.fileno()

    def close(self) -> None:
        """Nothing: what is watched is watched on."""

    def dispose(self) -> None:
        if self._reader is not None:
            self._reader.end()
        self._reader = None

    def status(self) -> Mapping[str, object]:
        reader = self._reader
        return {} if reader is None else {"file": reader.file, "problem": reader.problem}


class _Reader:
    """Reads what is at a path whenever it has changed, in a thread of its own."""

    def __init__(self, path: Path) -> None:
        """Take the descriptors; raises OSError."""
        self._path = path
        self.cell: NewestCell[FeedPicture | str] = NewestCell()
        """The picture, or why there is none."""
        self._stop = Waker()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="file", daemon=True)
        # Written by the thread only; others may read them:
        self.file: str | None = None
        """The name of the file that is shown."""
        self.problem: str | None = None
        """Why what came last is not shown."""
        # The thread's own:
        self._version: Version | None = None
        self._lost: str | None = None
        """Why there is no picture; None while there is one."""

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """End the thread, and give all back; what a file system that hangs has, once it does not.

        For who takes from the cell, which it is open for until now, however the thread has ended.
        """
        self._stopping = True
        self._stop.wake()
        self._thread.join(_END_SECONDS)
        self.cell.close()

    def _run(self) -> None:
        watch = FileWatch(self._path)
        try:
            while not self._stopping:
                self._look(watch)
                watch.wait(self._stop, self.file is not None)
        except Exception:
            log.exception("%s is no longer watched", self._path)
            self.cell.put(f"{self._path} cannot be watched")
        finally:
            watch.close()
            self._stop.close()

    def _look(self, watch: FileWatch) -> None:
        """Show the best of what there is, if it is another than before."""
        candidates = watch.candidates()
        problem, is_gone = None, False
        for path in candidates:
            try:
                if self._version == version_of(path.stat()):
                    return
                version, picture = read_picture(path)
            except FileError as error:
                # Perhaps it is being written: then it will be told of.
                problem = problem or f"{path} {error}"
            except OSError as error:
                problem = problem or f"there is no picture {path}: {error.strerror}"
                is_gone = path == self._path
            else:
                self.file, self.problem, self._version = path.name, None, version
                self._lost = None
                self.cell.put(picture)
                return
        if problem != self.problem:
            self.problem = problem
            if problem is not None and self.file is not None and not is_gone:
                log.info("%s; what was there is shown until it is", problem)
        if self.file is None or is_gone:
            self._lose(problem or f"there is no picture in {self._path}")

    def _lose(self, sentence: str) -> None:
        """Show no picture."""
        self.file = self._version = None
        if self._lost != sentence:
            self._lost = sentence
            self.cell.put(sentence)
