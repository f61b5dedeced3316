"""Writing to files and pipes: all of it or an error, and the error in one sentence."""

import errno
import os
import select
from collections.abc import Callable

# A pipe that has room at all takes so much at once (POSIX, PIPE_BUF).
_PIPE_BYTES = 4096
_CHECK_MILLISECONDS = 200


class CannotWrite(Exception):
    """Nothing can be written, at the moment; the text is one sentence."""

    def __init__(self, sentence: str, is_full: bool = False) -> None:
        """``is_full``: as there is no room, which may be made."""
        super().__init__(sentence)
        self.is_full = is_full


def cannot_write(error: OSError, place: object) -> CannotWrite:
    """Say in a sentence what an error means."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CannotWrite(f"there is no room left in {place}", is_full=True)
    if error.errno == errno.EPIPE:
        return CannotWrite(f"nobody reads {place} any more")
    return CannotWrite(f"{place} cannot be written: {error.strerror or error}")


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes; raises OSError, also if some of them are written."""
    view, written = memoryview(data), 0
    while written < len(data):
        # A disk that gets full first takes less, and refuses only what follows.
        written += os.write(descriptor, view[written:])


def write_to_pipe(descriptor: int, data: bytes, is_stopping: Callable[[], bool]) -> None:
    """Write bytes to what may have no room for them, until it is time to stop; raises OSError."""
    poller = select.poll()
    poller.register(descriptor, select.POLLOUT)
    view = memoryview(data)
    while view:
        # The descriptor stays blocking: it is shared with other programs.
        if poller.poll(_CHECK_MILLISECONDS):
            view = view[os.write(descriptor, view[:_PIPE_BYTES]) :]
        elif is_stopping():
            return
