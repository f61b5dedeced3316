"""Memory that the C library has and nobody uses, given back to the system."""

import contextlib
import ctypes
import functools
from collections.abc import Callable


def give_back() -> None:
    """Give the system all pages that malloc has free (malloc_trim(3)); does nothing without glibc.

    It gives back by itself only what lies behind all that is in use, and coded tiles that are kept
    lie anywhere.  Takes some milliseconds.
    """
    with contextlib.suppress(AttributeError):
        _trim()(0)


@functools.cache
def _trim() -> Callable[[int], int]:
    trim = ctypes.CDLL(None).malloc_trim
    trim.argtypes, trim.restype = (ctypes.c_size_t,), ctypes.c_int
    return trim
