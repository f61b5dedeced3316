"""What an encoded stripe is, and what is asked of whoever encodes one."""

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from webcapd.capture.picture import Picture
from webcapd.encoder.stripes.layout import Rows


@dataclass(frozen=True)
class StripeSettings:
    """How stripes are encoded."""

    jpeg_quality: int = 85
    paint_over_jpeg_quality: int = 0
    """Of a stripe that has not changed for ``calm`` seconds; 0 where it stays as it is."""
    crf: int = 25
    """The constant rate factor of H.264, 1 to 51; less is better."""
    paint_over_crf: int = 0
    """That of a stripe that has not moved for ``calm`` seconds; 0 where it stays as it is."""
    calm: float = math.inf


class Stripe(NamedTuple):
    """Some rows of one frame, encoded.  Never changed: any thread may hold it."""

    data: bytes
    """A complete JPEG, or what an H.264 encoder made of one picture (Annex B)."""
    rows: Rows
    width: int
    is_key: bool
    """Whether it is decoded without any stripe before it."""
    reference: int = -1
    """The number of the frame that it builds on; -1 where it is a key."""
    is_video: bool = False


class StripedFrame(NamedTuple):
    """What of a frame is new.  Moments are nanoseconds of CLOCK_MONOTONIC."""

    number: int
    stripes: tuple[Stripe, ...]
    """From the top down; those that look as before are left out."""
    captured: int
    """The screen looked like it at this moment or later."""
    begun: int
    ended: int
    """When its encoding began and ended."""


class StripeEncoder(Protocol):
    """Encodes the same rows of one picture after the other.

    For the encoder thread, but encode(): of each, that is called in one thread at a time, while
    the encoder thread waits.
    """

    rows: Rows
    due: float
    """When it has something to send though nothing is new: seconds of CLOCK_MONOTONIC."""

    def look(self, picture: Picture, settings: StripeSettings, now: float, whole: bool) -> bool:
        """Take note of a picture; tells whether there is something to send, to be encoded next.

        ``whole`` asks for something that is decoded without any stripe before it, new or not.
        """

    def encode(self, picture: Picture, number: int, now: float) -> Stripe:
        """Encode what its rows show in the picture looked at last, which is frame ``number``."""

    def close(self) -> None:
        """Give everything back."""
