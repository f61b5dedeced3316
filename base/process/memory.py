"""Memory that the C library has and nobody uses: kept for the next frame, or given back."""

import contextlib
import ctypes
import functools
from collections.abc import Callable

# mallopt(3), malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

# A frame of 3840x2160, coded, three times over; and the largest single piece, its pixels in gray or
# all of 1920x1080: above that each is mapped, and its pages are faulted in, anew.
_KEPT_BYTES, _ONE_BYTES = 16 << 20, 16 << 20


def keep_for_frames() -> None:
    """Have malloc keep what a frame took, for the next one; does nothing without glibc.

    Else it gives much of that back after every other frame, and a frame of 600 KB costs a
    hundred page faults.  For a program: it holds for the whole process.
    """
    with contextlib.suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
        mallopt(_M_MMAP_THRESHOLD, _ONE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


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
