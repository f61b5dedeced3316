"""``pattern:NAME[,size=WxH][,fps=N][,seed=N]``: a test screen."""

import time
from math import floor, inf

from webcapd.capture.feeds.feed import Feed, FeedContext, FeedPicture
from webcapd.capture.feeds.pixels import picture_of, size_obstacle
from webcapd.capture.feeds.settings import parse_fps, parse_seed, split_settings
from webcapd.capture.geometry import parse_size
from webcapd.capture.patterns.painter import Painter
from webcapd.capture.patterns.patterns import painter_class

_SIZE = (1280, 720)


def parse(rest: str, context: FeedContext) -> "PatternFeed":
    """Make the feed; raises ValueError with a sentence."""
    readers = {"size": parse_size, "fps": parse_fps, "seed": parse_seed}
    name, settings = split_settings(rest, readers)
    if "," in name:
        unknown = name.partition(",")[2]
        raise ValueError(f"a pattern has size=WxH, fps=N and seed=N, and no {unknown!r}")
    kind = painter_class(name)
    size = settings.get("size", _SIZE)
    if obstacle := size_obstacle(*size):
        raise ValueError(obstacle)
    fps = settings.get("fps", kind.fps) if kind.fps else 0.0
    return PatternFeed(kind, size, fps, settings.get("seed", 0))


class PatternFeed(Feed):
    """Paints a frame when somebody wants to see one; numbers go on when nobody does."""

    def __init__(self, kind: type[Painter], size: tuple[int, int], fps: float, seed: int) -> None:
        """``fps`` is 0 where all frames are alike."""
        self._kind, self._size, self._fps, self._seed = kind, size, fps, seed
        self._began: float | None = None
        """When frame 0 was due, in seconds of CLOCK_MONOTONIC."""
        self._painter: Painter | None = None

    def open(self) -> tuple[int, int]:
        if self._began is None:
            self._began = time.monotonic()
        self._painter = self._kind(*self._size, self._seed)
        return self._size

    def close(self) -> None:
        self._painter = None

    def _frame(self) -> float:
        """Give the number of the frame that is due, and how much of its time is over."""
        return (time.monotonic() - (self._began or 0.0)) * self._fps

    def pending(self) -> bool:
        return self.seconds_until_new() <= 0

    def seconds_until_new(self) -> float:
        shown = self._painter.shown if self._painter is not None else None
        if shown is None:
            return 0.0
        return max(0.0, (shown + 1 - self._frame()) / self._fps) if self._fps else inf

    def take(self) -> FeedPicture | None:
        assert self._painter is not None, "the feed is not open"
        frame, moment = floor(self._frame()), time.time()
        if self._painter.shown == frame:
            return None
        changed = self._painter.paint(frame, moment)
        return picture_of(self._painter.pixels, changed=changed, captured=moment)
