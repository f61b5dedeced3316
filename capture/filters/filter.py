"""The contract of a filter."""

from abc import ABC, abstractmethod

from webcapd.capture.geometry import Rectangle
from webcapd.capture.overlay import Pixels


class Filter(ABC):
    """Makes one picture of another, (height, width, 4) bytes B, G, R, X.

    Encoder thread only.
    """

    @abstractmethod
    def size(self, width: int, height: int) -> tuple[int, int]:
        """Give width and height of what becomes of a picture; the size of all from now on.

        Raises SourceError where nothing can become of it.
        """

    @abstractmethod
    def apply(self, source: Pixels, out: Pixels, changed: Rectangle) -> Rectangle:
        """Bring ``out`` up to date where a picture has changed; gives where ``out`` may have.

        Elsewhere ``source`` is what it was; the first time everything has changed.
        """

    @property
    def is_behind(self) -> bool:
        """Whether apply() is to be called again, though nothing changes."""
        return False


class SameSize(Filter):
    """What becomes of a pixel stands where that pixel stood."""

    def size(self, width: int, height: int) -> tuple[int, int]:
        return width, height

    def apply(self, source: Pixels, out: Pixels, changed: Rectangle) -> Rectangle:
        part = slice(changed.y, changed.bottom), slice(changed.x, changed.right)
        self.paint(source[part], out[part])
        return changed

    @abstractmethod
    def paint(self, source: Pixels, out: Pixels) -> None:
        """Make pixels of others; rows of neither need to lie beside each other."""
