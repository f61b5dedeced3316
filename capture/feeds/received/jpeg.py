"""A JPEG from elsewhere as a picture of a feed: checked once, decoded only for who needs pixels."""

import contextlib
import functools
import re

import turbojpeg

from webcapd.base.framing.picture import check_bytes
from webcapd.base.jpegmarkers import plain_jpeg, read_shape
from webcapd.capture.feeds.feed import FeedPicture
from webcapd.capture.feeds.pixels import size_obstacle
from webcapd.capture.geometry import Rectangle
from webcapd.capture.overlay import Pixels
from webcapd.capture.source import SourceError

# A warning is an error, and so is a progressive JPEG of more scans than anybody makes.
_FLAGS = turbojpeg.TJFLAG_STOPONWARNING | turbojpeg.TJFLAG_LIMITSCANS

# All bits of the entropy-coded bytes are read, and hardly any pixels made.
_EIGHTH = (1, 8)

# CMYK and others: no screen shows them.
_MAX_COMPONENTS = 3


class DamagedJpeg(ValueError):
    """A JPEG that decodes to something, but not without a warning; one sentence."""


class _Decoder(turbojpeg.TurboJPEG):  # type: ignore[misc]
    """Takes a warning for what it is: the picture would be shown half gray.

    Its own way is warnings.warn(), and what that does is up to the whole process.
    """

    def _TurboJPEG__report_error(self, handle: object) -> None:  # noqa: N802
        raise ValueError(self._TurboJPEG__get_error_string(handle))


@functools.cache
def _decoder() -> _Decoder:
    """Load libturbojpeg; raises ValueError with a sentence where there is none."""
    # By the name that programs are linked with; else PyTurboJPEG runs others to search for it.
    for place in ("libturbojpeg.so.0", None):
        with contextlib.suppress(RuntimeError, OSError):
            return _Decoder(place)
    raise ValueError("libturbojpeg is missing, which decodes JPEG; script/setup installs it")


def check_decoder() -> None:
    """Raise ValueError with a sentence if JPEG cannot be decoded here."""
    _decoder()


def jpeg_picture(data: bytes, captured: float | None = None) -> FeedPicture:
    """Make a picture of a JPEG, whose every bit is decodable; raises ValueError with a sentence.

    ``captured`` is FeedPicture's.  Any thread; it takes as long as half of a decode.
    """
    check_bytes(len(data))
    shape = read_shape(data)
    if obstacle := size_obstacle(shape.width, shape.height):
        raise ValueError(obstacle)
    if len(shape.components) > _MAX_COMPONENTS:
        raise ValueError(f"the JPEG has {len(shape.components)} colours a pixel, not 1 or 3")
    plain = plain_jpeg(data, shape)
    # What is passed on is what is checked.
    _decode(plain or data, scaling_factor=_EIGHTH)
    copy_to = functools.partial(_copy, data, (shape.width, shape.height))
    return FeedPicture(shape.width, shape.height, copy_to, None, captured, plain)


def _copy(data: bytes, size: tuple[int, int], target: Pixels, part: Rectangle) -> None:
    """Decode it, and write a part of it: FeedPicture's copy_to()."""
    try:
        if part == Rectangle(0, 0, *size) and target.flags.c_contiguous:
            _decode(data, dst=target)
        else:
            target[:] = _decode(data)[part.y : part.bottom, part.x : part.right]
    except (ValueError, MemoryError) as error:
        raise SourceError(str(error) or "out of memory") from None


def _decode(data: bytes, **how: object) -> Pixels:
    """Decode to B, G, R, X; raises ValueError with a sentence if anything is odd about it."""
    try:
        pixels: Pixels = _decoder().decode(data, turbojpeg.TJPF_BGRX, flags=_FLAGS, **how)
    except (ValueError, OSError) as error:
        reason = re.sub(r"[^ -~]", "?", str(error))
        raise DamagedJpeg(f"the JPEG is damaged: {reason}") from None
    return pixels
