"""Which file to show, and when to look again: of one path, which is a file or a folder."""

import os
import select
from contextlib import suppress
from pathlib import Path

from webcapd.base.inotify import Mask, Watches
from webcapd.base.waker import Waker
from webcapd.capture.feeds.files.pictures import SUFFIXES

_WRITTEN = Mask.CLOSE_WRITE | Mask.ATTRIB | Mask.DELETE_SELF | Mask.MOVE_SELF
_COMES_OR_GOES = Mask.MOVED_TO | Mask.MOVED_FROM | Mask.CREATE | Mask.DELETE
_ARRIVES = Mask.CLOSE_WRITE | Mask.MOVED_TO | Mask.DELETE_SELF | Mask.MOVE_SELF

# How often it is looked where nothing tells; and anyway, while there is no picture.
_POLL_SECONDS, _MISSING_SECONDS = 0.3, 1.0

# Of a folder's files, so many of the newest are tried.
_TRIES = 8


class FileWatch:
    """Watches a path, by inotify where there is any.  For one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own = self._parent = -1
        """Watches of the path and of the folder that it is in; -1 for none."""
        self._arrived: list[str] = []
        """Names of pictures that came into the folder since the last look, the newest last."""
        self._is_known = False
        """Whether all that happened in the folder since the last look is in ``_arrived``."""
        self._watches = Watches()

    def close(self) -> None:
        self._watches.close()

    def candidates(self) -> list[Path]:
        """List the files that may be what is to be shown, the best first.

        From now on wait() tells of what happens.  Of a folder that is what has come since the
        last call, and the first time its newest pictures.
        """
        is_folder = self._path.is_dir()
        parent, mask = self._path.parent, _ARRIVES if is_folder else _WRITTEN
        watches = self._watches.watch({parent: _COMES_OR_GOES, self._path: mask})
        self._parent = watches.get(parent, -1)
        before, self._own = self._own, watches.get(self._path, -1)
        if not is_folder:
            self._is_known = False
            return [self._path]
        known = self._is_known and self._own == before
        self._is_known = self._own >= 0
        arrived, self._arrived = self._arrived, []
        if known:
            return [self._path / name for name in reversed(arrived)]
        return self._newest()

    def _newest(self) -> list[Path]:
        """List the newest pictures of the folder, the newest first."""
        found = []
        with suppress(OSError), os.scandir(self._path) as entries:
            for entry in entries:
                with suppress(OSError):
                    if is_picture(entry.name):
                        found.append((entry.stat().st_mtime_ns, entry.name))
        return [self._path / name for _, name in sorted(found, reverse=True)[:_TRIES]]

    def wait(self, stop: Waker, is_shown: bool) -> None:
        """Wait until something may have happened, or ``stop`` is woken.

        ``is_shown``: there is a picture, and nothing is to be done until there is another.
        """
        seconds = self._patience(is_shown)
        poll = select.poll()
        poll.register(stop.fileno(), select.POLLIN)
        if (watches := self._watches.fileno()) is not None:
            poll.register(watches, select.POLLIN)
        while True:
            ready = poll.poll(None if seconds is None else 1000 * seconds)
            if not ready or any(number == stop.fileno() for number, _ in ready):
                return
            if self._take_events():
                return

    def _patience(self, is_shown: bool) -> float | None:
        """Give how long nothing needs to be looked at, in seconds; None for any time."""
        if self._parent >= 0 and self._watches.obstacle(self._path) is None:
            return None if is_shown else _MISSING_SECONDS
        self._is_known = False
        return _POLL_SECONDS

    def _take_events(self) -> bool:
        """Take in what inotify tells; gives whether it matters."""
        matters = False
        for event in self._watches.take():
            if event.watch == self._own and event.name:
                # In the folder.
                if is_picture(event.name):
                    self._arrived.append(event.name)
                    matters = True
            elif event.watch != self._parent or event.name in ("", self._path.name):
                # The path is another, or gone, or nobody knows.
                self._is_known, matters = False, True
        return matters


def is_picture(name: str) -> bool:
    """Whether a folder's file is to be shown, by its name; hidden ones are being written."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES
