"""Windows of a display: found by title or id, and where on the screen they are.

Encoder thread only.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from Xlib import X
from Xlib import error as xerror
from Xlib.xobject.drawable import Window

from webcapd.capture.control import Control
from webcapd.capture.rectangle import Rectangle

# Window managers put a client at most a few frames deep.
_DEEPEST = 4

# Of a title, in units of four bytes.
_TITLE_WORDS = 1024

_ID = re.compile("0[xX][0-9a-fA-F]+")

_REPORTED = X.StructureNotifyMask | X.SubstructureNotifyMask | X.PropertyChangeMask


class Found(NamedTuple):
    """A window that is wanted, and the windows it is in, root's child first, itself last."""

    path: tuple[Window, ...]

    @property
    def frame(self) -> Window:
        """What the window manager has put around it, or itself."""
        return self.path[0]


class Windows:
    """Looks at the window tree, and has the server tell of its changes."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._title_atoms = control.title_atoms
        control.root.change_attributes(event_mask=_REPORTED)

    def areas(self, wanted: str) -> list[Rectangle]:
        """Give where the windows wanted are on the screen, those that can be seen.

        ``wanted`` is an id (0x1400003) or a part of the title, in any case.
        """
        found = self.find(wanted)
        return [area for one in found if (area := self._area(one.path[-1]))]

    def framed_areas(self, wanted: str) -> tuple[list[Rectangle], set[int]]:
        """Give where they are with their frames, and the ids of all they consist of."""
        found = self.find(wanted)
        ids = {window.id for one in found for window in one.path}
        return [area for one in found if (area := self._area(one.frame))], ids

    def find(self, wanted: str) -> list[Found]:
        """Find the windows wanted, uppermost first, whether they can be seen or not."""
        with self._control.answering():
            return [one for one in self._tree(()) if self._is_wanted(one.path[-1], wanted)]

    def _tree(self, path: tuple[Window, ...]) -> Iterator[Found]:
        """Walk the windows below one, uppermost first, asking to be told of changes."""
        parent = path[-1] if path else self._control.root
        try:
            children = parent.query_tree().children
        except xerror.BadWindow:
            return  # It went away as we looked.
        for child in reversed(children):
            # Before anyone looks at it: what changes later is then told of.
            child.change_attributes(event_mask=_REPORTED)
            yield Found((*path, child))
            if len(path) + 1 < _DEEPEST:
                yield from self._tree((*path, child))

    def _is_wanted(self, window: Window, wanted: str) -> bool:
        if _ID.fullmatch(wanted):
            return bool(window.id == int(wanted, 16))
        return any(wanted.lower() in title.lower() for title in self._titles(window))

    def _titles(self, window: Window) -> Iterator[str]:
        """Give what the title may read, by all properties and encodings there are.

        In one request each, and not by python-xlib's get_full_property(): that
        asks twice, and fails when the window changes its title meanwhile.
        """
        for atom in self._title_atoms:
            try:
                found = window.get_property(atom, X.AnyPropertyType, 0, _TITLE_WORDS)
            except xerror.XError:
                return  # It went away as we looked.
            if found is not None and isinstance(found.value, bytes):
                # UTF-8 by the newer rules, Latin-1 by the older; of compound
                # text both give the parts that matter.
                yield found.value.decode(errors="ignore")
                yield found.value.decode("latin-1")

    def _area(self, window: Window) -> Rectangle:
        """Give where a window is; an empty rectangle if it cannot be seen."""
        with self._control.answering():
            try:
                if window.get_attributes().map_state != X.IsViewable:
                    return Rectangle(0, 0, 0, 0)
                geometry = window.get_geometry()
                place = window.translate_coords(self._control.root, 0, 0)
            except (xerror.BadWindow, xerror.BadDrawable):
                return Rectangle(0, 0, 0, 0)
            # translate_coords tells where the root's corner is, seen from the window.
            return Rectangle(-place.x, -place.y, geometry.width, geometry.height)
