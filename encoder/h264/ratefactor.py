"""The constant rate factor of an encoder that is open already.

libavcodec reads it anew before each frame, but PyAV sets options only before an encoder is open.
So it is set past PyAV: its object holds the address of libavcodec's context behind Python's own
header.  That is believed only if what lies there is such a context: it begins with the address of
the class that libavcodec gives all of them.  Looked at is through /proc/self/mem, where a wrong
address is an error and no crash.  Where it cannot be found, the factor stays as it is.
"""

import ctypes
import re
import struct
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

# PyObject_HEAD, and the table of methods that Cython's objects have.
_POINTER_AT = 24

_SEARCH_CHILDREN = 1


class RateFactor:
    """Sets the factor of one encoder; for the thread that encodes."""

    def __init__(self, context: "VideoCodecContext") -> None:
        """``context`` is open, and outlives this."""
        self._address = _address_of(context)

    def set(self, crf: int) -> bool:
        """Have it hold from the next frame on; tells whether it will."""
        if not self._address:
            return False
        set_option = _libraries()[0].av_opt_set
        return bool(set_option(self._address, b"crf", str(crf).encode(), _SEARCH_CHILDREN) == 0)


def _address_of(context: "VideoCodecContext") -> int:
    """Find libavcodec's context; 0 if that is not certain."""
    try:
        address = _word(id(context) + _POINTER_AT)
        known = _libraries()[1].avcodec_get_class()
        return address if address and _word(address) == known else 0
    except (OSError, ValueError, AttributeError, OverflowError):
        return 0


def _word(address: int) -> int:
    """Read a pointer of this process; raises OSError, ValueError or OverflowError."""
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        found: int = struct.unpack("=Q", memory.read(8))[0]
        return found


@cache
def _libraries() -> tuple[ctypes.CDLL, ctypes.CDLL]:
    """Give libavutil and libavcodec, as PyAV has loaded them; raises OSError."""
    mapped = Path("/proc/self/maps").read_text()
    paths: list[str] = []
    for name in ("libavutil", "libavcodec"):
        found = set(re.findall(rf"(/\S*/{name}[-.]\S*)$", mapped, re.MULTILINE))
        if len(found) != 1:
            # OpenCV's wheels bring their own, if that is loaded.
            found = {path for path in found if "/av.libs/" in path}
        if len(found) != 1:
            raise OSError(f"which {name} is PyAV's?")
        paths += found
    util, codec = map(ctypes.CDLL, paths)
    text = ctypes.c_char_p
    util.av_opt_set.argtypes = [ctypes.c_void_p, text, text, ctypes.c_int]
    codec.avcodec_get_class.restype = ctypes.c_void_p
    return util, codec
