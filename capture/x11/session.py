"""One session with a display, from connect to close: everything that dies with it."""

import contextlib
import select
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from webcapd.capture.bands import BandLayout, runs
from webcapd.capture.selector import BandSelector, Selection
from webcapd.capture.source import Descriptors, SourceChanged, SourceError
from webcapd.capture.x11.control import Control, XEvents, joined
from webcapd.capture.x11.cursor import Place
from webcapd.capture.x11.dial import Dialler
from webcapd.capture.x11.grab import open_grabber
from webcapd.capture.x11.region import Region, RegionTracker
from webcapd.capture.x11.windows.masks import Masks
from webcapd.capture.x11.xcb import GrabError, XcbConnection

# How often a grab is done over because the layout changed under it.
_TRIES = 8

# And because windows came or changed under it that may have to be masked: one
# time for all of the screen, two for what is in such windows.
_DOUBTFUL_TRIES = 3


class Reading(NamedTuple):
    """What reading the screen has brought, beside the rows."""

    selection: Selection
    """The bands whose rows were read."""
    pointer: Place | None
    """Where on the screen the pointer was after that, if it was there."""
    events: XEvents
    """What the server had told before."""


class X11Session:
    """The connections to a display, and the rows of the part shown, which they bring.

    What is read is of one layout, and masked.  Encoder thread only.
    """

    def __init__(
        self,
        dialler: Dialler,
        region: Region,
        masks: Masks,
        shm: str,
        progress: Callable[[], None],
    ) -> None:
        """Connect, and size everything by the screen as it is; raises SourceError, OSError.

        ``shm`` is the option of that name; ``progress`` is called when a slow call gets on.
        """
        self._masks = masks
        with contextlib.ExitStack() as stack:
            self.control = stack.enter_context(contextlib.closing(Control(dialler)))
            if obstacle := self.control.format.obstacle:
                raise SourceError(f"display {dialler.name} has {obstacle}")
            self.connection = stack.enter_context(contextlib.closing(XcbConnection(dialler)))
            stack.callback(masks.close)
            self._root = self.control.root.id
            masks.open(self.connection, self._root, self.control.title_atoms, progress)
            self.region = RegionTracker(self.control, region)
            area = self.region.area
            self._layout = BandLayout(area.height, area.width)
            stride = self.control.format.stride(area.width)
            self.grabber, self.shm_reasons = open_grabber(
                self.connection, self._root, area, stride, shm, progress
            )
            stack.callback(self.grabber.close)
            self._both = self._make_epoll()
            if self._both is not None:
                stack.callback(self._both.close)
            self._stack = stack.pop_all()
        self._strange = 0
        """What the control plane had counted of that when its like was thrown away here."""
        self._events = XEvents.NOTHING
        """What the server has told since the last read()."""
        self._is_drawn = False
        """Whether it has told that something was drawn, and perhaps will not again until the
        damage is taken."""
        self._was_read = False
        self._has_unmasked_bands = False
        """Whether some bands were grabbed before it was known what is masked now."""
        self._screen_held = True
        """Whether the last grab was granted, and the screen had the same size after it."""

    def _make_epoll(self) -> select.epoll | None:
        """Make one descriptor of both connections', if events that count come by both."""
        if not self._masks.watches_windows:
            return None
        both = select.epoll()
        for one in (self.control, self.connection):
            both.register(one.fileno(), select.EPOLLIN)
        return both

    def close(self) -> None:
        """Give the shared memory back, and disconnect."""
        # In this order: it ends with a request to the server.
        self._stack.close()

    def descriptors(self) -> Descriptors:
        """Give what turns readable when pending() may have become true."""
        events = self.control.fileno() if self._both is None else self._both.fileno()
        # Events of windows must not pile up.
        urgent = self.connection.fileno() if self._masks.watches_windows else None
        return Descriptors(events, urgent, None if self.control.damage_obstacle else events)

    def seconds_until_due(self) -> float:
        """Seconds until a read() may show more, though nothing happens."""
        return self._masks.seconds_until_due()

    def pending(self) -> bool:
        """Take in what the server has told; tells whether that asks for a read()."""
        self._take_events()
        self._take_window_events()
        # What was told during a read() of little has been acted on, but for the damage.
        return self._is_drawn or self._events is not XEvents.NOTHING

    def _take_events(self) -> None:
        told = self.control.take_events()
        if told is not XEvents.NOTHING:
            self._events = joined(self._events, told)
            self._is_drawn = self._is_drawn or XEvents.DAMAGE in told

    def take_drawn(self) -> bool:
        """Tell whether damage is to be taken; says that it is, or has been just now."""
        is_drawn, self._is_drawn = self._is_drawn, False
        return is_drawn

    def _take_window_events(self) -> None:
        if not self._masks.watches_windows:
            # Whatever comes there comes by the other connection, too, and wakes us.
            if self._strange != self.control.strange:
                self._strange = self.control.strange
                self.connection.drain()
        elif self._masks.catch_up():
            self._events |= XEvents.MASKS

    def query_pointer(self) -> Place | None:
        """Ask where on the screen the pointer is, if it is there; one round trip."""
        connection = self.connection
        place, _ = connection.await_pointer_and_size(
            connection.request_pointer_and_size(self._root)
        )
        # What was told before the answer turns no descriptor readable any more.
        self._take_window_events()
        return place

    def note(self, events: XEvents) -> bool:
        """Add what the server did not tell by itself; tells whether all asks for a read()."""
        self._events |= events
        return bool(self._events)

    def read(self, selector: BandSelector) -> Reading:
        """Read the bands that the selector chooses, until nothing moved meanwhile.

        Raises SourceChanged, SourceError.
        """
        seen = XEvents.NOTHING
        for attempt in range(_TRIES):
            seen = joined(seen, self._act_on_events(selector))
            # Where nothing was drawn, this is all, and goes with the question what was.
            is_still = not (selector.polls or XEvents.DAMAGE in seen)
            asked = self.connection.request_pointer_and_size(self._root) if is_still else None
            selection = selector.select(self.region.area)
            pointer = self._grab(selection, selector, asked)
            if not self._screen_held:
                self._events |= XEvents.LAYOUT
            elif not self._has_unmasked_bands and (
                attempt >= _DOUBTFUL_TRIES or not self._masks.in_doubt
            ):
                self._was_read = True
                return Reading(selection, pointer, seen)
        raise SourceError(f"the X server of display {self.control.name} refuses every grab")

    def _act_on_events(self, selector: BandSelector) -> XEvents:
        """Act on what the server has told, and give it; raises SourceChanged, SourceError."""
        self._take_events()
        events, self._events = self._events, XEvents.NOTHING
        if XEvents.LAYOUT in events:
            self._locate(selector)
        self._masks.catch_up()
        self._update_masks(time.monotonic(), selector)
        return events

    def _locate(self, selector: BandSelector) -> None:
        """Find out where on the screen everything is now; raises SourceChanged, SourceError."""
        area, has_resized = self.region.locate()
        if area.size != self.region.area.size:
            if self._was_read or has_resized:
                raise SourceChanged
            # A window that changes its size all the time would never be seen:
            # it is read once as it was found.
            self._events |= XEvents.LAYOUT
            area = self.region.area
        # Without a window to follow, it was the screen that changed, perhaps
        # back to the size it had.
        if area != self.region.area or not self.region.follows_window:
            self.region.area = area
            self.grabber.origin = area.x, area.y
            selector.select_all()

    def _update_masks(self, as_of: float, selector: BandSelector) -> None:
        """Find which windows are masked where; if anything is new, all has to be read."""
        if self._masks.update(as_of):
            self._has_unmasked_bands = True
            selector.select_all()

    def _grab(
        self, selection: Selection, selector: BandSelector, asked: tuple[Any, Any] | None
    ) -> Place | None:
        """Grab bands and mask them; returns where the pointer is on the screen, if it is.

        ``asked`` has the cookies if that was asked already: it does where nothing is grabbed.
        Whether it is any good, ``_screen_held``, ``_has_unmasked_bands`` and the masks tell.
        """
        began = time.monotonic()
        bands = sorted({*selection.hashed, *selection.unhashed})
        ranges = [self._layout.rows(*run) for run in runs(bands)]
        behind = self._grab_rows(ranges, asked)
        if behind is None:
            # Most likely the root shrank between the last event and the grab;
            # it may have its old size again by now.
            self._screen_held = False
            return None
        pointer, size = behind
        self._screen_held = size == self.region.screen.size
        # What happened before the pixels came has been told before them.
        self._masks.on_answer()
        self._update_masks(began, selector)
        bytes_per_pixel = self.control.format.bits_per_pixel // 8
        for top, bottom in ranges:
            self._masks.paint(self.grabber.raw, bytes_per_pixel, self.region.area, top, bottom)
        if self._screen_held and len(bands) == self._layout.count:
            self._has_unmasked_bands = False
        return pointer

    def _grab_rows(
        self, ranges: Sequence[tuple[int, int]], asked: tuple[Any, Any] | None
    ) -> tuple[Place | None, tuple[int, int]] | None:
        """Grab rows; gives where the pointer was after that, and the screen's size.

        None if the server refuses.  Raises SourceError.
        """
        connection = self.connection
        before = None if asked is None else connection.await_pointer_and_size(asked)
        if before is not None and not ranges:
            return before
        try:
            cookies = self.grabber.request(ranges)
            # The same round trip brings that.
            asked = connection.request_pointer_and_size(self._root)
            behind = connection.await_pointer_and_size(asked)
            self.grabber.await_rows(cookies)
        except GrabError:
            return None
        return behind
