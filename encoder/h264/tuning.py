"""What of an encoder can be set although it is open: the rate factor, and how motion is searched.

libavcodec reads the factor anew before each frame, but PyAV sets options only before an encoder is
open.  So it is set past PyAV: its object holds the address of libavcodec's context behind Python's
own header.  That is believed only if what lies there is such a context: it begins with the address
of the class that libavcodec gives all of them.  Looked at is through /proc/self/mem, where a wrong
address is an error and no crash.  Where it cannot be found, all stays as it is.

With another factor, libavcodec hands x264 all its parameters again (x264_encoder_reconfig), and
x264 takes another method of search then.  They are libavcodec's own: found by what they were opened
with, and left alone unless that is there exactly once.
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

# In AVCodecContext: class, offset of the log's level, type, codec, its number, its tag.
_PRIVATE_AT = 32

_FAR_RANGE = 32
FAR = f"me=umh:merange={_FAR_RANGE}"
"""As x264 is to be opened, that how motion is searched can be set later."""

_DIAMOND, _UNEVEN_HEXAGON = 0, 2
# i_me_method, i_me_range, i_mv_range, i_mv_range_thread and i_subpel_refine of x264_param_t:
# as FAR has it, set by x264 itself, and what the preset ultrafast has.
_OPENED_WITH = struct.pack("=5i", _UNEVEN_HEXAGON, _FAR_RANGE, -1, -1, 0)
# The class's address is before them; they have some 0.6 KB until there.
_PARAMETERS_AT, _LOOKED_AT = 8, 1024


class Tuning:
    """Sets what can be set of one open encoder; for the thread that encodes."""

    def __init__(self, context: "VideoCodecContext") -> None:
        """``context`` is open, and outlives this; of x264, it was opened with FAR."""
        self._address = _address_of(context)
        self._method = _method_at(self._address) if self._address else 0

    @property
    def sets_search(self) -> bool:
        """Whether it can be set how motion is searched."""
        return bool(self._method)

    def set(self, crf: int, is_far: bool = True) -> bool:
        """Have it hold from the next frame on; tells whether it will.

        A search that is not far is that of the preset.
        """
        if not self._address:
            return False
        factor = f"{crf}"
        if self._method:
            method = ctypes.c_int32.from_address(self._method)
            method.value = _UNEVEN_HEXAGON if is_far else _DIAMOND
            # Another one, but nearly the same: x264 is told nothing of equal ones.
            factor += "" if is_far else ".001"
        set_option = _libraries()[0].av_opt_set
        return bool(set_option(self._address, b"crf", factor.encode(), _SEARCH_CHILDREN) == 0)


def _address_of(context: "VideoCodecContext") -> int:
    """Find libavcodec's context; 0 if that is not certain."""
    try:
        address = _word(id(context) + _POINTER_AT)
        known = _libraries()[1].avcodec_get_class()
        return address if address and _word(address) == known else 0
    except (OSError, ValueError, AttributeError, OverflowError, struct.error):
        return 0


def _method_at(address: int) -> int:
    """Find x264's method of search in what a context has of its own; 0 if that is not certain."""
    try:
        private = _word(address + _PRIVATE_AT)
        # A class (AVClass) begins with the address of its name.
        if _read(_word(_word(private)), 8) != b"libx264\x00":
            return 0
        parameters = _read(private + _PARAMETERS_AT, _LOOKED_AT)
    except (OSError, ValueError, OverflowError, struct.error):
        return 0
    at = parameters.find(_OPENED_WITH)
    is_certain = at >= 0 and at % 4 == 0 and parameters.count(_OPENED_WITH) == 1
    return private + _PARAMETERS_AT + at if is_certain else 0


def _word(address: int) -> int:
    """Read a pointer of this process; raises as _read() does, or struct.error."""
    found: int = struct.unpack("=Q", _read(address, 8))[0]
    return found


def _read(address: int, size: int) -> bytes:
    """Read memory of this process; raises OSError, ValueError or OverflowError."""
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(size)


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
