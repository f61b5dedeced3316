"""The contract between whatever delivers whole pictures and the source made of it.

A feed is what ``--source SCHEME:REST`` names.  To add one: a file here with a subclass of
``Feed`` and a function ``parse(rest, context)`` that makes it, a line in ``registry.py``, a row
in ``docs/sources.md``.  All else is done by ``FeedSource`` (fed.py): the frame buffer, finding
out what changed, masks, the part shown, watermark and caption, the placeholder while there is
no picture, and trying again.

    parse()     raises ValueError with a sentence, that quotes no secret; takes no descriptor,
                starts no thread
    open()      what is needed to deliver; gives the size of the first picture
    pending()   whether take() is likely to give another picture
    take()      the newest picture, or None if it is the one that was taken last
    close()     gives back what open() took; it may be opened again
    dispose()   gives back the rest, for good

The encoder thread sleeps until ``fileno()`` turns readable or ``seconds_until_new()`` are over,
asks pending(), and takes when somebody wants to see it: who has nothing new wakes nobody, and
what nobody watches is not taken.  Nothing may wait for a network, a device or another
program: such a feed has a thread of its own, that puts pictures into a ``NewestCell`` (newest.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from webcapd.capture.feeds.received.reception import Reception
from webcapd.capture.geometry import Rectangle
from webcapd.capture.overlay import Pixels

# What JPEG and memory stand: 8K is 33 million pixels.
MAX_SIDE, MAX_PIXELS = 16384, 67_108_864


@dataclass(frozen=True)
class FeedPicture:
    """One whole picture; valid until the next take() or close() of the feed it is from."""

    width: int
    height: int
    copy_to: Callable[[Pixels, Rectangle], None]
    """Writes a part of the picture, which lies within it, to (height, width, 4) bytes B, G, R, X.

    Each row of that array is in one piece, but all together need not be.  It may raise
    SourceError, as take() may.
    """
    changed: Sequence[Rectangle] | None = None
    """Where it differs from the picture taken before; None where that is not known.

    It is believed, and nothing else is copied.  Of the first after open() it says nothing.
    """
    captured: float | None = None
    """When it was taken: seconds of CLOCK_REALTIME; None if nobody knows."""
    coded: bytes | None = None
    """The whole JPEG that it came as, fit to be sent to any viewer: baseline, no errors.

    Who wants the picture as it is gets these very bytes.  copy_to(), which decodes them then, is
    called only if somebody wants another variant, and must not fail.
    """

    @property
    def area(self) -> Rectangle:
        return Rectangle(0, 0, self.width, self.height)


class Feed(ABC):
    """Delivers pictures.  Encoder thread only, but for interrupt() and status()."""

    name = ""
    """What is shown, as users named it, without secrets and blanks; given by the registry."""

    tells_end = False
    """Whether fileno(), while nobody watches, turns readable where it is lost, and only there."""

    @abstractmethod
    def open(self) -> tuple[int, int]:
        """Get ready to deliver; gives width and height of the picture that take() gives first.

        Raises SourceNotReady where there is no picture yet and one may come, which is waited
        for at the start of webcapd too; SourceError where there is none, which ends webcapd
        at its start.  Both are shown in the placeholder: one sentence, that names the feed
        and holds no secrets.  Then close() is called, and open() again within a second.
        """

    @abstractmethod
    def take(self) -> FeedPicture | None:
        """Give the newest picture; None if it is the one that was given last.

        The first time after open() it gives one.  A picture of another size has the
        feed closed and opened again, and has to be given again then.  Raises SourceError
        when it is lost, SourceNotReady when there is no picture any more and one may come.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back what open() took; safe after a failure, and when not open."""

    def dispose(self) -> None:  # noqa: B027
        """Give back what outlived close(), for good; not open any more."""

    def fileno(self) -> int | None:
        """Give what turns readable when pending() may have become true; None for nothing.

        The same from open() to close().  While the feed is closed, it is what turns readable
        when open() is worth another try.  pending() and take() make it unreadable again.
        """
        return None

    def pending(self) -> bool:
        """Whether take() is likely to give another picture, or to fail; never waits.

        While the feed is closed: whether open() is worth another try.
        """
        return False

    def check(self) -> None:  # noqa: B027
        """Raise what take() raises, if pending() has found it lost; where it tells of its end."""

    def seconds_until_new(self) -> float:
        """Seconds until pending() becomes true by the clock alone; infinite if it does not."""
        return inf

    def set_watched(self, fps: float) -> None:  # noqa: B027
        """Say how many pictures a second are taken at most from now on, 0 if nobody watches."""

    def interrupt(self) -> None:  # noqa: B027
        """Make a call that hangs, and all until close(), fail by SourceError; from any thread."""

    def status(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of it beside size and name; from any thread."""
        return {}


def _make_none(source: str) -> Feed:
    raise ValueError("there are no sources within this one")


@dataclass(frozen=True)
class FeedContext:
    """What feeds need beside their own words; handed to every parse()."""

    make: Callable[[str], Feed] = _make_none
    """Makes the feed that a whole SCHEME:REST names; raises ValueError with a sentence."""
    secret_for: Callable[[str], str] = field(default=lambda host: "")
    """Gives what the file of --source-auth-file has for a host (HOST or HOST:PORT), else ""."""
    pointer: bool = True
    """Whether the pointer of a display is shown."""
    any_owner: bool = False
    """Whether files that belong to other users than this one and root may be shown."""
    scheme: str = ""
    """The scheme that the feed is named by; given by the registry."""
    reception: Reception = field(default_factory=Reception)
    """Where pictures go that are sent to us, and who may send them."""
