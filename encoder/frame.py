"""A frame: one complete JPEG, with its history."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """One complete JPEG of the whole screen.  Never changed: any thread may hold it."""

    sequence: int
    """Counts published frames from 1; differs whenever the picture does."""
    jpeg: bytes
    width: int
    height: int
    captured: float
    """When the pixels were grabbed: seconds of CLOCK_REALTIME."""
    encode_seconds: float
    """How long hashing and encoding took."""
    outage: str = ""
    """For a placeholder: why there is no picture, in one sentence."""
