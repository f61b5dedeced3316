"""Waits for what becomes of one file: that it comes, that it is touched, that its writer ends.

By inotify where there is any, so that nothing happens while nothing happens; else by the
clock.  What has happened is not told apart: who is woken looks at the file.
"""

import math
import time
from pathlib import Path

from webcapd.base.inotify import Mask, Watches

_COMES = Mask.MOVED_TO | Mask.CREATE
_ENDS = Mask.CLOSE_WRITE | Mask.DELETE_SELF | Mask.MOVE_SELF
# touch(1), futimens(2); and that its last name has gone.
_TOUCHED = Mask.ATTRIB

# Polling, while somebody watches and while nobody does.
_POLL_SECONDS, _REST_SECONDS = 0.01, 0.5


class PathWatch:
    """Watches a path, or one file that was opened there.  For one thread."""

    def __init__(self, path: str | Path) -> None:
        """Take a descriptor, if there is one to be had."""
        self._path = Path(path)
        self._watches = Watches()
        self._followed = -1
        """Descriptor of the file that is followed; -1 for none."""
        self._is_watched = True
        self._due = 0.0
        self.obstacle = None if self._watches.fileno() is not None else self._watches.refusal
        """Why it polls; None if it does not."""

    def fileno(self) -> int | None:
        """Descriptor that is readable when take() is to be called; None if it polls."""
        return None if self.obstacle else self._watches.fileno()

    def wait(self) -> None:
        """Watch the path: for a file that comes, and for the one that is there."""
        self._followed = -1
        self._watches.watch({self._path.parent: _COMES, self._path: _ENDS | _TOUCHED})

    def follow(self, descriptor: int) -> None:
        """Watch a file that was opened at the path, and nothing else."""
        self._followed = descriptor
        self.set_watched(self._is_watched)

    def set_watched(self, watched: bool) -> None:
        """Say whether anybody wants to see what is in the file; if not, a touch wakes nobody."""
        self._is_watched = watched
        if self._followed >= 0:
            # This very file, whatever is at the path by now.
            file = Path(f"/proc/self/fd/{self._followed}")
            self._watches.watch({file: _ENDS | _TOUCHED if watched else _ENDS})
            self.obstacle = self._watches.obstacle(file)

    def take(self) -> bool:
        """Whether something may have happened since the last call; never waits."""
        if self.fileno() is None:
            now = time.monotonic()
            if now < self._due:
                return False
            self._due = now + (_POLL_SECONDS if self._is_watched else _REST_SECONDS)
            return True
        # Nothing of the folder's other files.
        ours = ("", self._path.name)
        return any(event.name in ours for event in self._watches.take())

    def seconds_until_due(self) -> float:
        """Seconds until take() finds that it is time to look; infinite with a descriptor."""
        if self.fileno() is not None:
            return math.inf
        return max(0.0, self._due - time.monotonic())

    def close(self) -> None:
        """Give the descriptor back."""
        self._watches.close()
        self._followed, self.obstacle = -1, self._watches.refusal
