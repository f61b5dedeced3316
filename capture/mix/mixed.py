"""A feed made of others: opens, watches and closes them; what becomes of them is a Layout's."""

import select
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

import numpy as np

from webcapd.capture.feeds.feed import Feed, FeedPicture
from webcapd.capture.feeds.pixels import picture_of, size_obstacle
from webcapd.capture.geometry import Rectangle
from webcapd.capture.mix.part import Part
from webcapd.capture.overlay import Pixels
from webcapd.capture.source import SourceChanged, SourceError

# More places than this are taken for one that holds them all.
_MAX_PLACES = 40

# How often it is tried whether one is back that the picture can be without.
_TRY_SECONDS = 1.0


class Layout(Protocol):
    """How parts become one picture."""

    needs_all: bool
    """Whether there is no picture without one of the parts; if not, its size is 0, 0."""

    def arrange(self, parts: Sequence[Part]) -> tuple[int, int]:
        """Give width and height of the picture of some open parts, and scale these."""

    def compose(
        self, parts: Sequence[Part], changes: Sequence[Sequence[Rectangle]], out: Pixels
    ) -> Sequence[Rectangle]:
        """Bring ``out`` up to date where parts have changed; gives where it may have.

        ``out`` has the size that arrange() gave.
        """

    def seconds_until_new(self) -> float:
        """Seconds until it looks different though its parts do not; infinite if it never does."""


class MixedFeed(Feed):
    """Shows several feeds as one picture; where it can be, without those that have none.

    When one of these may be back, all are opened anew.
    """

    def __init__(self, feeds: Sequence[Feed], layout: Layout) -> None:
        self._parts = [Part(feed) for feed in feeds]
        self._layout = layout
        self._epoll: select.epoll | None = None
        """Readable when one of the parts' descriptors is."""
        self._out: Pixels = np.zeros((0, 0, 4), np.uint8)
        self._is_open = False
        self._try_due = 0.0
        """When it is tried again to open the parts that are not."""

    def open(self) -> tuple[int, int]:
        try:
            self._open_parts()
        finally:
            self._listen()
        self._try_due = time.monotonic() + _TRY_SECONDS
        width, height = self._layout.arrange(self._parts)
        if obstacle := size_obstacle(width, height):
            raise SourceError(f"a picture of {obstacle}")
        self._out = np.zeros((height, width, 4), np.uint8)
        self._is_open = True
        return width, height

    def _open_parts(self) -> None:
        errors = []
        for part in self._parts:
            try:
                part.open()
            except SourceError as error:
                part.close()
                errors.append(error)
                if self._layout.needs_all:
                    raise
        if len(errors) == len(self._parts):
            raise errors[0]

    @property
    def _lost(self) -> list[Part]:
        return [part for part in self._parts if part.problem is not None]

    def close(self) -> None:
        self._is_open = False
        for part in self._parts:
            part.close()
        # Those that tell when they are back do so while they are closed.
        self._listen()

    def _listen(self) -> None:
        """Make one descriptor of those that the parts have now."""
        if self._epoll is not None:
            self._epoll.close()
        self._epoll = select.epoll()
        for part in self._parts:
            if (descriptor := part.feed.fileno()) is not None:
                with suppress(FileExistsError):
                    self._epoll.register(descriptor, select.EPOLLIN)

    def dispose(self) -> None:
        if self._epoll is not None:
            self._epoll.close()
        self._epoll = None
        for part in self._parts:
            part.feed.dispose()

    def fileno(self) -> int | None:
        return None if self._epoll is None else self._epoll.fileno()

    def pending(self) -> bool:
        # All of them: asking is what makes their descriptors unreadable.
        pending = [part.feed.pending() for part in self._parts]
        return any(pending) or (self._is_open and self.seconds_until_new() <= 0)

    def seconds_until_new(self) -> float:
        there = [part.feed for part in self._parts if part.problem is None]
        waits = [self._layout.seconds_until_new(), *(feed.seconds_until_new() for feed in there)]
        wait = min(waits)
        return min(wait, max(0.0, self._try_due - time.monotonic())) if self._lost else wait

    def take(self) -> FeedPicture | None:
        if self._lost and self._may_have_more():
            raise SourceChanged
        try:
            changes = [bounded(part.refresh()) for part in self._parts]
        except SourceError:
            if self._layout.needs_all:
                raise
            raise SourceChanged from None
        changed = self._layout.compose(self._parts, changes, self._out)
        return picture_of(self._out, changed=bounded(changed)) if changed else None

    def _may_have_more(self) -> bool:
        """Try, if it is time to, whether a part has a picture again."""
        if time.monotonic() < self._try_due:
            return False
        self._try_due = time.monotonic() + _TRY_SECONDS
        return any(part.is_back() for part in self._lost)

    def set_watched(self, fps: float) -> None:
        for part in self._parts:
            part.feed.set_watched(fps)

    def interrupt(self) -> None:
        for part in self._parts:
            part.feed.interrupt()

    def status(self) -> Mapping[str, object]:
        parts = [
            {"name": part.feed.name, "problem": part.problem, **part.feed.status()}
            for part in self._parts
        ]
        return {"parts": parts}


def bounded(places: Sequence[Rectangle]) -> list[Rectangle]:
    """Give the places, or if they are many, one around all of them."""
    if len(places) <= _MAX_PLACES:
        return list(places)
    around = places[0]
    for place in places[1:]:
        around = around.around(place)
    return [around]
