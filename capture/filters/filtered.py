"""A source as filters show it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from webcapd.base.process.late import np
from webcapd.capture.bands import BandLayout
from webcapd.capture.decoration import Decoration
from webcapd.capture.filters.filter import Filter
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.geometry import Rectangle
from webcapd.capture.overlay import Pixels
from webcapd.capture.picture import BandKey, Picture
from webcapd.capture.pixelformat import BGRX
from webcapd.capture.source import Descriptors, Source, SourceError, SourceStatus

# How soon after a picture comes what a filter holds back of it.
_BEHIND_SECONDS = 1 / 60


class FilteredSource:
    """Shows what becomes of another source's pictures, the pointer in them.

    What that source masks is masked before; watermark and caption are laid over afterwards.
    Encoder thread only, but for interrupt() and status().
    """

    def __init__(self, source: Source, filters: Sequence[Filter], decoration: Decoration) -> None:
        """``source`` has no decoration of its own."""
        self.name = source.name
        self._source, self._filters, self._decoration = source, filters, decoration
        self._frame_buffer: FrameBuffer | None = None
        self._stages: list[Pixels] = []
        """What each filter makes; the last one's are the frame buffer's pixels."""
        self._seen: list[BandKey] = []
        """Keys of the bands that were filtered last."""
        self._size: tuple[int, int] | None = None
        """Width and height of what comes out; others may read it."""

    @property
    def size(self) -> tuple[int, int]:
        return self.frame_buffer.width, self.frame_buffer.height

    @property
    def frame_buffer(self) -> FrameBuffer:
        assert self._frame_buffer is not None, "the source is not open"
        return self._frame_buffer

    def open(self, progress: Callable[[], None]) -> None:
        self._source.open(progress)
        inner = self._source.frame_buffer
        width, height = inner.width, inner.height
        self._stages = []
        raw = np.zeros((0, 0), np.uint8)
        for one in self._filters:
            width, height = one.size(width, height)
            try:
                raw = np.zeros((height, width * 4), np.uint8)
            except MemoryError:
                raise SourceError(f"there is no memory to filter {self.name}") from None
            self._stages.append(raw.reshape(height, width, 4))
        self._frame_buffer = FrameBuffer(raw, width, BGRX)
        self._seen = [()] * inner.layout.count
        self._size = width, height

    def close(self) -> None:
        self._source.close()
        self._frame_buffer, self._stages, self._seen = None, [], []

    def refresh(self) -> list[int]:
        self._source.refresh()
        changed: Mapping[int, int] = {}
        with (
            self._source.frame_buffer.composed() as bare,
            bare.with_pointer() as picture,
        ):
            places = changed_places(picture.layout, self._seen, picture.keys)
            self._seen = list(picture.keys)
            if places or self._is_behind:
                changed = self._filter(picture, places)
        overlays = self._decoration.overlays(self.frame_buffer.width, self.frame_buffer.height)
        return sorted({*changed, *self.frame_buffer.set_overlays(overlays)})

    def refresh_small(self) -> list[int]:
        """Nothing: filters take all that is new."""
        return []

    def _filter(self, picture: Picture, places: Sequence[Rectangle]) -> Mapping[int, int]:
        """Filter what has changed; gives the bands that come out otherwise."""
        source = picture.pixels
        for one, out in zip(self._filters, self._stages, strict=True):
            # One that is behind is called, though nothing changes.
            asked = places or ([Rectangle(0, 0, 0, 0)] if one.is_behind else [])
            places = [place for asking in asked if (place := one.apply(source, out, asking))]
            source = out
        layout = self.frame_buffer.layout
        columns = layout.touched_tiles(places)
        return self.frame_buffer.rehash(sorted(columns), columns)

    @property
    def _is_behind(self) -> bool:
        return any(one.is_behind for one in self._filters)

    def pending(self, poll: bool = False) -> bool:
        return self._source.pending(poll) or self._is_behind

    def seconds_until_poll(self) -> float:
        wait = self._source.seconds_until_poll()
        return min(wait, _BEHIND_SECONDS) if self._is_behind else wait

    def seconds_until_due(self) -> float:
        return min(self._source.seconds_until_due(), self._decoration.seconds_until_due())

    def descriptors(self) -> Descriptors:
        return self._source.descriptors()._replace(drawn=None)

    def set_watched(self, fps: float) -> None:
        self._source.set_watched(fps)

    def comeback(self) -> int | None:
        return self._source.comeback()

    def may_be_back(self) -> bool:
        return self._source.may_be_back()

    def interrupt(self) -> None:
        self._source.interrupt()

    def dispose(self) -> None:
        self._source.dispose()

    def status(self) -> SourceStatus:
        status = self._source.status()
        if status.opened is None or self._size is None:
            return status
        area = Rectangle(status.opened.area.x, status.opened.area.y, *self._size)
        return dataclasses.replace(status, opened=dataclasses.replace(status.opened, area=area))


def changed_places(
    layout: BandLayout, before: Sequence[BandKey], after: Sequence[BandKey]
) -> list[Rectangle]:
    """Give where tiles have other keys: of each band one rectangle around them."""
    places = []
    for band, (old, new) in enumerate(zip(before, after, strict=True)):
        if old == new:
            continue
        top, bottom = layout.rows(band)
        columns = [
            column for column, key in enumerate(new) if len(old) != len(new) or old[column] != key
        ]
        left = columns[0] * layout.tile_width
        right = min((columns[-1] + 1) * layout.tile_width, layout.width)
        if columns[-1] == layout.columns - 1:
            right = layout.width
        places.append(Rectangle(left, top, right - left, bottom - top))
    return merged(places)


def merged(places: Sequence[Rectangle]) -> list[Rectangle]:
    """Join places that lie right below each other and are as wide: filters like few calls."""
    joined: list[Rectangle] = []
    for place in places:
        last = joined[-1] if joined else None
        if last and (last.x, last.width, last.bottom) == (place.x, place.width, place.y):
            joined[-1] = last.around(place)
        else:
            joined.append(place)
    return joined
