"""A frame buffer as seen through a view: what a variant encodes."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import xxhash
from numpy.typing import NDArray

from webcapd.capture.bands import BAND_ROWS, BandLayout
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.encoder.view import View, blocks

Bytes = NDArray[np.uint8]


class ViewBuffer:
    """Follows a frame buffer, and knows which bands of its own look different.

    Encoder thread only, and only while the frame buffer's overlays are painted.
    Rotation, crop and flip copy nothing: bands are read out of the screen in
    their new order.  Only a scaled screen has memory of its own, and only
    blocks of it whose rows changed are scaled again.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._seen: list[Hashable] = []
        """Keys of the frame buffer's bands when they were last followed."""
        self._source_shape: tuple[int, ...] = ()
        self._own = np.zeros((0, 0, 4), np.uint8)
        """The scaled screen, where it is scaled."""
        self._picture: Bytes | None = None
        """What is seen, while a source is followed."""
        self.width = self.height = 0
        self.layout = BandLayout(0)
        self.keys: list[Hashable] = []

    @contextmanager
    def following(self, source: FrameBuffer) -> Iterator["ViewBuffer"]:
        """Take over what changed in the frame buffer; bands may be had in this context.

        Afterwards nothing of the source is held: its memory goes with its display.
        """
        self._follow(source)
        try:
            yield self
        finally:
            self._picture = None

    def _follow(self, source: FrameBuffer) -> None:
        if self._source_shape != source.pixels.shape:
            self._seen = [object()] * source.layout.count
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
        self, source: FrameBuffer, stale: list[int], rows: int, columns: int
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

    def _arrange(self, scaled: Bytes) -> None:
        """Put the scaled screen in its place."""
        self._picture = self._view.arrange(scaled)
        height, width = self._picture.shape[:2]
        if (width, height) != (self.width, self.height):
            self.width, self.height = width, height
            self.layout = BandLayout(height)
            self.keys = [None] * self.layout.count

    def _rehash(self, moved: set[tuple[int, int]], width: int, height: int) -> None:
        """Give new keys to the bands that ranges of rows of the scaled screen come to lie in."""
        bands = {band for band, key in enumerate(self.keys) if key is None}
        for first, last in moved:
            top, bottom = self._view.arranged_rows(first, last, width, height)
            bands.update(range(top // BAND_ROWS, -(-bottom // BAND_ROWS)) if bottom > top else ())
        for band in bands:
            self.keys[band] = xxhash.xxh3_64_intdigest(self.bands(band).data)

    def bands(self, first: int, last: int | None = None) -> Bytes:
        """Give the pixels of bands ``first`` to ``last``, both included."""
        assert self._picture is not None, "no source is followed"
        top, bottom = self.layout.rows(first, last)
        return np.ascontiguousarray(self._picture[top:bottom])
