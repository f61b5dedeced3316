"""The contract between whoever delivers pixels and the encoder thread."""

from collections.abc import Mapping
from typing import Protocol

from webcapd.capture.framebuffer import FrameBuffer


class SourceError(Exception):
    """A source could not be opened or was lost; the text is one clear sentence."""


class SourceChanged(Exception):
    """The source's geometry is no longer what was opened: close it and open it again."""


class Source(Protocol):
    """Where pixels come from; an X11 screen is one.

    Encoder thread only, but for interrupt() and status().  After open() the
    frame buffer stays the same object until close().
    """

    @property
    def frame_buffer(self) -> FrameBuffer:
        """The full frame buffer that look() keeps up to date."""

    def open(self) -> None:
        """Connect and size the frame buffer; raises SourceError."""

    def close(self) -> None:
        """Give everything back; safe after a failure and when not open."""

    def fileno(self) -> int:
        """Descriptor that turns readable when pending() may have news."""

    def pending(self) -> bool:
        """Whether a look may find new pixels; never blocks.

        Raises SourceChanged or SourceError.
        """

    def look(self) -> list[int]:
        """Bring the frame buffer up to date; returns the bands that really changed.

        Everything drawn before the call is in the frame buffer after it.
        Raises SourceChanged or SourceError.
        """

    def interrupt(self) -> None:
        """Make a blocked or later call fail with SourceError; from any thread."""

    def status(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of the source; from any thread."""
