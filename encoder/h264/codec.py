"""One H.264 encoder: x264, by PyAV.

No frame waits for a later one: no B-frames, no look-ahead, one thread a frame.  There are no key
frames but those asked for.
"""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from webcapd.capture.overlay import Pixels
from webcapd.encoder.h264.boxes import TIMESCALE
from webcapd.encoder.h264.planes import Planes, Rows
from webcapd.encoder.h264.search import Search
from webcapd.encoder.h264.tuning import FAR, Tuning

if TYPE_CHECKING:
    from fractions import Fraction

    from av.video.codeccontext import VideoCodecContext

_NO_END = 2**31 - 1

# Of ISO/IEC 23091-2: sRGB on a screen, as Y'CbCr of BT.601.
_PRIMARIES_BT709, _TRANSFER_SRGB, _MATRIX_BT601 = 1, 13, 6
_LIMITED_RANGE, _FULL_RANGE = 1, 2


MAX_SIDE = 16384
"""The most columns or rows that x264 takes."""

# By so much less is the rate factor of what rests.
_FINER = 8


class H264Error(Exception):
    """A picture cannot be encoded; the text is one clear sentence."""


@cache
def _fraction(numerator: int, denominator: int) -> "Fraction":
    # Loaded with PyAV: by itself it takes longer than this module.
    from fractions import Fraction

    return Fraction(numerator, denominator)


class Coded(NamedTuple):
    """One frame, coded."""

    data: bytes
    """As a byte stream (ISO/IEC 14496-10, annex B); parameter sets come before a key frame."""
    is_key: bool
    """Whether decoding may begin with it."""


@cache
def unavailable() -> str:
    """Say in one sentence why nothing can be encoded; empty if it can.

    The first call loads PyAV, which takes some 0.2 s and 40 MB.
    """
    try:
        import av
    except ImportError:
        return "H.264 needs PyAV, which is not installed: pip install webcapd[h264]"
    if "libx264" not in av.codecs_available:
        return "H.264 needs x264, which this build of PyAV lacks: pip install webcapd[h264]"
    return ""


def even(pixels: Pixels) -> Pixels:
    """Give pixels without the last column or row of an odd number of them: what can be encoded."""
    height, width = pixels.shape[:2]
    return pixels[: height - height % 2, : width - width % 2]


class H264Encoder:
    """Encodes pictures of one size, one after the other; made and used by one thread."""

    def __init__(
        self, width: int, height: int, crf: int, full_color: bool = False, threads: int = 1
    ) -> None:
        """Open it; raises H264Error.

        ``width`` and ``height`` are even and at least 2: even() cuts what is not.  ``crf`` is the
        constant rate factor, 1 to 51, less is better.  ``full_color``
        keeps colours at full resolution (4:4:4), which few hardware decoders and not all browsers
        take.  More ``threads`` cut a frame in slices, at a price of CPU and bytes.
        """
        if reason := unavailable():
            raise H264Error(reason)
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise H264Error(f"pictures of {width}x{height} cannot be encoded as H.264")
        self.width, self.height, self.full_color = width, height, full_color
        self._planes: Planes | None = None
        self._crf = crf
        self._tuned = crf, True
        """The factor of the frame before, and whether motion was searched for far."""
        self._last = -1
        """The time of the last frame, in units of TIMESCALE since the first."""
        self._began = 0.0
        from av import FFmpegError

        try:
            self._context = self._open(crf, threads)
        except FFmpegError as error:
            raise H264Error(
                f"x264 cannot be opened for {width}x{height}: {error.strerror}"
            ) from None
        self._tuning = Tuning(self._context)
        self._search = Search() if self._tuning.sets_search else None

    @property
    def is_searching_far(self) -> bool:
        """Whether motion was searched for farther in the frame before than its preset does."""
        return self._tuned[1]

    def _tune(self, planes: Planes, moment: float, is_rest: bool) -> None:
        """Have the next frame encoded as fits it, as far as that can be set."""
        crf = max(1, self._crf - _FINER) if is_rest else self._crf
        wanted = crf, self._search is None or self._search.is_far(planes.words, moment)
        if wanted != self._tuned and self._tuning.set(*wanted):
            self._tuned = wanted

    def _open(self, crf: int, threads: int) -> "VideoCodecContext":
        import av

        context = av.CodecContext.create("libx264", "w")
        context.width, context.height = self.width, self.height
        context.pix_fmt = "yuv444p" if self.full_color else "yuv420p"
        context.time_base = _fraction(1, TIMESCALE)
        context.framerate = _fraction(30, 1)
        context.gop_size = _NO_END
        context.max_b_frames = 0
        context.thread_count = threads
        context.color_primaries, context.color_trc = _PRIMARIES_BT709, _TRANSFER_SRGB
        context.colorspace = _MATRIX_BT601
        context.color_range = _FULL_RANGE if self.full_color else _LIMITED_RANGE
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "crf": str(crf),
            "forced-idr": "1",
            "x264-params": FAR,
        }
        context.open()
        return context

    def encode(
        self,
        pixels: Pixels,
        moment: float,
        key: bool = False,
        changed: Iterable[Rows] | None = None,
    ) -> Coded:
        """Encode a picture; raises H264Error.

        ``pixels`` are (height, width, 4) bytes B, G, R, X, and may be a part of a larger picture;
        they are not kept.  ``moment`` is when it was on the screen, in seconds.  ``changed`` are
        the rows that may differ from the picture before, None for all: the others are not even
        looked at.  The first frame is a key frame, and each that ``key`` asks for.
        """
        if self._planes is None:
            self._planes, changed = Planes(self.width, self.height, self.full_color), None
        self._planes.follow(pixels, changed)
        return self.encode_planes(self._planes, moment, key)

    def encode_planes(
        self, planes: Planes, moment: float, key: bool = False, is_rest: bool = False
    ) -> Coded:
        """Encode a picture whose pixels were converted before; raises H264Error.

        One that rests is encoded finer, where the rate factor can be set.
        """
        self._tune(planes, moment, is_rest)
        from av import FFmpegError
        from av.video.frame import PictureType

        if self._last < 0:
            self._began = moment
        # Times rise, whatever the clock does.
        self._last = max(self._last + 1, round((moment - self._began) * TIMESCALE))
        frame = planes.frame
        frame.pts, frame.time_base = self._last, _fraction(1, TIMESCALE)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        try:
            packets = self._context.encode(frame)
        except FFmpegError as error:
            raise H264Error(f"x264 failed: {error}") from None
        if len(packets) != 1:
            raise H264Error(f"x264 gave {len(packets)} frames for one")
        return Coded(bytes(packets[0]), packets[0].is_keyframe)

    def close(self) -> None:
        """Give its memory back; it encodes no more."""
        del self._context, self._tuning
        self._planes = None
