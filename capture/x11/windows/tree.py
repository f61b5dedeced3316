"""The windows of a screen as one connection was told of them, event by event.

Everything comes by one connection, in the order in which the server did it.  So
this is the tree as it was at a moment of the server's, and whoever asks for
pixels by that connection, too, knows the tree at just that moment: it is what
was told before the pixels came.

What an event does not tell has to be read: the children and titles of a window
that is new, a title that has changed.  Until then it is not known whether the
window is to be masked; it is in *doubt*.  A window that goes in doubt can never
be read any more, and a title that was replaced before it was read neither: what
cannot be known is taken for what must not be seen.

Encoder thread only.
"""

from collections.abc import Iterable

from webcapd.capture.geometry import Rectangle
from webcapd.capture.x11.windows.events import (
    Changed,
    Configured,
    Created,
    Destroyed,
    Event,
    Mapped,
    Moved,
    Reparented,
    Swept,
)
from webcapd.capture.x11.windows.titles import Wanted, readings
from webcapd.capture.x11.windows.trail import Places, Trail
from webcapd.capture.x11.windows.window import TreeWindow

# Of a window, in pixels.
_MAX_SIZE = 0x7FFF


class WindowTree:
    """All windows; those that are wanted, those in doubt, and where they were."""

    def __init__(self, root: int, wanted: Wanted, trail: Trail) -> None:
        self._wanted = wanted
        self._trail = trail
        self.root = TreeWindow(root, None)
        self._windows = {root: self.root}
        self._found: dict[int, TreeWindow] = {}
        """The windows that are wanted."""
        self.unread: dict[int, TreeWindow] = {root: self.root}
        """The windows in doubt, those longest in doubt first."""

    def get(self, xid: int) -> TreeWindow | None:
        return self._windows.get(xid)

    def places(self) -> dict[int, list[Rectangle]]:
        """Give where there is anything wanted now, by the children of the root that hold it."""
        return {top.xid: top.seen_places() for top in self._tops(self._found.values())}

    def doubtful_places(self) -> list[Rectangle]:
        """Give where there may be something wanted, or may have been since the doubt began."""
        tops = self._tops(self.unread.values())
        seen = [place for top in tops for place in top.doubtful_places.at(0)]
        return [*seen, *(place for top in tops for place in top.seen_places())]

    def _tops(self, windows: Iterable[TreeWindow]) -> list[TreeWindow]:
        """Give the children of the root that windows are in, each once."""
        return list(dict.fromkeys(filter(None, map(self._top, windows))))

    def _top(self, window: TreeWindow) -> TreeWindow | None:
        """Give the child of the root that a window is in, or is."""
        while window.parent is not None and window.parent is not self.root:
            window = window.parent
        return window if window.parent is not None else None

    def apply(self, event: Event, now: float) -> bool:
        """Take in one event; tells whether it may concern a window wanted or in doubt."""
        if isinstance(event, Created):
            return self._create(event, now)
        window = self._windows.get(event.window)
        if window is None:
            return isinstance(event, Reparented) and self._adopt(event)
        if isinstance(event, Configured):
            return self._place(window, event.place, event.place, now)
        if isinstance(event, Swept):
            concerned = self._leave(window, now, event.around)
            return self._follow(window, event.around, now) or concerned
        if isinstance(event, Moved):
            return self._move(window, event.x, event.y, now)
        if isinstance(event, Mapped):
            concerned = self._leave(window, now)
            window.mapped, window.shown = event.mapped, window.shown or event.mapped
            return concerned
        if isinstance(event, Changed):
            return self._change(window, event)
        if isinstance(event, Destroyed):
            return self.remove(window, now)
        return self._reparent(window, event, now)

    def _create(self, event: Created, now: float) -> bool:
        former = self._windows.get(event.window)
        if former is not None:
            # Its end was not told, as what it was in was not known yet.  Ids come again.
            self.remove(former, now)
        parent = self._windows.get(event.parent)
        if parent is None:
            return former is not None
        window = self._add(event.window, parent)
        window.place = window.told_place = event.place
        self._follow(window, event.place, now)
        return True

    def _adopt(self, event: Reparented) -> bool:
        """Take in a window that came from within one that was not read yet."""
        parent = self._windows.get(event.parent)
        if parent is None:
            return False
        window = self._add(event.window, parent)
        window.shown = True
        # As large as may be, until it is read.
        window.place = window.told_place = Rectangle(event.x, event.y, _MAX_SIZE, _MAX_SIZE)
        return True

    def _add(self, xid: int, parent: TreeWindow) -> TreeWindow:
        """Put in a window of which nothing is known yet."""
        window = self._windows[xid] = self.unread[xid] = TreeWindow(xid, parent)
        parent.children[xid] = window
        return window

    def _move(self, window: TreeWindow, x: int, y: int, now: float) -> bool:
        """Move a window, which no ConfigureNotify tells."""
        return self._place(window, window.place._replace(x=x, y=y), window.told_place, now)

    def _place(self, window: TreeWindow, place: Rectangle, told: Rectangle, now: float) -> bool:
        before = window.place
        if (before, window.told_place) == (place, told):
            return False
        concerned = self._leave(window, now)
        window.place, window.told_place = place, told
        width, height = max(before.width, place.width), max(before.height, place.height)
        along = Rectangle(place.x, place.y, width, height)
        return self._follow(window, along, now) or concerned

    def _follow(self, window: TreeWindow, place: Rectangle, now: float) -> bool:
        """Note where a window goes that showed something a moment ago; tells if any has.

        Its pixels go along until it has repainted, and a compositor may take along what
        fades of it, or of a window that is gone and had the same id.
        """
        if window.parent is not self.root:
            return False
        if window.shown and not window.mapped and self._holds(window, self.unread):
            window.doubtful_places.add(place, now)
        return self._trail.follow(window.xid, place, now)

    def _leave(self, window: TreeWindow, now: float, way: Rectangle | None = None) -> bool:
        """Note where a window was that is elsewhere now; tells if it may be wanted.

        ``way`` is what holds the places that it had in between.
        """
        if window.parent is not self.root:
            return False
        wanted, doubtful = self._holds(window, self._found), self._holds(window, self.unread)
        if window.mapped:
            for place in (*window.seen_places(), *filter(None, [way])):
                if wanted:
                    self._trail.left(window.xid, place, now)
                elif doubtful:
                    window.doubtful_places.add(place, now)
        return wanted or doubtful

    def _holds(self, top: TreeWindow, windows: dict[int, TreeWindow]) -> bool:
        return any(self._top(window) is top for window in windows.values())

    def _change(self, window: TreeWindow, event: Changed) -> bool:
        if not window.known:
            return False
        window.changes.setdefault(event.atom, []).append(event.has_value)
        self.unread[window.xid] = window
        return True

    def remove(self, window: TreeWindow, now: float) -> bool:
        """Take out a window and all below it; tells whether any may be wanted."""
        gone = list(window.family())
        missed = [one for one in gone if one.xid in self._found or self._is_missed(one)]
        if missed:
            self._linger(window, now)
        for one in gone:
            self._found.pop(one.xid, None)
            self.unread.pop(one.xid, None)
            self._windows.pop(one.xid, None)
        if window.parent is not None:
            window.parent.children.pop(window.xid, None)
        return bool(missed)

    def _is_missed(self, window: TreeWindow) -> bool:
        """Whether it was to be seen, and what it was has not been read."""
        return window.xid in self.unread and window.shown

    def _linger(self, window: TreeWindow, now: float) -> None:
        """Have a window's places, those in doubt too, covered for a while from now on."""
        top = self._top(window)
        if top is None:
            return
        for place in (*top.doubtful_places.at(0), *top.seen_places()):
            self._trail.left(top.xid, place, now)

    def _reparent(self, window: TreeWindow, event: Reparented, now: float) -> bool:
        parent = self._windows.get(event.parent)
        place = window.place._replace(x=event.x, y=event.y)
        if parent is None:
            # To be found again when what is above its parent is read.
            return self.remove(window, now)
        if parent is window.parent or window.parent is None:
            return self._move(window, event.x, event.y, now)
        family = list(window.family())
        wanted = any(one.xid in self._found for one in family)
        doubtful = any(one.xid in self.unread for one in family)
        before = self._top(window)
        if wanted:
            self._linger(window, now)
        window.parent.children.pop(window.xid, None)
        window.parent, window.place, window.told_place = parent, place, place
        parent.children[window.xid] = window
        after = self._top(window)
        if doubtful and before is not None and after is not None:
            # A window manager puts a frame around it: the doubt goes with it.
            here = before.seen_places() if before is not after else []
            for seen in (*before.doubtful_places.at(0), *here):
                after.doubtful_places.add(seen, now)
        return wanted or doubtful

    def found_title(self, window: TreeWindow, atom: int, value: bytes, now: float) -> None:
        """Take in what a title property holds now; that answers its changes so far."""
        changes = window.changes.pop(atom, [])
        window.titles[atom] = readings(value)
        # What it held between two of these changes nobody has read.
        if sum(changes[:-1]):
            self._linger(window, now)
        was = window.wanted
        titles = (title for every in window.titles.values() for title in every)
        window.wanted = self._wanted.has(window.xid, titles)
        if was and not window.wanted:
            self._linger(window, now)
        if window.wanted:
            self._found[window.xid] = window
        else:
            self._found.pop(window.xid, None)

    def found_children(self, window: TreeWindow, children: Iterable[int], now: float) -> None:
        """Take in which children a window has, bottom first."""
        window.known = True
        found = dict.fromkeys(children)
        for gone in [child for child in window.children.values() if child.xid not in found]:
            self.remove(gone, now)
        for xid in found:
            if xid not in window.children:
                elsewhere = self._windows.get(xid)
                if elsewhere is not None:
                    self.remove(elsewhere, now)
                # Until its state is read it may have been mapped all along.
                self._add(xid, window).shown = True

    def found_place(self, window: TreeWindow, place: Rectangle) -> None:
        """Take in where a window is."""
        if window.told_place == window.place:
            window.told_place = place
        window.place = place

    def found_state(self, window: TreeWindow, mapped: bool) -> None:
        """Take in whether a window is mapped."""
        window.mapped, window.shown = mapped, window.shown or mapped

    def rehash(self, window: TreeWindow, now: float) -> None:
        """Take a window out of doubt that was read, if it has not changed since."""
        if window.changes or self._windows.get(window.xid) is not window:
            return
        self.unread.pop(window.xid, None)
        top = self._top(window)
        if top is None or self._holds(top, self.unread):
            return
        if self._holds(top, self._found):
            self._linger(top, now)
        top.doubtful_places = Places()
