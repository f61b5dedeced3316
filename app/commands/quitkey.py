"""Who runs a command on a terminal ends it by q."""

import contextlib
import os
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def quit_by_key(quit_now: Callable[[], None]) -> Iterator[None]:
    """Call ``quit_now``, in a thread, when q is typed on the terminal that this was started on.

    Nothing where standard input is no terminal, or another program's just now.
    """
    try:
        descriptor = sys.stdin.fileno()
        is_ours = os.isatty(descriptor) and os.tcgetpgrp(descriptor) == os.getpgrp()
        before = termios.tcgetattr(descriptor) if is_ours else []
    except (AttributeError, OSError, ValueError, termios.error):
        is_ours = False
    if not is_ours:
        yield
        return
    # Sent to the background, it must neither stop when it reads nor when it sets the terminal.
    for number in (signal.SIGTTIN, signal.SIGTTOU):
        signal.signal(number, signal.SIG_IGN)
    tty.setcbreak(descriptor)
    watch = threading.Thread(target=_watch, args=(descriptor, quit_now), name="keys", daemon=True)
    watch.start()
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _watch(descriptor: int, quit_now: Callable[[], None]) -> None:
    """Read keys until q, or until there are no more."""
    with contextlib.suppress(OSError):
        while key := os.read(descriptor, 1):
            if key in (b"q", b"Q"):
                quit_now()
                return
