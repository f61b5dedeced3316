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

if TYPE_CHECKING:
    from webcapd.app.commandline import Options as Options
    from webcapd.app.server import Server as Server

__version__ = "0.1.0"

# The Python API: each name, and the module that is loaded when it is first used.
_API = {
    "Options": "webcapd.app.commandline",
    "Server": "webcapd.app.server",
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
    # NumPy's library for linear algebra would start a thread for each processor.
    wanted = os.environ.get("OPENBLAS_NUM_THREADS")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    try:
        from webcapd.base.lossy import make_stderr_lossy

        make_stderr_lossy()
        run = _prepare(arguments)
    except (ImportError, OSError) as error:
        print(f"webcapd: {_missing(error)}", file=sys.stderr)
        return 1
    # The program in the display gets the environment that we got.
    del os.environ["OPENBLAS_NUM_THREADS"]
    if wanted is not None:
        os.environ["OPENBLAS_NUM_THREADS"] = wanted
    return run()


def _prepare(arguments: Sequence[str]) -> Callable[[], int]:
    """Read the command line and load what it asks for; gives what runs it."""
    from webcapd.app.commands.registry import command_named

    if arguments and (prepare := command_named(arguments[0])):
        return prepare(arguments[1:], __version__)
    from webcapd.app.commandline import parse

    # Ends the program where nothing is to be shown, and so before all else is loaded.
    options = parse(arguments, __version__)
    from webcapd.app.program import run

    return lambda: run(options, __version__)


def _missing(error: BaseException) -> str:
    """Say in one sentence why webcapd cannot be loaded."""
    # NumPy explains at length; what happened first is behind it.
    while cause := error.__cause__ or error.__context__:
        error = cause
    reason = " ".join(str(error).split())
    remedy = ""
    if isinstance(error, ModuleNotFoundError):
        remedy = " (are the packages of requirements.txt installed?)"
    elif ".so" in reason and isinstance(error, ImportError):
        remedy = " (on Debian and Ubuntu: apt install libgl1 libglib2.0-0 libxcb1 libxcb-shm0)"
    return f"cannot be loaded: {reason}{remedy}"


if __name__ == "__main__":
    # Before anything else.
    for _number in _SIGNALS:
        signal.signal(_number, lambda *_: os._exit(0))
    sys.exit(main())
