"""libjpeg-turbo's compressor, called by cffi.

PyTurboJPEG makes a handle, a buffer and two copies a call, and a Python type
for each new length: a third of what a band costs.  Here handle and buffer are
kept, one of each a thread.  Functions and constants: turbojpeg.h of
libjpeg-turbo 2.0, which 3.x still has.
"""

import threading
from typing import Any

import cffi
import numpy as np
from numpy.typing import NDArray

_DECLARATIONS = """
    typedef void *tjhandle;
    tjhandle tjInitCompress(void);
    int tjDestroy(tjhandle handle);
    unsigned long tjBufSize(int width, int height, int jpegSubsamp);
    int tjCompress2(tjhandle handle, const unsigned char *srcBuf, int width, int pitch,
                    int height, int pixelFormat, unsigned char **jpegBuf,
                    unsigned long *jpegSize, int jpegSubsamp, int jpegQual, int flags);
    char *tjGetErrorStr2(tjhandle handle);
"""

_LIBRARIES = ("libturbojpeg.so.0", "libturbojpeg.so", "libturbojpeg.dylib")

_TJPF_BGRX = 3
_TJSAMP = {"444": 0, "422": 1, "420": 2, "gray": 3}
_TJFLAG_NOREALLOC = 1024

_EOI_LENGTH = 2


class CoderError(Exception):
    """libjpeg-turbo cannot be used; the text is one clear sentence."""


class Compressor:
    """Pixels to baseline JPEG; for any number of threads at once."""

    def __init__(self) -> None:
        """Load the library; raises CoderError."""
        self._ffi = cffi.FFI()
        self._ffi.cdef(_DECLARATIONS)
        self._library = _load(self._ffi)
        self._own = threading.local()

    def encode(
        self, pixels: NDArray[np.uint8], quality: int, subsampling: str, skip: int = 0
    ) -> bytes:
        """Encode a (rows, width, 4) array of bytes B, G, R, X as a JPEG of its own.

        With ``skip``, give only what lies between its first so many bytes and
        its EOI.  Raises CoderError.
        """
        rows, width = pixels.shape[:2]
        if pixels.strides[1:] != (4, 1) or pixels.strides[0] < 4 * width:
            # Mirrored, or not row by row.
            pixels = np.ascontiguousarray(pixels)
        own = self._workshop()
        sampling = _TJSAMP[subsampling]
        most = own.room_for(self._library.tjBufSize(width, rows, sampling))
        source = self._ffi.cast("unsigned char *", pixels.__array_interface__["data"][0])
        own.size[0] = most
        failed = self._library.tjCompress2(
            own.handle, source, width, pixels.strides[0], rows, _TJPF_BGRX, own.target, own.size,
            sampling, quality, _TJFLAG_NOREALLOC,
        )  # fmt: skip
        if failed:
            reason = self._ffi.string(self._library.tjGetErrorStr2(own.handle))
            raise CoderError(f"libjpeg-turbo cannot encode {width}x{rows} pixels: {reason!r}")
        end = own.size[0] - (_EOI_LENGTH if skip else 0)
        coded: bytes = own.buffer[skip:end]
        return coded

    def _workshop(self) -> "_Workshop":
        """Give this thread's own handle and buffer."""
        made: _Workshop | None = getattr(self._own, "workshop", None)
        if made is None:
            made = self._own.workshop = _Workshop(self._ffi, self._library)
        return made


class _Workshop:
    """A handle, and a buffer that grows with the largest picture.  One thread only."""

    def __init__(self, ffi: cffi.FFI, library: Any) -> None:
        self._ffi = ffi
        self.handle = ffi.gc(library.tjInitCompress(), library.tjDestroy)
        self.size = ffi.new("unsigned long *")
        self.target = ffi.new("unsigned char **")
        self._most = 0
        self.buffer: Any = None
        """What target points to, as Python sees it."""

    def room_for(self, most: int) -> int:
        """See that so many bytes fit, and give that number."""
        if most > self._most:
            self._most = most
            self._memory = self._ffi.new("unsigned char[]", most)
            self.target[0] = self._memory
            self.buffer = self._ffi.buffer(self._memory)
        return most


def _load(ffi: cffi.FFI) -> Any:
    reason: OSError | None = None
    for name in _LIBRARIES:
        try:
            return ffi.dlopen(name)
        except OSError as error:
            reason = reason or error
    raise CoderError(f"libjpeg-turbo (libturbojpeg.so.0) is needed: {reason}")
