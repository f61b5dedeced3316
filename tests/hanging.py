"""Files that hang for real: whoever reads one, or even asks for its size, waits."""

import contextlib
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

_LAZILY = 2  # MNT_DETACH

_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def hanging_file(path: Path) -> Iterator[None]:
    """Have reading a file wait while the context lasts: it is a pipe that nobody writes to."""
    kept, pipe = path.with_name("kept"), path.with_name("pipe")
    path.rename(kept)
    os.mkfifo(pipe)
    os.link(pipe, path)
    try:
        yield
    finally:
        kept.replace(path)
        # Whoever waits to open it is let go.
        with contextlib.suppress(OSError):
            os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        pipe.unlink()


def can_mount() -> bool:
    """Whether hanging_mount() can do its work here."""
    return os.geteuid() == 0 and os.access("/dev/fuse", os.R_OK | os.W_OK)


@contextlib.contextmanager
def hanging_mount(path: Path) -> Iterator[None]:
    """Hide a file's folder by a file system that never answers, while the context lasts."""
    target = os.fsencode(path.parent)
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    try:
        options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        if _libc.mount(b"hanging", target, b"fuse", 0, options):
            raise OSError(ctypes.get_errno(), "mount")
        try:
            yield
        finally:
            _libc.umount2(target, _LAZILY)
    finally:
        # Whoever waits gets an error.
        os.close(device)
