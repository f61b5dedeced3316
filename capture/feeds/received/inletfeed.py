"""A feed whose pictures come in by an inlet."""

from collections.abc import Mapping

from webcapd.capture.feeds.feed import Feed, FeedPicture
from webcapd.capture.feeds.received.inlet import Inlet


class InletFeed(Feed):
    """Shows what others put into an inlet."""

    def __init__(self, inlet: Inlet[FeedPicture]) -> None:
        self._inlet = inlet
        self._is_open = False

    def open(self) -> tuple[int, int]:
        picture = self._inlet.open()
        self._is_open = True
        return picture.width, picture.height

    def take(self) -> FeedPicture | None:
        return self._inlet.take()

    def close(self) -> None:
        self._is_open = False

    def dispose(self) -> None:
        self._inlet.close()

    def fileno(self) -> int | None:
        return self._inlet.fileno()

    def pending(self) -> bool:
        return self._inlet.changed() if self._is_open else self._inlet.is_there()

    def seconds_until_new(self) -> float:
        return self._inlet.seconds_left()

    def status(self) -> Mapping[str, object]:
        return self._inlet.status()
