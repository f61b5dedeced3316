"""The full frame buffer: one screen's pixels, and what each band of it holds."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Protocol

import numpy as np
import xxhash
from numpy.typing import NDArray

from webcapd.capture.bands import BandLayout
from webcapd.capture.pixelformat import BGRX, PixelFormat, converter
from webcapd.capture.rectangle import Rectangle

Bytes = NDArray[np.uint8]


class Overlay(Protocol):
    """Something painted over the screen for viewers: the pointer, for one."""

    @property
    def area(self) -> Rectangle:
        """Where it is, in frame buffer coordinates; may reach beyond."""

    @property
    def key(self) -> Hashable:
        """Differs whenever it looks different or is elsewhere."""

    def paint(self, pixels: Bytes, visible: Rectangle) -> None:
        """Paint the part that lies in ``visible`` on just these pixels."""


class Presumed:
    """The key of a band that is taken for changed: equal to no other."""


class FrameBuffer:
    """Pixels of a whole screen, and a key for what each of its bands shows.

    Encoder thread only.  ``raw`` is the (height, stride) array of bytes that
    grabs fill; its memory may be shared with the X server, which writes there
    only while a grab asks it to.  So between two grabs the pixels stand still,
    and hash and encoder see the same ones.  ``pixels`` is a (height, width, 4)
    array of bytes B, G, R, X: the same memory where the server's format is
    that, else converted from it band by band.

    The pixels are clean.  Overlays are painted only while ``composed()`` lasts;
    hashes never see them.  They join a band's key instead, so that a pointer
    that moves re-encodes the bands it leaves and enters, and nothing is hashed.

    A band has one hash, and a key for each of its tiles.  When it has changed,
    the tiles that damage told of get its new hash as their key.  The others are
    believed to be what they were, until make_sure().

    The X byte of a depth-24 server is undefined.  It is hashed all the same:
    leaving it out would cost a copy, and a server that changes it alone costs
    one needless encode of the band.
    """

    def __init__(self, raw: Bytes, width: int, form: PixelFormat) -> None:
        self.raw = raw
        self.height, self.width = len(raw), width
        self.layout = BandLayout(self.height, width)
        self._convert = None if form.is_bgrx else converter(form)
        shape = (self.height, width, 4)
        self.pixels = raw.reshape(shape) if form.is_bgrx else np.zeros(shape, np.uint8)
        # So that bytes of another format never pass for the same picture.
        self._seed = 0 if form.is_bgrx else hash(form) & 0xFFFFFFFF
        # A band that was never looked at has no hash.
        self.hashes: list[int | None] = [None] * self.layout.count
        self._tiles: list[tuple[int | None, ...]] = [()] * self.layout.count
        """Of each band, the hash that it had when its tiles were last news."""
        self.keys: list[Hashable] = [None] * self.layout.count
        """What viewers see in each band: equal keys, equal pixels.  A tuple of the tiles' own."""
        self._laid: list[tuple[range, range, Overlay]] = []
        """The overlays, and the bands and columns that each touches."""

    @classmethod
    def of_pixels(cls, pixels: Bytes) -> "FrameBuffer":
        """Make a frame buffer that shows given pixels, (height, width, 4) B, G, R, X."""
        height, width = pixels.shape[:2]
        made = cls(pixels.reshape(height, width * 4), width, BGRX)
        made.settle(range(made.layout.count))
        return made

    @property
    def area(self) -> Rectangle:
        return Rectangle(0, 0, self.width, self.height)

    def bands(self, first: int, last: int | None = None) -> Bytes:
        """Give the pixels of bands ``first`` to ``last``, both included, without a copy."""
        top, bottom = self.layout.rows(first, last)
        return self.pixels[top:bottom]

    def settle(
        self, bands: Iterable[int], columns: Mapping[int, int] = MappingProxyType({})
    ) -> list[int]:
        """Hash bands whose raw pixels may be new; list those that really changed.

        ``columns`` has, of a band that only some columns of may be new, these: a bit for each.
        """
        changed, presumed = [], []
        for band in bands:
            top, bottom = self.layout.rows(band)
            found = xxhash.xxh3_64_intdigest(self.raw[top:bottom].data, self._seed)
            same = found == self.hashes[band]
            if self._take_over(band, found, columns.get(band), same):
                changed.append(band)
            elif isinstance(self.keys[band], Presumed):
                presumed.append(band)
        self._renew((*changed, *presumed))
        return changed

    def _take_over(self, band: int, found: int, columns: int | None, same: bool) -> bool:
        """Note the hash of a band and its tiles; tells whether any of them is news."""
        self.hashes[band] = found
        tiles, whole = self._tiles[band], (found,) * self.layout.columns
        if columns is None and same:
            return False
        if columns is None or columns == self.layout.every_column or not tiles:
            self._tiles[band] = whole
        else:
            # Also if the band is as it was: what was drawn after the damage was
            # taken, and before the grab, is told only now.
            self._tiles[band] = tuple(
                found if columns >> column & 1 else tile for column, tile in enumerate(tiles)
            )
        return self._tiles[band] != tiles

    def make_sure(self) -> list[int]:
        """Take for news the tiles that were only believed to be what they were; list their bands.

        For when all bands have just been hashed.
        """
        unsure = [
            band
            for band, tiles in enumerate(self._tiles)
            if any(tile != self.hashes[band] for tile in tiles)
        ]
        for band in unsure:
            self._tiles[band] = (self.hashes[band],) * self.layout.columns
        self._renew(unsure)
        return unsure

    def is_sure(self, band: int, first: int, last: int) -> bool:
        """Whether the keys of these tiles are known to be their pixels', and not only believed."""
        part = self._tiles[band][first : last + 1]
        return part.count(self.hashes[band]) == len(part)

    def presume_changed(self, bands: Iterable[int]) -> None:
        """Take bands for changed, unhashed."""
        bands = list(bands)
        self._renew(bands)
        for band in bands:
            self.keys[band] = Presumed()

    def _renew(self, bands: Iterable[int]) -> None:
        """Give bands with new raw pixels their pixels and keys."""
        for band in bands:
            if self._convert is not None:
                top, bottom = self.layout.rows(band)
                self._convert(self.raw[top:bottom], self.pixels[top:bottom])
            self.keys[band] = self._key(band)

    def lay_over(self, overlays: Sequence[Overlay]) -> list[int]:
        """Replace the overlays; list the bands that look different by that."""
        laid = [(*self._under(overlay), overlay) for overlay in overlays]
        touched = {band for bands, _, _ in (*self._laid, *laid) for band in bands}
        self._laid = laid
        changed = []
        for band in sorted(touched):
            key = self._key(band)
            known = self.hashes[band] is not None and not isinstance(self.keys[band], Presumed)
            if known and key != self.keys[band]:
                self.keys[band] = key
                changed.append(band)
        return changed

    def _key(self, band: int) -> Hashable:
        """Give the key of a band: its tiles' hashes, and what lies over them."""
        tiles: tuple[Hashable, ...] = self._tiles[band]
        for bands, columns, overlay in self._laid:
            if band in bands:
                # With the band's number: of one overlay, two bands show different parts.
                tiles = tuple(
                    (tile, band, overlay.key) if column in columns else tile
                    for column, tile in enumerate(tiles)
                )
        return tiles

    def _under(self, overlay: Overlay) -> tuple[range, range]:
        """Give the bands and columns that an overlay touches."""
        visible = overlay.area.within(self.area)
        if not visible:
            return range(0), range(0)
        columns = range(
            visible.x // self.layout.tile_width, -(-visible.right // self.layout.tile_width)
        )
        return self.layout.spanned(visible.y, visible.bottom), columns

    @contextmanager
    def composed(self) -> Iterator[None]:
        """Have the overlays painted for as long as the context lasts."""
        saved: list[tuple[Bytes, Bytes]] = []
        try:
            for bands, _, overlay in self._laid:
                if not bands:
                    continue
                visible = overlay.area.within(self.area)
                view = self.pixels[visible.y : visible.bottom, visible.x : visible.right]
                saved.append((view, view.copy()))
                overlay.paint(view, visible)
            yield
        finally:
            for view, clean in reversed(saved):
                view[:] = clean
