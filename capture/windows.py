"""Windows of a display: found by title or id, and where on the screen they are.

Encoder thread only.
"""

import re
from collections.abc import Iterator

from Xlib import X
from Xlib import error as xerror
from Xlib.xobject.drawable import Window

from webcapd.capture.control import Control
from webcapd.capture.rectangle import Rectangle

# Window managers put a client at most a few frames deep.
_DEEPEST = 4

_ID = re.compile("0[xX][0-9a-fA-F]+")

_REPORTED = X.StructureNotifyMask | X.SubstructureNotifyMask | X.PropertyChangeMask


class Windows:
    """Looks at the window tree, and has the server tell of its changes."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._display = control.display
        self._title_atom = self._display.intern_atom("_NET_WM_NAME")
        self._utf8_atom = self._display.intern_atom("UTF8_STRING")
        control.root.change_attributes(event_mask=_REPORTED)

    def areas(self, wanted: str) -> list[Rectangle]:
        """Give where the windows wanted are on the screen, those that can be seen.

        ``wanted`` is an id (0x1400003) or a part of the title, in any case.
        """
        with self._control.answering():
            return [
                area
                for window in self._tree(self._control.root, _DEEPEST)
                if self._is_wanted(window, wanted) and (area := self._area(window))
            ]

    def _tree(self, parent: Window, depth: int) -> Iterator[Window]:
        """Walk the windows below one, uppermost first, asking to be told of changes."""
        try:
            children = parent.query_tree().children
        except xerror.BadWindow:
            return  # It went away as we looked.
        for child in reversed(children):
            # Before anyone looks at it: what changes later is then told of.
            child.change_attributes(event_mask=_REPORTED)
            yield child
            if depth > 1:
                yield from self._tree(child, depth - 1)

    def _is_wanted(self, window: Window, wanted: str) -> bool:
        if _ID.fullmatch(wanted):
            return bool(window.id == int(wanted, 16))
        return wanted.lower() in self._title(window).lower()

    def _title(self, window: Window) -> str:
        try:
            found = window.get_full_property(self._title_atom, self._utf8_atom)
            if found is not None and isinstance(found.value, bytes):
                return found.value.decode(errors="replace")
            return str(window.get_wm_name() or "")
        except xerror.BadWindow:
            return ""

    def _area(self, window: Window) -> Rectangle:
        """Give where a window is; an empty rectangle if it cannot be seen."""
        try:
            if window.get_attributes().map_state != X.IsViewable:
                return Rectangle(0, 0, 0, 0)
            geometry = window.get_geometry()
            place = window.translate_coords(self._control.root, 0, 0)
        except (xerror.BadWindow, xerror.BadDrawable):
            return Rectangle(0, 0, 0, 0)
        # translate_coords tells where the root's corner is, seen from the window.
        return Rectangle(-place.x, -place.y, geometry.width, geometry.height)
