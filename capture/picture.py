"""What is on the screen as of a moment: the contract between capture and whoever encodes it."""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from webcapd.capture.bands import BandLayout
from webcapd.capture.geometry import Rectangle
from webcapd.capture.overlay import Pixels, Sprite

BandKey = tuple[Hashable, ...]
"""Of each tile of a band, what it shows.  Equal keys at one place, equal pixels there."""


class Picture(Protocol):
    """Pixels, and what tells at no cost which of them are others than before.

    Masks, watermark and caption are in; the pointer is apart.  For the encoder
    thread, and only while it is handed out: then nothing changes, and nobody
    but with_pointer() writes.  Afterwards the pixels and the list of keys are
    used for the next picture; what is needed longer is to be copied.
    """

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def layout(self) -> BandLayout:
        """How it is cut into bands, and these into tiles."""

    @property
    def pixels(self) -> Pixels:
        """(height, width, 4) bytes B, G, R, X; X means nothing.

        Of a rotated picture or a part, pixels and rows do not lie beside each other in memory.
        """

    @property
    def keys(self) -> Sequence[BandKey]:
        """Of each band, what it shows; comparable with those of earlier pictures."""

    @property
    def pointer(self) -> Sprite | None:
        """The pointer's image and its place; None where none is to be shown, or it is in."""

    @property
    def coded(self) -> bytes | None:
        """The baseline JPEG that it came as, if nothing lies over it; None if it came as pixels.

        Who can do with that leaves pixels and keys alone: it is not even decoded then.
        """

    def with_pointer(self) -> AbstractContextManager["Picture"]:
        """Give a picture with the pointer laid over; its keys differ from these only under it.

        The pixels are the same memory: this picture is not to be used in that context.
        """


class _Pointed:
    """A picture with the pointer in."""

    pointer = None
    coded = None

    def __init__(self, picture: Picture, keys: Sequence[BandKey]) -> None:
        self.width, self.height = picture.width, picture.height
        self.layout, self.pixels, self.keys = picture.layout, picture.pixels, keys

    def with_pointer(self) -> AbstractContextManager[Picture]:
        return nullcontext(self)


@contextmanager
def pointed(picture: Picture) -> Iterator[Picture]:
    """Lay a picture's pointer over it; with_pointer() for any picture."""
    pointer, area = picture.pointer, Rectangle(0, 0, picture.width, picture.height)
    if pointer is None or not (visible := pointer.area.within(area)):
        yield picture
        return
    keys = list(picture.keys)
    bands, columns = picture.layout.covered(visible)
    for band in bands:
        keys[band] = overlaid_key(keys[band], band, columns, pointer)
    under = picture.pixels[visible.y : visible.bottom, visible.x : visible.right]
    clean = under.copy()
    try:
        pointer.paint(under, visible)
        yield _Pointed(picture, keys)
    finally:
        under[:] = clean


def overlaid_key(key: BandKey, band: int, columns: range, overlay: Sprite) -> BandKey:
    """Give the key of a band once an overlay lies over some of its columns."""
    first, end = columns.start, columns.stop
    # With the band's number: of one overlay, two bands show different parts.
    under = [(tile, band, overlay.key) for tile in key[first:end]]
    return (*key[:first], *under, *key[end:])
