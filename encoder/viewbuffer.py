"""A frame buffer as seen through a view: what a variant encodes."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import cv2
import numpy as np
import xxhash

from webcapd.capture.bands import BAND_ROWS, BandLayout
from webcapd.capture.overlay import Pixels, Sprite
from webcapd.capture.picture import BandKey, Picture, pointed
from webcapd.encoder.view import View, blocks


class ViewBuffer:
    """Follows pictures, one after the other, and is one of their view.

    Encoder thread only.  All of them have the pointer in, or none has.
    Rotation, crop and flip copy nothing: bands are read out of the screen in
    their new order.  Only a scaled screen has memory of its own, and only
    blocks of it whose rows changed are scaled again.
    """

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
        self.pointer: Sprite | None = None

    @contextmanager
    def following(self, source: Picture) -> Iterator["ViewBuffer"]:
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
        count = blocks(source.height, rows)
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
        return pointed(self)
