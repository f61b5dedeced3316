"""``x11:DISPLAY``: a display as a feed, to be mixed with others or to be one of several."""

from math import inf

from webcapd.capture.decoration import Decoration
from webcapd.capture.feeds.feed import Feed, FeedContext, FeedPicture
from webcapd.capture.filters.filtered import changed_places
from webcapd.capture.geometry import Rectangle
from webcapd.capture.options import CaptureOptions
from webcapd.capture.overlay import Pixels
from webcapd.capture.picture import BandKey
from webcapd.capture.x11.dial import parse_name
from webcapd.capture.x11.screen import Screen

# What bands that are polled go by.
_FPS = 30.0


def parse(rest: str, context: FeedContext) -> "ScreenFeed":
    """Make the feed; raises ValueError with a sentence."""
    parse_name(rest)
    return ScreenFeed(rest, context.pointer)


class ScreenFeed(Feed):
    """A whole display, perhaps with the pointer in its picture."""

    def __init__(self, display: str, pointer: bool) -> None:
        options = CaptureOptions(capture_cursor=pointer)
        self._screen = Screen(display, options, _FPS, Decoration("", "none", 0.0, ""))
        self._is_open = False
        self._seen: list[BandKey] = []
        """Keys of the bands that were taken last."""

    def open(self) -> tuple[int, int]:
        self._screen.open(lambda: None)
        self._is_open = True
        buffer = self._screen.frame_buffer
        self._seen = [()] * buffer.layout.count
        return buffer.width, buffer.height

    def take(self) -> FeedPicture | None:
        self._screen.refresh()
        buffer = self._screen.frame_buffer
        with buffer.composed() as bare, bare.with_pointer() as picture:
            changed = changed_places(picture.layout, self._seen, picture.keys)
            self._seen = list(picture.keys)
        return FeedPicture(buffer.width, buffer.height, self._copy_to, changed) if changed else None

    def _copy_to(self, target: Pixels, part: Rectangle) -> None:
        with self._screen.frame_buffer.composed() as bare, bare.with_pointer() as picture:
            target[:] = picture.pixels[part.y : part.bottom, part.x : part.right]

    def fileno(self) -> int | None:
        return self._screen.descriptors().events if self._is_open else None

    def pending(self) -> bool:
        return self._is_open and (
            self._screen.pending(poll=self._screen.seconds_until_poll() <= 0)
            or self._screen.seconds_until_due() <= 0
        )

    def seconds_until_new(self) -> float:
        if not self._is_open:
            return inf
        return min(self._screen.seconds_until_poll(), self._screen.seconds_until_due())

    def set_watched(self, fps: float) -> None:
        self._screen.set_watched(fps)

    def close(self) -> None:
        self._is_open = False
        self._screen.close()

    def interrupt(self) -> None:
        self._screen.interrupt()
