"""The frame buffer of a display, kept up to date while a session with it lasts."""

import math
import time
from collections.abc import Mapping
from functools import cached_property

from webcapd.capture.bands import BandLayout
from webcapd.capture.decoration import Decoration
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.options import CaptureOptions
from webcapd.capture.selector import BandSelector, DamageSelector, PollSelector, RefreshCounts
from webcapd.capture.throttle import Rules
from webcapd.capture.x11.control import XEvents
from webcapd.capture.x11.cursor import Place, Pointer, PointerWatch
from webcapd.capture.x11.damage import DamageTaker
from webcapd.capture.x11.session import X11Session


class Refresher:
    """Reads what may be new, hashes it, and puts pointer and decoration in place.

    Encoder thread only.
    """

    def __init__(
        self,
        session: X11Session,
        options: CaptureOptions,
        target_fps: float,
        counts: RefreshCounts,
        decoration: Decoration,
    ) -> None:
        self._session, self._control = session, session.control
        self._decoration, self._counts = decoration, counts
        self._selector = self._make_selector(options, target_fps)
        self._pointer = Pointer(self._control.cursor_image) if options.capture_cursor else None
        self._pointer_watch = PointerWatch()
        self._watched_fps = 0.0
        """Frames a second that somebody follows; 0 for nobody."""

    @cached_property
    def frame_buffer(self) -> FrameBuffer:
        """What refresh() keeps up to date; made for the first, as it takes NumPy and memory."""
        session = self._session
        return FrameBuffer(session.grabber.raw, session.region.area.width, self._control.format)

    def _make_selector(self, options: CaptureOptions, target_fps: float) -> BandSelector:
        area = self._session.region.area
        layout = BandLayout(area.height, area.width)
        if self._control.damage_ids is not None:
            damage = DamageTaker(self._session.connection, self._control.damage_ids)
            return DamageSelector(damage, layout, options.full_scan_period, self._counts)
        duration = options.damage_block_duration / target_fps
        return PollSelector(layout, Rules(options.damage_block_threshold, duration))

    def set_watched(self, fps: float) -> None:
        """Have the pointer reported while somebody follows."""
        self._watched_fps = fps
        if self._pointer is not None:
            self._pointer.mark_stale()
            self._control.report_cursor(fps > 0)

    def pending(self, poll: bool) -> bool:
        """See Source.pending()."""
        if not poll:
            return self._session.pending() or self._selector.polls
        events = XEvents.NOTHING
        if self.seconds_until_poll() == 0:
            place = self._session.query_pointer()
            if self._pointer_watch.seen(place, time.monotonic()):
                events = XEvents.POINTER
        return self._session.note(events)

    def seconds_until_poll(self) -> float:
        """Seconds until it is due to ask where the pointer is."""
        if (
            not self._watched_fps
            or self._pointer is None
            or self._control.cursor_obstacle is not None
        ):
            return math.inf
        return self._pointer_watch.wait(time.monotonic(), self._watched_fps)

    def seconds_until_due(self) -> float:
        return min(
            self._selector.seconds_until_due(),
            self._decoration.seconds_until_due(),
            self._session.seconds_until_due(),
        )

    def refresh(self) -> list[int]:
        """Read and hash what may be new; lists the bands that look different."""
        bands = self._read()
        # That took the damage.
        self._session.take_drawn()
        return bands

    def refresh_small(self) -> list[int]:
        """See Source.refresh_small()."""
        is_drawn = self._session.take_drawn()
        if is_drawn and self._selector.select_small(self._session.region.area):
            return self._read()
        return []

    def _read(self) -> list[int]:
        """Read and hash what the selector selects; lists the bands that look different."""
        selection, pointer, events = self._session.read(self._selector)
        self._pointer_watch.seen(pointer, time.monotonic())
        if XEvents.CURSOR in events and self._pointer is not None:
            self._pointer.mark_stale()
        changed = self.frame_buffer.rehash(selection.hashed, selection.columns)
        self.frame_buffer.invalidate(selection.unhashed)
        self._selector.refreshed(selection, changed, self._session.region.area)
        self._counts.refreshes += 1
        self._counts.bands_refreshed += len(selection.hashed) + len(selection.unhashed)
        self._counts.changed += len(changed)
        over = self._set_overlays(pointer)
        return sorted({*changed, *selection.unhashed, *over})

    def _set_overlays(self, pointer: Place | None) -> list[int]:
        """Put pointer and decoration in place; lists the bands that look different by that."""
        area = self._session.region.area
        sprite = None
        if self._pointer is not None and pointer is not None:
            if not self._watched_fps:
                # Another image is not reported then.
                self._pointer.mark_stale()
            x, y = pointer
            sprite = self._pointer.sprite(x - area.x, y - area.y)
        decoration = self._decoration.overlays(area.width, area.height)
        over = self.frame_buffer.set_overlays(decoration)
        return [*over, *self.frame_buffer.set_pointer(sprite)]

    def heat(self) -> Mapping[str, int] | None:
        """Count the bands that polling looks at more or less eagerly; for any thread."""
        return self._selector.heat()
