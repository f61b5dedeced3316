"""Libraries that are loaded when something of them is first used.

A server that nobody watches needs none of these, and each costs memory and time (measured:
NumPy 21 MB and 50 ms, OpenCV 26 MB and 20 ms, prometheus_client 10 MB and 45 ms).  Where they
are named in annotations, those are not to be evaluated: ``from __future__ import annotations``.
"""

import importlib
import importlib.util
import re
import threading
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import bcrypt
    import cv2
    import h11
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image, ImageDraw, ImageFont

__all__ = [
    "Image",
    "ImageDraw",
    "ImageFont",
    "NDArray",
    "NotLoadable",
    "bcrypt",
    "check_installed",
    "cv2",
    "h11",
    "load",
    "np",
    "why_not_loaded",
]

# All that may be loaded late, by the names of the modules.
_LATE = ("bcrypt", "cv2", "h11", "numpy", "PIL", "prometheus_client", "turbojpeg")

# What OpenCV's wheels expect of the system.
_OPENCV_NEEDS = ("libGL.so.1", "libgthread-2.0.so.0")
_CACHE = Path("/etc/ld.so.cache")

# OpenCV's own loading cannot stand two threads at it.  One that loads needs others: reentrant.
_lock = threading.RLock()


class NotLoadable(ImportError):
    """A library cannot be loaded; the text is one clear sentence."""


class _Late(ModuleType):
    """Stands for a module until something of it is used, and then is like it; any thread.

    From then on it is as quick as the module: it has the same contents, and no code of ours.
    """

    def __getattr__(self, attribute: str) -> object:
        with _lock:
            # Who has waited for another thread finds it done.
            if type(self) is _Late:
                vars(self).update(vars(_loaded(self.__name__)))
                self.__class__ = ModuleType  # type: ignore[assignment]
        return getattr(self, attribute)


def _loaded(name: str) -> ModuleType:
    """Load a module; raises NotLoadable."""
    with _lock:
        try:
            return importlib.import_module(name)
        except Exception as error:
            # On a processor that is too old, NumPy raises a RuntimeError.
            raise NotLoadable(why_not_loaded(error)) from error


def load(*names: str) -> None:
    """Load modules now, where it is known what waits for that; raises NotLoadable."""
    for name in names:
        _loaded(name)


def check_installed() -> None:
    """See that what is loaded late is there, loading little of it.

    Raises ModuleNotFoundError, NotLoadable.
    """
    for name in _LATE:
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    if not all(map(_has_library, _OPENCV_NEEDS)):
        # That tells whether it does need them, and finds them elsewhere.
        _loaded("cv2")


def _has_library(name: str) -> bool:
    """Whether the dynamic linker knows a library (ld.so.cache, see ldconfig(8)).

    To open it as Python does would take as long as all else that is looked for at the start.
    """
    try:
        found = re.search(rb"/[^\0]*/" + re.escape(name.encode()) + rb"\0", _CACHE.read_bytes())
        if found is None:
            return False
        with open(found[0][:-1], "rb") as library:
            return library.read(4) == b"\x7fELF"
    except OSError:
        return False


def why_not_loaded(error: BaseException) -> str:
    """Say in one sentence why webcapd, or a library, cannot be loaded."""
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


if not TYPE_CHECKING:
    bcrypt, cv2, h11, np = map(_Late, ("bcrypt", "cv2", "h11", "numpy"))
    Image, ImageDraw, ImageFont = map(_Late, ("PIL.Image", "PIL.ImageDraw", "PIL.ImageFont"))
    # Of annotations, which are not evaluated.
    NDArray = None
