"""What captures give: frames of pixels, and packets of bytes."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from webcapd.app.api.error import Error
from webcapd.base.process.late import NDArray, np
from webcapd.capture.geometry import Rectangle as Rectangle

Pixels: TypeAlias = "NDArray[np.uint8]"


class Taken(NamedTuple):
    """When a frame was taken, and the how manieth it is."""

    number: int
    """Counts what a capture has given, from 1."""
    time: float
    """When the pixels were grabbed: seconds of Unix time."""
    monotonic: float
    """The screen looked like it at this moment of time.monotonic(), or later."""


class _Given:
    """What frames and packets have in common: size, number and times."""

    __slots__ = ("height", "output", "taken", "width")

    def __init__(self, output: str, size: tuple[int, int], taken: Taken) -> None:
        self.output = output
        """Which of the outputs it is."""
        self.width, self.height = size
        self.taken = taken

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture, in pixels."""
        return self.width, self.height

    @property
    def number(self) -> int:
        """Counts what this capture has given, from 1."""
        return self.taken.number

    @property
    def time(self) -> float:
        """When the pixels were grabbed: seconds of Unix time, as of time.time()."""
        return self.taken.time

    @property
    def monotonic(self) -> float:
        """The screen looked like it at this moment of time.monotonic(), or later."""
        return self.taken.monotonic


class Frame(_Given):
    """The screen at a moment, as pixels.

    It may be kept, and be used in any thread.  So may its pixels, which are a copy of their own
    and writable, unless it is of output ``raw``: then ``pixels`` is the very memory of the
    capture, read-only, and there while the callback runs and no longer.
    """

    __slots__ = ("_pixels", "changed")

    def __init__(
        self,
        pixels: Pixels,
        output: str,
        size: tuple[int, int],
        changed: tuple[Rectangle, ...],
        taken: Taken,
    ) -> None:
        super().__init__(output, size, taken)
        self._pixels: Pixels | None = pixels
        self.changed = changed
        """Where it differs from the frame that this capture gave before: (x, y, width, height).

        All of it in the first frame, and in the first of another size.  No two overlap; each is
        whole tiles, 16 rows high and up to a sixth of the screen wide.
        """

    @property
    def pixels(self) -> Pixels:
        """Bytes, from the top left.

        ``raw`` (height, width, 4) B, G, R, X; X means nothing.  ``bgr`` and ``rgb`` (height,
        width, 3).  ``gray`` (height, width).  ``i420`` and ``nv12`` (height * 3 / 2, width), in
        BT.601 of limited range, as OpenCV makes it.  Raises Error for a raw frame whose callback
        has returned.
        """
        if self._pixels is None:
            raise Error(
                "the pixels of a raw frame are there while its callback runs: "
                "keep frame.pixels.copy(), or ask for another output"
            )
        return self._pixels

    def revoke(self) -> None:
        """Let go of the pixels; they are not the frame's any more."""
        self._pixels = None

    def __repr__(self) -> str:
        return f"<Frame {self.number}: {self.width}x{self.height} {self.output}>"


class Stripe(NamedTuple):
    """Some rows of a picture, as H.264 that is a stream of its own."""

    data: bytes
    """What an encoder made of one picture (Annex B), parameter sets before each key frame."""
    y: int
    """The first row."""
    height: int
    """How many rows; as wide as the picture."""
    is_key: bool
    """Whether decoding may begin with it."""


class Packet(_Given):
    """What a capture gives where that is bytes: a JPEG, records of updates, or H.264.

    It may be kept, and be used in any thread.
    """

    __slots__ = ("_data", "is_key", "stripes")

    def __init__(
        self,
        data: bytes | None,
        output: str,
        size: tuple[int, int],
        taken: Taken,
        is_key: bool = True,
        stripes: tuple[Stripe, ...] = (),
    ) -> None:
        super().__init__(output, size, taken)
        self._data = data
        self.is_key = is_key
        """Whether it can be decoded without those before it."""
        self.stripes = stripes
        """Of H.264: the stripes that changed, from the top down; of a whole frame, one."""

    @property
    def data(self) -> bytes:
        """All of it; raises Error for H.264 in stripes, each of which is for another decoder."""
        if self._data is None:
            raise Error(
                "this H.264 is in stripes, which packet.stripes has; "
                "h264_fullframe=True gives whole frames"
            )
        return self._data

    def __repr__(self) -> str:
        parts = [stripe.data for stripe in self.stripes] if self._data is None else [self._data]
        return f"<Packet {self.number}: {sum(map(len, parts))} bytes of {self.output}>"
