"""The picture as somebody wants to see it: a geometry, and what it makes of a picture.

The order is fixed, whatever the order asked in: rotate, scale, crop, flip.
So a crop counts in pixels of the rotated and scaled picture.
"""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

import xxhash

from webcapd.base.process.late import cv2, np
from webcapd.capture.bands import BAND_ROWS, BandLayout
from webcapd.capture.geometry import Rectangle
from webcapd.capture.overlay import Pixels
from webcapd.capture.picture import BandKey, Picture

Size = tuple[int, int]


@dataclass(frozen=True)
class View:
    """A geometry.  Equal views of one screen show the same pixels."""

    quarter_turns: int = 0
    """Clockwise, 0 to 3."""
    fit: Size = (0, 0)
    """Width and height of the box it must fit into, 0 for no bound."""
    scale: float = 1.0
    """At most 1; of this and ``fit`` the smaller picture counts."""
    crop: Rectangle | None = None
    flip: str = ""
    """h (left and right change places), v, both or none."""
    gray: bool = False

    def after_turns(self, quarter_turns: int) -> "View":
        """Give the view of a screen that everybody sees turned already."""
        return replace(self, quarter_turns=(self.quarter_turns + quarter_turns) % 4)

    def scaled_rows_and_columns(self, width: int, height: int) -> tuple[int, int]:
        """Give the size of a screen after scaling, before rotation: (rows, columns)."""
        fit_width, fit_height = self.fit[::-1] if self.quarter_turns % 2 else self.fit
        factor = min(1.0, self.scale, (fit_width or width) / width, (fit_height or height) / height)
        return max(1, round(height * factor)), max(1, round(width * factor))

    def whole_size(self, width: int, height: int) -> Size:
        """Give width and height of a screen once rotated and scaled, before it is cropped."""
        rows, columns = self.scaled_rows_and_columns(width, height)
        return (rows, columns) if self.quarter_turns % 2 else (columns, rows)

    def size(self, width: int, height: int) -> Size:
        """Give width and height of what is seen of a screen."""
        part = self._cropped(*self.whole_size(width, height))
        return part.width, part.height

    def arrange(self, scaled: Pixels) -> Pixels:
        """Rotate, crop and flip a scaled screen, without copying a pixel."""
        turned = np.rot90(scaled, -self.quarter_turns)
        part = self._cropped(turned.shape[1], turned.shape[0])
        picture = turned[part.y : part.bottom, part.x : part.right]
        if "v" in self.flip:
            picture = picture[::-1]
        return picture[:, ::-1] if "h" in self.flip else picture

    def arranged_rows(self, first: int, last: int, width: int, height: int) -> tuple[int, int]:
        """Give where rows of a (width, height) scaled screen come to lie: a half-open range."""
        if self.quarter_turns % 2:
            width, height = height, width
            first, last = 0, height
        elif self.quarter_turns == 2:
            first, last = height - last, height - first
        part = self._cropped(width, height)
        first, last = max(first, part.y) - part.y, min(last, part.bottom) - part.y
        if "v" in self.flip:
            first, last = part.height - last, part.height - first
        return first, max(first, last)

    def _cropped(self, width: int, height: int) -> Rectangle:
        """Give the part of the rotated picture that is shown; at least one pixel."""
        everything = Rectangle(0, 0, width, height)
        if self.crop is None:
            return everything
        # Of a screen that shrank, nothing may be left: then its last pixel.
        return self.crop.within(everything) or Rectangle(width - 1, height - 1, 1, 1)


UPRIGHT = View()


def _blocks(rows: int, scaled_rows: int) -> int:
    """Give into how many blocks of equal rows a scaling falls.

    Block i of the screen becomes block i of the scaled picture, whole rows to
    whole rows, so that one can be scaled without the others.
    """
    return math.gcd(rows, scaled_rows)


class TransformedPicture:
    """Follows pictures, one after the other, and is one of their view.

    Encoder thread only.  All of them have the pointer in, or none has; apart, it is in the
    picture followed, and where it comes to lie here is for whoever shows it.
    Rotation, crop and flip copy nothing: bands are read out of the screen in
    their new order.  Only a scaled screen has memory of its own, and only
    blocks of it whose rows changed are scaled again.
    """

    pointer = None
    coded = None

    def __init__(self, view: View) -> None:
        self._view = view
        self._seen: list[BandKey] = []
        """Keys of the bands that were last followed."""
        self._source_shape: tuple[int, ...] = ()
        self._own = np.zeros((0, 0, 4), np.uint8)
        """The scaled screen, where it is scaled."""
        self._picture: Pixels | None = None
        """What is seen, while a source is followed."""
        self.width = self.height = 0
        self.layout = BandLayout(0)
        self.keys: list[BandKey] = []

    @contextmanager
    def following(self, source: Picture) -> Iterator["TransformedPicture"]:
        """Take over what changed in a picture; in this context it is a picture of its own.

        Afterwards nothing of the source is held: its memory goes with its display.
        """
        self._follow(source)
        try:
            yield self
        finally:
            self._picture = None

    def _follow(self, source: Picture) -> None:
        if self._source_shape != source.pixels.shape:
            self._seen = [()] * source.layout.count
            self._source_shape = source.pixels.shape
        stale = [band for band, key in enumerate(source.keys) if key != self._seen[band]]
        rows, columns = self._view.scaled_rows_and_columns(source.width, source.height)
        if (rows, columns) == (source.height, source.width):
            scaled = source.pixels
            moved = {source.layout.rows(band) for band in stale}
        else:
            moved = self._scale(source, stale, rows, columns)
            scaled = self._own
        self._arrange(scaled)
        self._rehash(moved, columns, rows)
        self._seen = list(source.keys)

    def _scale(
        self, source: Picture, stale: list[int], rows: int, columns: int
    ) -> set[tuple[int, int]]:
        """Scale the blocks that stale bands touch; gives their ranges of scaled rows."""
        if self._own.shape[:2] != (rows, columns):
            self._own = np.zeros((rows, columns, 4), np.uint8)
        count = _blocks(source.height, rows)
        tall, short = source.height // count, rows // count
        touched: set[int] = set()
        for band in stale:
            top, bottom = source.layout.rows(band)
            touched.update(range(top // tall, -(-bottom // tall)))
        for block in touched:
            cv2.resize(
                source.pixels[block * tall : (block + 1) * tall],
                (columns, short),
                dst=self._own[block * short : (block + 1) * short],
                interpolation=cv2.INTER_AREA,
            )
        return {(block * short, (block + 1) * short) for block in touched}

    def _arrange(self, scaled: Pixels) -> None:
        """Put the scaled screen in its place."""
        self._picture = self._view.arrange(scaled)
        height, width = self._picture.shape[:2]
        if (width, height) != (self.width, self.height):
            self.width, self.height = width, height
            self.layout = BandLayout(height)
            self.keys = [()] * self.layout.count

    def _rehash(self, moved: set[tuple[int, int]], width: int, height: int) -> None:
        """Give new keys to the bands that ranges of rows of the scaled screen come to lie in."""
        bands = {band for band, key in enumerate(self.keys) if not key}
        for first, last in moved:
            top, bottom = self._view.arranged_rows(first, last, width, height)
            bands.update(range(top // BAND_ROWS, -(-bottom // BAND_ROWS)) if bottom > top else ())
        for band in bands:
            top, bottom = self.layout.rows(band)
            rows = np.ascontiguousarray(self.pixels[top:bottom])
            self.keys[band] = (xxhash.xxh3_64_intdigest(rows.data),)

    @property
    def pixels(self) -> Pixels:
        assert self._picture is not None, "no source is followed"
        return self._picture

    def with_pointer(self) -> AbstractContextManager[Picture]:
        return nullcontext(self)
