"""A feed as a source: its pictures in a frame buffer, masked, cut to the part shown."""

import functools
import select
from collections.abc import Callable, Iterable, Mapping, Sequence

from webcapd.capture.decoration import Decoration
from webcapd.capture.feeds.buffer import FeedBuffer
from webcapd.capture.feeds.feed import Feed, FeedPicture
from webcapd.capture.geometry import Rectangle
from webcapd.capture.options import CaptureOptions
from webcapd.capture.overlay import Pixels
from webcapd.capture.pixelformat import BGRX
from webcapd.capture.selector import RefreshCounts
from webcapd.capture.source import (
    Descriptors,
    OpenedStatus,
    SourceChanged,
    SourceError,
    SourceStatus,
)

# Pictures in a row of which each tile had changed, after which this is expected.
_MOVES_ALL_OVER = 8


class FeedSource:
    """Shows a part of a feed's pictures, or all of them.

    Encoder thread only, but for interrupt() and status().
    """

    def __init__(self, feed: Feed, options: CaptureOptions, decoration: Decoration) -> None:
        """Prepare; nothing is opened yet."""
        self.name = feed.name
        self._feed = feed
        self._wanted = Rectangle(
            options.capture_x, options.capture_y, options.width, options.height
        )
        self._masks = tuple(options.mask)
        self._decoration = decoration
        self._counts = RefreshCounts()
        self._frame_buffer: FeedBuffer | None = None
        self._whole = (0, 0)
        """Width and height of the feed's pictures."""
        self._area = Rectangle(0, 0, 0, 0)
        """The part of them that is shown."""
        self._epoll: select.epoll | None = None
        """Readable when the feed's descriptor is, but for what is known already."""
        self._listens = False
        self._has_picture = False
        self._moves = 0
        """How many times in a row all tiles had changed."""
        """Whether the frame buffer shows any, since it was opened."""
        self._pending = True
        """Whether it is known that the feed has something new."""
        # Replaced whole by the encoder thread, never changed: others may read it.
        self._opened: OpenedStatus | None = None

    @property
    def size(self) -> tuple[int, int]:
        return self._area.size

    @property
    def frame_buffer(self) -> FeedBuffer:
        assert self._frame_buffer is not None, "the source is not open"
        return self._frame_buffer

    def open(self, progress: Callable[[], None]) -> None:
        """Open the feed and size the frame buffer; raises SourceError, SourceNotReady."""
        try:
            self._whole = self._feed.open()
            self._area = part_shown(self._wanted, self._whole)
            self._frame_buffer = FeedBuffer(*self._area.size)
            self._epoll = select.epoll()
        except (OSError, MemoryError) as error:
            reason = getattr(error, "strerror", None) or "out of memory"
            raise SourceError(f"cannot open {self.name}: {reason}") from None
        self._pending, self._has_picture, self._moves = True, False, 0
        self._opened = OpenedStatus(
            area=self._area,
            whole=self._whole,
            pixel_format=str(BGRX),
            shows_pointer=False,
        )

    def close(self) -> None:
        if self._epoll is not None:
            self._epoll.close()
        self._epoll, self._listens = None, False
        self._frame_buffer = None
        self._feed.close()

    def dispose(self) -> None:
        self._feed.dispose()

    def interrupt(self) -> None:
        self._feed.interrupt()

    def comeback(self) -> int | None:
        return self._feed.fileno()

    def may_be_back(self) -> bool:
        return self._feed.pending()

    def descriptors(self) -> Descriptors:
        assert self._epoll is not None, "the source is not open"
        return Descriptors(self._epoll.fileno(), None)

    def set_watched(self, fps: float) -> None:
        self._feed.set_watched(fps)

    def pending(self, poll: bool = False) -> bool:
        tells_end = self._feed.tells_end
        if tells_end or not self._pending:
            self._pending = self._feed.pending() or self._pending
        # What is known need not wake anybody again: a feed that nobody watches
        # wakes the thread once, or by its end.
        self._listen(not self._pending or tells_end)
        self._feed.check()
        return self._pending

    def _listen(self, wanted: bool) -> None:
        """Have the feed's descriptor wake whoever waits, or not."""
        descriptor = self._feed.fileno()
        if descriptor is None or wanted == self._listens or self._epoll is None:
            return
        if wanted:
            self._epoll.register(descriptor, select.EPOLLIN)
        else:
            self._epoll.unregister(descriptor)
        self._listens = wanted

    def seconds_until_poll(self) -> float:
        return self._feed.seconds_until_new()

    def seconds_until_due(self) -> float:
        return self._decoration.seconds_until_due()

    def refresh(self) -> list[int]:
        self._pending = False
        picture = self._feed.take()
        changed: Iterable[int] = ()
        self._counts.refreshes += 1
        if picture is not None:
            if (picture.width, picture.height) != self._whole:
                raise SourceChanged
            changed = self._take_over(picture)
        overlays = self._decoration.overlays(*self._area.size)
        return sorted({*changed, *self.frame_buffer.set_overlays(overlays)})

    def refresh_small(self) -> list[int]:
        """Nothing: its pictures come whole."""
        return []

    def _take_over(self, picture: FeedPicture) -> Iterable[int]:
        """Show a picture; gives the bands that look different."""
        # What was not brought in lacks what is not said to have changed since, too.
        knows = picture.changed is not None and self._has_picture and not self.frame_buffer.lags
        parts = picture.changed if knows else None
        self._has_picture = True
        if picture.coded and self._area == picture.area and not self._masks:
            bring_in = functools.partial(self._bring_in, picture, parts)
            return self.frame_buffer.postpone(picture.coded, bring_in)
        self.frame_buffer.take_pixels()
        return self._bring_in(picture, parts)

    def _bring_in(
        self, picture: FeedPicture, changed: Sequence[Rectangle] | None
    ) -> Mapping[int, int]:
        """Copy what may have changed, None for all; gives the bands that did, and columns."""
        frame_buffer = self.frame_buffer
        places = []
        for part in self._visible([picture.area] if changed is None else changed):
            place = part.moved(-self._area.x, -self._area.y)
            target = frame_buffer.pixels[place.y : place.bottom, place.x : place.right]
            picture.copy_to(target, part)
            _blacken(target, part, self._masks)
            places.append(place)
        layout = frame_buffer.layout
        every: Mapping[int, int] = dict.fromkeys(range(layout.count), layout.every_column)
        if changed is None:
            # What moves all over is said to: then the frame buffer need not tell tiles apart.
            bands, columns = list(every), every if self._moves >= _MOVES_ALL_OVER else {}
        else:
            columns = layout.touched_tiles(places)
            bands = sorted(columns)
        found = frame_buffer.rehash(bands, columns)
        self._moves = self._moves + 1 if found == every else 0
        self._counts.bands_refreshed += len(bands)
        self._counts.changed += len(found)
        return found

    def _visible(self, parts: Iterable[Rectangle]) -> list[Rectangle]:
        """Give what of some parts of the whole picture is shown."""
        return [shown for part in parts if (shown := part.within(self._area))]

    def status(self) -> SourceStatus:
        details = self._feed.status()
        return SourceStatus(self.name, self._opened, self._counts.report(), None, dict(details))


def part_shown(wanted: Rectangle, whole: tuple[int, int]) -> Rectangle:
    """Give the part of a picture to show; no width or height reaches to the edge.

    Raises SourceError where it is not within the picture.
    """
    picture = Rectangle(0, 0, *whole)
    x, y, width, height = wanted
    area = Rectangle(x, y, width or picture.width - x, height or picture.height - y)
    if not area or area.within(picture) != area:
        size = f"{area.width}x{area.height} from {x},{y} on" if area else f"from {x},{y} on"
        raise SourceError(
            f"the region {size} is not within the picture, which is "
            f"{picture.width}x{picture.height}"
        )
    return area


def _blacken(target: Pixels, part: Rectangle, masks: Sequence[Rectangle]) -> None:
    """Blacken what is masked in the pixels of a part; both in the picture's coordinates."""
    for mask in masks:
        if hidden := mask.within(part):
            place = hidden.moved(-part.x, -part.y)
            target[place.y : place.bottom, place.x : place.right] = 0
