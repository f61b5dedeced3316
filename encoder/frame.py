"""A frame: one complete JPEG, with its history."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """One complete JPEG.  Never changed: any thread may hold it."""

    sequence: int
    """Counts a variant's frames, from where its run begins; differs whenever the picture does."""
    jpeg: bytes
    width: int
    height: int
    quality: int
    captured: float
    """When the pixels were grabbed: seconds of CLOCK_REALTIME."""
    encoded: float
    """When it was complete: seconds of CLOCK_REALTIME."""
    outage: str = ""
    """For a placeholder: why there is no picture, in one sentence."""
