"""A feed that delivers what a test gives it, and feeds as sources."""

from typing import TypeVar

from webcapd.base.waker import Waker
from webcapd.capture.decoration import Decoration
from webcapd.capture.feeds.fed import FeedSource
from webcapd.capture.feeds.feed import Feed, FeedPicture
from webcapd.capture.options import CaptureOptions
from webcapd.capture.source import Source


class Given(Feed):
    """Delivers the pictures that a test gives it."""

    name = "given:"

    def __init__(self, picture: FeedPicture) -> None:
        self.picture: FeedPicture | None = picture
        self.news = Waker()
        self.is_new = True

    def give(self, picture: FeedPicture) -> None:
        self.picture, self.is_new = picture, True
        self.news.wake()

    def open(self) -> tuple[int, int]:
        assert self.picture is not None
        self.is_new = True
        return self.picture.width, self.picture.height

    def fileno(self) -> int:
        return self.news.fileno()

    def pending(self) -> bool:
        self.news.clear()
        return self.is_new

    def take(self) -> FeedPicture | None:
        self.news.clear()
        taken, self.is_new = self.picture if self.is_new else None, False
        return taken

    def close(self) -> None: ...

    def dispose(self) -> None:
        self.news.close()


_Source = TypeVar("_Source", bound=Source)


def opened_as(source: _Source) -> _Source:
    """Open a source, and give it."""
    source.open(lambda: None)
    return source


def opened(feed: Feed, options: CaptureOptions | None = None) -> FeedSource:
    return opened_as(FeedSource(feed, options or CaptureOptions(), Decoration("", "br", 0.0, "")))


def ended(source: FeedSource) -> None:
    source.close()
    source.dispose()
