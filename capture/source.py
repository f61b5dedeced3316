"""The contract between whoever delivers pixels and the encoder thread."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from webcapd.capture.geometry import Rectangle

if TYPE_CHECKING:
    # Whoever needs the errors alone, to check an option, needs no NumPy.
    from webcapd.capture.framebuffer import FrameBuffer


class SourceError(Exception):
    """A source could not be opened or was lost; the text is one clear sentence."""


class SourceNotReady(SourceError):
    """What is to be shown is not there yet; it may come by itself."""


class SourceChanged(Exception):
    """The source's geometry is no longer what was opened: close it and open it again."""


class Descriptors(NamedTuple):
    """What turns readable when a source has something to tell."""

    events: int
    """When pending() may have become true."""
    urgent: int | None
    """When pending() has to be called, whatever is due when; None if nothing cannot wait."""
    drawn: int | None = None
    """When refresh_small() may have something to bring in; None if it never has."""


@dataclass(frozen=True)
class OpenedStatus:
    """How a source was opened last."""

    area: Rectangle
    """The part shown, in pixels of the whole."""
    whole: tuple[int, int]
    """Width and height of the whole, in pixels."""
    pixel_format: str
    shows_pointer: bool
    ways: Mapping[str, object] = field(default_factory=dict)
    """How pixels and damage come, as ``/?info`` has it, where there is more than one way."""

    def report(self) -> dict[str, object]:
        """Give it as ``/?info`` has it."""
        return {
            "width": self.area.width,
            "height": self.area.height,
            "x": self.area.x,
            "y": self.area.y,
            "screen": "{}x{}".format(*self.whole),
            "format": self.pixel_format,
            "cursor": self.shows_pointer,
            **self.ways,
        }


@dataclass(frozen=True)
class SourceStatus:
    """What is known of a source; of its parts, one may be a moment older than another."""

    name: str
    opened: OpenedStatus | None
    """None before it was opened for the first time."""
    counts: Mapping[str, int]
    """What refreshing has cost and found since the start."""
    poll_heat: Mapping[str, int] | None
    """Bands that polling looks at more or less eagerly; None where it is not polled, or lost."""
    feed: Mapping[str, object] | None = None
    """What else a feed tells; None of a screen."""

    def report(self) -> dict[str, object]:
        """Give it as ``/?info`` has it."""
        opened = {} if self.opened is None else self.opened.report()
        feed = {} if self.feed is None else {"feed": self.feed}
        return {"display": self.name, **opened, **self.counts, "pollHeat": self.poll_heat, **feed}


class Source(Protocol):
    """Where pixels come from; an X11 screen is one.

    Encoder thread only, but for interrupt() and status().  After open() the
    frame buffer stays the same object until close().
    """

    @property
    def name(self) -> str:
        """What is shown, as users name it; the same for good."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frame buffer, in pixels; only between open and close."""

    @property
    def frame_buffer(self) -> "FrameBuffer":
        """What refresh() keeps up to date, all of what is shown; only between open and close."""

    def open(self, progress: Callable[[], None]) -> None:
        """Connect and size the frame buffer; raises SourceError, SourceNotReady.

        ``progress`` is called, until it is closed, whenever a slow call gets on.
        """

    def close(self) -> None:
        """Give everything back; safe after a failure and when not open."""

    def dispose(self) -> None:
        """Give back what outlives close(); the encoder thread has ended."""

    def comeback(self) -> int | None:
        """While closed: give what turns readable when may_be_back() is to be asked, if anything."""

    def may_be_back(self) -> bool:
        """While closed: whether something says that open() is worth another try just now."""

    def descriptors(self) -> Descriptors:
        """Give what to wait for; the same until close().  Raises SourceError."""

    def set_watched(self, fps: float) -> None:
        """Say how many frames a second are followed at most, 0 if nobody follows.

        What only a viewer cares for need not be reported else.  Raises SourceError.
        """

    def pending(self, poll: bool = False) -> bool:
        """Whether a refresh is likely to find new pixels; never waits for events.

        With ``poll``, what no event reports is asked for too, if that is due.  Raises SourceError.
        """

    def seconds_until_poll(self) -> float:
        """Seconds until it is due to ask for what no event reports; infinite if nothing is."""

    def seconds_until_due(self) -> float:
        """Seconds that followers may be left without a refresh when nothing is pending."""

    def refresh(self) -> list[int]:
        """Bring the frame buffer up to date; lists the bands that look different, ascending.

        Everything drawn before the call is in the frame buffer after it.
        Raises SourceChanged or SourceError.
        """

    def refresh_small(self) -> list[int]:
        """Bring in just what little was drawn apart from what moves; for refresh() is not due yet.

        Lists the bands that look different, as refresh() does: none if there is no such thing,
        or if it is not known where was drawn.  All else is left as it was, and for refresh().
        To be called after pending().  Raises SourceChanged or SourceError.
        """

    def interrupt(self) -> None:
        """Make a blocked call, and all until close(), fail by SourceError; from any thread.

        Its sentence says that the source does not answer.
        """

    def status(self) -> SourceStatus:
        """Tell what is known of it; from any thread."""
