"""One opening of a screen, from connect to close: everything that dies with a display."""

import math
import select
import time
from collections.abc import Callable, Iterable, Mapping

from webcapd.capture.bands import runs
from webcapd.capture.decoration import Decoration
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.options import CaptureOptions
from webcapd.capture.overlay import Sprite
from webcapd.capture.selector import (
    BandSelector,
    DamageSelector,
    PollSelector,
    RefreshCounts,
    Selection,
)
from webcapd.capture.source import SourceChanged, SourceError
from webcapd.capture.throttle import Rules
from webcapd.capture.x11.control import Control, XEvents
from webcapd.capture.x11.cursor import Place, Pointer, PointerWatch
from webcapd.capture.x11.damage import DamageTaker
from webcapd.capture.x11.grab import open_grabber
from webcapd.capture.x11.region import Region
from webcapd.capture.x11.windows.find import Windows
from webcapd.capture.x11.windows.masks import Masks
from webcapd.capture.x11.windows.watch import WindowWatch
from webcapd.capture.x11.xcb import GrabError, XcbConnection

# How often a grab is done over because the layout changed under it.
_TRIES = 8

# And because windows came or changed under it that may have to be masked: one
# time for all of the screen, two for what is in such windows.
_DOUBTFUL_TRIES = 3


class X11Session:
    """The connections to a display, the frame buffer, and where on the screen it is.

    Encoder thread only.
    """

    def __init__(
        self,
        control: Control,
        connection: XcbConnection,
        region: Region,
        options: CaptureOptions,
        rules: Rules,
        counts: RefreshCounts,
        decoration: Decoration,
        masks: Masks,
        progress: Callable[[], None],
    ) -> None:
        """Size everything by the screen as it is; raises SourceError."""
        self._control, self._connection = control, connection
        self._region = region
        self._masks = masks
        # Windows are watched only where they matter.
        self._windows = Windows(control) if options.window else None
        self._watch = self._make_watch(progress)
        self._screen = control.root_area()
        self._area = region.area(control, self._windows, self._screen)
        self._counts = counts
        stride = control.format.stride(self._area.width)
        self._grabber, self.shm_reasons = open_grabber(
            connection, control.root.id, self._area, stride, options.shm, progress
        )
        self.frame_buffer = FrameBuffer(self._grabber.raw, self._area.width, control.format)
        self._attention = self._make_attention(options.full_scan_period, rules)
        self._pointer = Pointer(control.cursor_image) if options.capture_cursor else None
        self._decoration = decoration
        self._pointer_watch = PointerWatch()
        self._watched = 0.0
        """Frames a second that are followed."""
        self._looked = 0.0
        """When it was last looked (CLOCK_MONOTONIC)."""
        self._news = XEvents.NOTHING
        self._unmasked_bands = False
        """Whether some bands were grabbed before it was known what is masked now."""
        self._screen_held = True
        """Whether the last grab was granted, and the screen had the same size after it."""
        self._ears = self._make_ears()

    def _make_watch(self, progress: Callable[[], None]) -> WindowWatch | None:
        """Begin to watch the windows, if any are masked; raises SourceError."""
        masks, control = self._masks, self._control
        masks.reopen()
        if masks.wanted is None:
            return None
        root, atoms = control.root.id, control.title_atoms
        watch = WindowWatch(self._connection, root, atoms, masks.wanted, masks.trail)
        watch.begin(progress)
        return watch

    def _make_ears(self) -> select.epoll | None:
        """Make one descriptor of both connections', if news comes by both."""
        if self._watch is None:
            return None
        ears = select.epoll()
        for one in (self._control, self._connection):
            ears.register(one.fileno(), select.EPOLLIN)
        return ears

    def _make_attention(self, scan_period: float, rules: Rules) -> BandSelector:
        layout = self.frame_buffer.layout
        if self._control.damage_ids is not None:
            damage = DamageTaker(self._connection, self._control.damage_ids)
            return DamageSelector(damage, layout, scan_period, self._counts)
        return PollSelector(layout, rules)

    def set_watched(self, fps: float) -> None:
        """Have the pointer reported while somebody follows."""
        self._watched = fps
        if self._pointer is not None:
            self._pointer.mark_stale()
            self._control.report_cursor(fps > 0)

    def fileno(self) -> int:
        return self._control.fileno() if self._ears is None else self._ears.fileno()

    def urgent_fileno(self) -> int | None:
        return self._connection.fileno() if self._watch is not None else None

    def pending(self) -> bool:
        self._news |= self._control.news()
        self._hear_of_windows()
        return bool(self._news) or self._attention.polls

    def _hear_of_windows(self) -> None:
        if self._watch is None:
            # Whatever comes there comes by the other connection, too, and wakes us.
            self._connection.drain()
        elif self._watch.catch_up():
            self._news |= XEvents.MASKS

    def ask_in(self) -> float:
        if not self._watched or self._pointer is None or self._control.cursor_obstacle is not None:
            return math.inf
        return self._pointer_watch.wait(time.monotonic(), self._watched)

    def ask(self) -> bool:
        if self.ask_in() == 0:
            place, _ = self._connection.query_pointer_and_size(self._control.root.id)
            if self._pointer_watch.seen(place, time.monotonic()):
                self._news |= XEvents.POINTER
            # What was told before the answer turns no descriptor readable any more.
            self._hear_of_windows()
        return bool(self._news)

    def seconds_until_due(self) -> float:
        parts = (self._attention, self._decoration, self._masks)
        return min(part.seconds_until_due() for part in parts)

    def look(self) -> list[int]:
        """Grab and hash what may be new; list the bands that look different."""
        choice, pointer = self._grab_soundly()
        self._looked = time.monotonic()
        changed = self.frame_buffer.rehash(choice.hashed, choice.columns)
        self.frame_buffer.presume_changed(choice.presumed)
        self._attention.looked(choice, changed, self._area)
        self._counts.looks += 1
        self._counts.looked_at += len(choice.hashed) + len(choice.presumed)
        self._counts.changed += len(changed)
        over = self._set_overlays(pointer)
        return sorted({*changed, *choice.presumed, *over})

    def found_still(self, bands: Iterable[int]) -> None:
        self._attention.found_still(bands)

    def _grab_soundly(self) -> tuple[Selection, Place | None]:
        """Grab until nothing moved meanwhile; returns what was grabbed, and the pointer's place."""
        for attempt in range(_TRIES):
            self._heed()
            choice = self._attention.choose(self._area)
            began = time.monotonic()
            pointer = self._grab(sorted({*choice.hashed, *choice.presumed}), began)
            if not self._screen_held:
                self._news |= XEvents.LAYOUT
            elif self._is_masked(choice) and (
                attempt >= _DOUBTFUL_TRIES or not self._is_in_doubt()
            ):
                return choice, pointer
        raise SourceError(f"the X server of display {self._control.name} refuses every grab")

    def _heed(self) -> None:
        """Act on what the server has told; raises SourceChanged, SourceError."""
        self._news |= self._control.news()
        news, self._news = self._news, XEvents.NOTHING
        if XEvents.CURSOR in news and self._pointer is not None:
            self._pointer.mark_stale()
        if XEvents.LAYOUT in news:
            self._place()
        if self._watch is not None:
            self._watch.catch_up()
            self._find_masked(time.monotonic())

    def _find_masked(self, as_of: float) -> None:
        """Look up which windows are masked where; then all has to be looked at."""
        if self._watch is not None and self._masks.find(self._watch.tree, as_of):
            self._unmasked_bands = True
            self._attention.select_all()

    def _place(self) -> None:
        """Find out where on the screen everything is now; raises SourceChanged, SourceError."""
        before, self._screen = self._screen, self._control.root_area()
        area = self._region.area(self._control, self._windows, self._screen)
        if area.size != self._area.size:
            if self._looked or self._screen != before:
                raise SourceChanged
            # A window that changes its size all the time would never be seen:
            # one look is taken at it as it was found.
            self._news |= XEvents.LAYOUT
            area = self._area
        # Without windows to follow, it was the screen that changed, perhaps
        # back to the size it had.
        if area != self._area or self._windows is None:
            self._area = area
            self._grabber.origin = area.x, area.y
            self._attention.select_all()

    def _grab(self, bands: list[int], began: float) -> Place | None:
        """Grab bands and mask them; returns where the pointer is on the screen, if it is.

        Whether it is any good, _screen_held, _is_masked() and _is_in_doubt() tell.
        """
        layout = self.frame_buffer.layout
        ranges = [layout.rows(*run) for run in runs(bands)]
        try:
            self._grabber.grab(ranges)
        except GrabError:
            # Most likely the root shrank between the last event and the grab;
            # it may have its old size again by now.
            self._screen_held = False
            return None
        pointer, size = self._connection.query_pointer_and_size(self._control.root.id)
        self._pointer_watch.seen(pointer, time.monotonic())
        self._screen_held = size == self._screen.size
        if self._watch is not None:
            # What happened before the pixels came has been told before them.
            self._watch.heed()
            self._find_masked(began)
        bytes_per_pixel = self._control.format.bits_per_pixel // 8
        for top, bottom in ranges:
            self._masks.paint(self.frame_buffer.raw, bytes_per_pixel, self._area, top, bottom)
        return pointer

    def _is_masked(self, choice: Selection) -> bool:
        """Tell whether all that is to be masked is black, in bands not grabbed just now, too."""
        if len(choice.hashed) + len(choice.presumed) == self.frame_buffer.layout.count:
            self._unmasked_bands = False
        return not self._unmasked_bands

    def _is_in_doubt(self) -> bool:
        """Tell whether windows are masked of which it is not known what they are."""
        return self._watch is not None and bool(self._watch.tree.doubtful_places())

    def _set_overlays(self, pointer: Place | None) -> list[int]:
        """Put pointer and decoration in place; list the bands that look different by that."""
        overlays: list[Sprite] = []
        if self._pointer is not None and pointer is not None:
            if not self._watched:
                self._pointer.mark_stale()
            x, y = pointer
            overlays += self._pointer.overlays(x - self._area.x, y - self._area.y)
        overlays += self._decoration.overlays(self._area.width, self._area.height)
        return self.frame_buffer.set_overlays(overlays)

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of the opening."""
        obstacle = self._control.damage_obstacle
        return {
            "width": self._area.width,
            "height": self._area.height,
            "x": self._area.x,
            "y": self._area.y,
            "screen": f"{self._screen.width}x{self._screen.height}",
            "format": str(self._control.format),
            "shm": self._grabber.kind,
            "shmNotUsed": self.shm_reasons,
            "damage": "poll" if obstacle else "xdamage",
            "damageNotUsed": obstacle,
            "cursor": self._pointer is not None and self._control.cursor_obstacle is None,
        }

    def heat(self) -> Mapping[str, int] | None:
        """Count the bands that polling looks at more or less eagerly; for any thread."""
        return self._attention.heat()

    def close(self) -> None:
        """Give the shared memory back; the connections belong to the screen."""
        if self._ears is not None:
            self._ears.close()
        self._grabber.close()
