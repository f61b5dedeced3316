"""Windows of a display: found by title or id, and where on the screen they are.

Encoder thread only.
"""

from collections.abc import Iterator

from Xlib import X
from Xlib import error as xerror
from Xlib.xobject.drawable import Window

from webcapd.capture.geometry import Rectangle
from webcapd.capture.x11.control import Control
from webcapd.capture.x11.windows.titles import Wanted, readings

# Window managers put a client at most a few frames deep.
_DEEPEST = 4

# Of a title, in units of four bytes.
_TITLE_WORDS = 1024

_REPORTED = X.StructureNotifyMask | X.SubstructureNotifyMask | X.PropertyChangeMask


class Windows:
    """Searches the window tree, and has the server report its changes."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._title_atoms = control.title_atoms
        control.root.change_attributes(event_mask=_REPORTED)

    def areas(self, wanted: str) -> list[Rectangle]:
        """Give where the windows wanted are on the screen, those that can be seen.

        ``wanted`` is an id (0x1400003) or a part of the title, in any case.
        """
        found = self._find(Wanted([wanted]))
        return [area for window in found if (area := self._area(window))]

    def _find(self, wanted: Wanted) -> list[Window]:
        """Find the windows wanted, uppermost first, whether they can be seen or not."""
        with self._control.answering:
            return [one for one in self._below(self._control.root, 0) if self._is(one, wanted)]

    def _below(self, parent: Window, depth: int) -> Iterator[Window]:
        """Walk the windows below one, uppermost first, asking to be told of changes."""
        try:
            children = parent.query_tree().children
        except xerror.BadWindow:
            return  # It went away as we looked.
        for child in reversed(children):
            # Before anyone looks at it: what changes later is then told of.
            child.change_attributes(event_mask=_REPORTED)
            yield child
            if depth + 1 < _DEEPEST:
                yield from self._below(child, depth + 1)

    def _is(self, window: Window, wanted: Wanted) -> bool:
        titles = (title for value in self._titles(window) for title in readings(value))
        return wanted.has(window.id, titles)

    def _titles(self, window: Window) -> Iterator[bytes]:
        """Give what the properties hold that a title may be in.

        In one request each, and not by python-xlib's get_full_property(): that
        asks twice, and fails when the window changes its title meanwhile.
        """
        for atom in self._title_atoms:
            try:
                found = window.get_property(atom, X.AnyPropertyType, 0, _TITLE_WORDS)
            except xerror.XError:
                return  # It went away as we looked.
            if found is not None and isinstance(found.value, bytes):
                yield found.value

    def _area(self, window: Window) -> Rectangle:
        """Give where a window is; an empty rectangle if it cannot be seen."""
        with self._control.answering:
            try:
                if window.get_attributes().map_state != X.IsViewable:
                    return Rectangle(0, 0, 0, 0)
                geometry = window.get_geometry()
                place = window.translate_coords(self._control.root, 0, 0)
            except (xerror.BadWindow, xerror.BadDrawable):
                return Rectangle(0, 0, 0, 0)
            # translate_coords tells where the root's corner is, seen from the window.
            return Rectangle(-place.x, -place.y, geometry.width, geometry.height)
