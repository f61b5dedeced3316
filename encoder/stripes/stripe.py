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
    """Encodes the same rows of one picture after the other.  Encoder thread only."""

    rows: Rows
    due: float
    """When it has something to send though nothing is new: seconds of CLOCK_MONOTONIC."""

    def encode(
        self, picture: Picture, number: int, settings: StripeSettings, now: float, whole: bool
    ) -> Stripe | None:
        """Encode what its rows show in frame ``number``; None if that is what was sent last.

        ``whole`` asks for something that is decoded without any stripe before it, new or not.
        """

    def close(self) -> None:
        """Give everything back."""
