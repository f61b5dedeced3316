#!/usr/bin/env python3
"""webcapd: an X11 screen as MJPEG over HTTP.

The program and the package.  It imports nothing heavy before it minds signals,
and says in one sentence what it cannot be loaded without.  Imported, it gives the
names of the Python API, and loads what is behind one when it is used.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

# This file is both the program and the package: the folders beside it are
# imported as webcapd.capture, webcapd.encoder and webcapd.http.  A plain
# "import http" stays the standard library's, as our http/ has no __init__.py.
__path__ = [str(Path(__file__).resolve().parent)]
if __name__ == "__main__":
    sys.modules["webcapd"] = sys.modules[__name__]

from webcapd.app import __version__ as __version__

if TYPE_CHECKING:
    from webcapd.app.api.capture import Capture as Capture
    from webcapd.app.api.error import Error as Error
    from webcapd.app.api.frame import Frame as Frame
    from webcapd.app.api.frame import Packet as Packet
    from webcapd.app.api.frame import Rectangle as Rectangle
    from webcapd.app.api.frame import Stripe as Stripe
    from webcapd.app.api.frames import Frames as Frames
    from webcapd.app.api.frames import frames as frames
    from webcapd.app.api.frames import snapshot as snapshot
    from webcapd.app.api.keywords import CaptureKeywords as CaptureKeywords
    from webcapd.app.api.keywords import ServerKeywords as ServerKeywords
    from webcapd.app.api.outputs.table import CodedOutput as CodedOutput
    from webcapd.app.api.outputs.table import PixelOutput as PixelOutput
    from webcapd.app.api.serve import serve as serve
    from webcapd.app.api.settings import Settings as Settings
    from webcapd.app.commandline import Options as Options
    from webcapd.app.server import Server as Server

# The Python API: each name, and the module that is loaded when it is first used.
_API = {
    "Capture": "webcapd.app.api.capture",
    "CaptureKeywords": "webcapd.app.api.keywords",
    "CodedOutput": "webcapd.app.api.outputs.table",
    "Error": "webcapd.app.api.error",
    "Frame": "webcapd.app.api.frame",
    "Frames": "webcapd.app.api.frames",
    "Options": "webcapd.app.commandline",
    "Packet": "webcapd.app.api.frame",
    "PixelOutput": "webcapd.app.api.outputs.table",
    "Rectangle": "webcapd.app.api.frame",
    "Server": "webcapd.app.server",
    "ServerKeywords": "webcapd.app.api.keywords",
    "Settings": "webcapd.app.api.settings",
    "Stripe": "webcapd.app.api.frame",
    "frames": "webcapd.app.api.frames",
    "serve": "webcapd.app.api.serve",
    "snapshot": "webcapd.app.api.frames",
}

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _API:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_API[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_API})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    # Whoever asks to stop this early stops what has not begun.
    for number in _SIGNALS:
        signal.signal(number, lambda *_: os._exit(0))
    arguments = sys.argv[1:] if arguments is None else arguments
    if list(arguments) == ["--version"]:
        # Also where what it needs is missing.
        print(f"webcapd {__version__}")
        return 0
    # NumPy's library for linear algebra would start a thread for each processor, and so would
    # OpenCV, where each waits for more to do by spinning.  They are loaded later, when no other
    # thread may change the environment; os.environ, which the program in the display gets, stays
    # as it is.
    os.putenv("OPENBLAS_NUM_THREADS", "1")
    os.putenv("OPENCV_FOR_THREADS_NUM", "1")
    try:
        from webcapd.base.lossy import make_stderr_lossy

        make_stderr_lossy()
        run = _prepare(arguments)
    except (ImportError, OSError) as error:
        from webcapd.base.process.late import why_not_loaded

        print(f"webcapd: {why_not_loaded(error)}", file=sys.stderr)
        return 1
    return run()


def _prepare(arguments: Sequence[str]) -> Callable[[], int]:
    """Read the command line and load what it asks for; gives what runs it."""
    from webcapd.app.commands.registry import command_named

    if arguments and (prepare := command_named(arguments[0])):
        return prepare(arguments[1:])
    from webcapd.app.commandline import parse

    # Ends the program where nothing is to be shown, and so before all else is loaded.
    options = parse(arguments)
    from webcapd.app.program import run
    from webcapd.base.process.late import check_installed

    # What is not needed yet is to be missed now.
    check_installed()
    return lambda: run(options)


if __name__ == "__main__":
    # Before anything else.
    for _number in _SIGNALS:
        signal.signal(_number, lambda *_: os._exit(0))
    sys.exit(main())
