"""What callbacks are given, as pixelflux 1.x and 2.x have it."""

from collections.abc import Callable
from typing import Any


class StripeCallback:
    """Holds the function that a capture of 1.x calls: ``callback(result, user_data)``."""

    def __init__(self, callback: Callable[[Any, Any], object]) -> None:
        """Take a function; raises TypeError for what cannot be called."""
        if not callable(callback):
            raise TypeError("StripeCallback() takes a function of a result and user_data")
        self.callback = callback

    def __call__(self, result: "StripeEncodeResult", user_data: object) -> object:
        """Call it, as the ctypes versions of 1.x may."""
        return self.callback(result, user_data)


class StripeEncodeResult:
    """A stripe as 1.x gives it.  Never changed, and lives as long as somebody holds it."""

    __slots__ = ("data", "frame_id", "stripe_height", "stripe_y_start", "type")

    def __init__(self, data: bytes, kind: int, top: int, height: int, frame_id: int) -> None:
        self.data = data
        """The header of 1.x, and then the JPEG or the H.264 (Annex B)."""
        self.type = kind
        """1 JPEG, 2 H.264."""
        self.stripe_y_start, self.stripe_height = top, height
        self.frame_id = frame_id
        """Counts frames, modulo 65536."""

    @property
    def size(self) -> int:
        """Bytes of data."""
        return len(self.data)

    @property
    def contents(self) -> "StripeEncodeResult":
        """The result itself, for programs that were given a pointer (ctypes)."""
        return self


class StripeFrame(bytes):
    """A stripe as 2.x gives it.  Never changed, and lives as long as somebody holds it.

    It *is* bytes: before Python 3.12 (PEP 688) no class written in Python can offer the buffer
    protocol in another way.  ``memoryview(frame)`` copies nothing.
    """

    data_type: int
    """0 JPEG, 1 H.264."""
    stripe_y_start: int
    stripe_height: int
    frame_id: int
    """Counts frames, modulo 65536."""
    reference_frame_id: int
    """The frame that it builds on; -1 where it is decoded on its own, -2 for JPEG."""
    capture_ns: int
    """Nanoseconds of CLOCK_MONOTONIC, as time.monotonic_ns() gives; so are the other two."""
    encode_start_ns: int
    encode_end_ns: int

    def __new__(
        cls,
        data: bytes,
        data_type: int = 0,
        stripe_y_start: int = 0,
        stripe_height: int = 0,
        frame_id: int = 0,
        reference_frame_id: int = -2,
        times: tuple[int, int, int] = (0, 0, 0),
    ) -> "StripeFrame":
        """Make one; ``times`` are those of capture, and of the encoding's begin and end."""
        frame = super().__new__(cls, data)
        frame.data_type = data_type
        frame.stripe_y_start, frame.stripe_height = stripe_y_start, stripe_height
        frame.frame_id, frame.reference_frame_id = frame_id, reference_frame_id
        frame.capture_ns, frame.encode_start_ns, frame.encode_end_ns = times
        return frame

    def __repr__(self) -> str:
        return (
            f"<StripeFrame {self.frame_id} y={self.stripe_y_start} "
            f"height={self.stripe_height}, {len(self)} bytes>"
        )
