"""Window managers and compositors."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from waiting import wait_until
from Xlib import X
from xserver import XServer

OPENBOX = ("openbox",)

# By default it holds the server until somebody has placed a window.
TWM = ("twm", "-f", str(Path(__file__).with_name("twmrc")))


@contextlib.contextmanager
def running(server: XServer, *command: str) -> Iterator[None]:
    """Run a window manager or a compositor."""
    environment = {**os.environ, "DISPLAY": server.name, "HOME": "/nonexistent", "LC_ALL": "C"}
    quiet = subprocess.DEVNULL
    # Where that is permitted, it goes before all else: how late it is on a busy machine is its own
    # affair, and what comes late enough is no longer masked.
    first = ["nice", "-n", "-15", *command]
    with subprocess.Popen(first, env=environment, stdout=quiet, stderr=quiet) as process:
        try:
            wait_until(
                f"{command[0]} runs, or ends",
                lambda: _is_managed(server, command[0]) or process.poll() is not None,
            )
            yield
            assert process.poll() is None, f"{command[0]} has ended"
        finally:
            process.kill()


def _is_managed(server: XServer, name: str) -> bool:
    """Whether a window manager, or a compositor, has taken the screen."""
    with server.connected() as display:
        if name in ("picom", "xcompmgr"):
            return bool(display.get_selection_owner(display.intern_atom("_NET_WM_CM_S0")))
        root = display.screen().root
        return bool(root.get_attributes().all_event_masks & X.SubstructureRedirectMask)
