"""What is known of one window of a screen.

Encoder thread only.
"""

from collections.abc import Iterator

from webcapd.capture.geometry import Rectangle
from webcapd.capture.x11.windows.trail import Places


class TreeWindow:
    """A window, as far as it is known."""

    def __init__(self, xid: int, parent: "TreeWindow | None") -> None:
        self.xid = xid
        self.parent = parent
        self.children: dict[int, TreeWindow] = {}
        self.place = Rectangle(0, 0, 0, 0)
        """With its border, in coordinates of its parent."""
        self.told_place = self.place
        """Where it is for a compositor that follows ConfigureNotify alone, as picom does."""
        self.mapped = False
        self.shown = False
        """Whether it ever was mapped."""
        self.known = False
        """Whether its children were read, and all later changes are told."""
        self.titles: dict[int, tuple[str, ...]] = {}
        """What each property read."""
        self.changes: dict[int, list[bool]] = {}
        """Of each property, its changes since it was read: whether it had a value then."""
        self.wanted = False
        self.doubtful_places = Places()
        """Where it was while it was in doubt."""

    def seen_places(self) -> list[Rectangle]:
        """Give where a child of the root may be seen, if it may be."""
        if not self.mapped:
            return []
        return [place for place in dict.fromkeys((self.place, self.told_place)) if place]

    def family(self) -> Iterator["TreeWindow"]:
        """Give the window and all below it."""
        yield self
        for child in tuple(self.children.values()):
            yield from child.family()
