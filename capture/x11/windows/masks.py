"""Privacy masks: parts of the screen whose pixels nobody gets to see.

They are painted into the raw rows between grab and hash, so nothing that comes
after capture ever holds what was under them, and a change under a mask makes
no frame.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Sequence

from webcapd.base.process.late import NDArray, np
from webcapd.capture.geometry import Rectangle
from webcapd.capture.x11.windows.titles import Wanted
from webcapd.capture.x11.windows.trail import Trail
from webcapd.capture.x11.windows.watch import WindowWatch
from webcapd.capture.x11.xcb import XcbConnection


class Masks:
    """Masked rectangles of the screen, and the places of windows that are masked.

    Outlives the connections to a display, as what a window left behind does.
    Encoder thread only.
    """

    def __init__(
        self, rectangles: Sequence[Rectangle], windows: Sequence[str], linger: float
    ) -> None:
        """Mask rectangles, and windows while they are there and ``linger`` seconds longer."""
        self._rectangles = tuple(rectangles)
        self._wanted = Wanted(windows) if windows else None
        """Which windows; None where only rectangles are masked."""
        self._trail = Trail(linger)
        self._watch: WindowWatch | None = None
        """All windows of the display, while it is open and if any are to be masked."""
        self._there: dict[int, list[Rectangle]] = {}
        """Where the windows are that are masked."""
        self.areas: tuple[Rectangle, ...] = self._rectangles
        """What is masked now, in coordinates of the screen."""

    def open(
        self,
        connection: XcbConnection,
        root: int,
        title_atoms: Iterable[int],
        progress: Callable[[], None],
    ) -> None:
        """Begin to watch the windows of a display, if any are to be masked; raises SourceError.

        What happened to them since the last one was closed nobody knows.
        """
        for window, places in self._there.items():
            for place in places:
                self._trail.left(window, place, time.monotonic())
        self._there = {}
        if self._wanted is not None:
            watch = WindowWatch(connection, root, title_atoms, self._wanted, self._trail)
            watch.begin(progress)
            self._watch = watch

    def close(self) -> None:
        """Watch no more; what is masked stays so."""
        self._watch = None

    @property
    def watches_windows(self) -> bool:
        return self._watch is not None

    def catch_up(self) -> bool:
        """Take in what has happened to windows; tells whether it may concern what is masked.

        Raises SourceError.
        """
        return self._watch is not None and self._watch.catch_up()

    def on_answer(self) -> None:
        """Take in what happened to windows before the last answer that was waited for."""
        if self._watch is not None:
            self._watch.on_answer()

    def update(self, as_of: float) -> bool:
        """Find what is masked as of a moment (CLOCK_MONOTONIC); tells whether that is anything new.

        Windows in doubt are masked, too.
        """
        if self._watch is None:
            return False
        self._there = self._watch.tree.places()
        doubtful = self._watch.tree.doubtful_places()
        there = itertools.chain.from_iterable(self._there.values())
        found = {*self._rectangles, *there, *doubtful, *self._trail.at(as_of)}
        before, self.areas = self.areas, tuple(found)
        return set(before) != found

    @property
    def in_doubt(self) -> bool:
        """Whether windows are masked of which it is not known what they are."""
        return self._watch is not None and bool(self._watch.tree.doubtful_places())

    def seconds_until_due(self) -> float:
        """Seconds until less will be masked, if nothing happens."""
        return self._trail.seconds_until_due(time.monotonic())

    def paint(
        self, raw: NDArray[np.uint8], bytes_per_pixel: int, area: Rectangle, top: int, bottom: int
    ) -> None:
        """Blacken what is masked in rows ``top`` to ``bottom`` of the raw pixels.

        ``area`` is the part of the screen that ``raw`` shows.
        """
        rows = Rectangle(0, top, area.width, bottom - top)
        for masked in self.areas:
            hidden = masked.moved(-area.x, -area.y).within(rows)
            columns = slice(hidden.x * bytes_per_pixel, hidden.right * bytes_per_pixel)
            raw[hidden.y : hidden.bottom, columns] = 0
