"""The full frame buffer: one screen's pixels, and what each band of it holds."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from types import MappingProxyType
from typing import Protocol

import numpy as np
import xxhash
from numpy.typing import NDArray

from webcapd.capture.bands import BAND_ROWS, BandLayout
from webcapd.capture.geometry import Rectangle
from webcapd.capture.pixelformat import BGRX, PixelFormat, converter

Bytes = NDArray[np.uint8]

# Reports of a whole band in a row, after which it is taken to move all over.
_STREAK = 8


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


class _Pieces:
    """Copies of the tiles of one band at a time, each in one piece, which they do not lie in."""

    def __init__(self, raw: Bytes, layout: BandLayout, pixel_bytes: int) -> None:
        others, width = layout.columns - 1, layout.tile_width * pixel_bytes
        cut, stride, whole = others * width, raw.shape[1], layout.height // BAND_ROWS
        memory = np.zeros((layout.columns, BAND_ROWS, max(width, stride - cut)), np.uint8)
        # Views, all of them: slicing anew takes longer than the copying.
        rows = raw[: whole * BAND_ROWS].reshape(whole, BAND_ROWS, stride)
        cells = rows[:, :, :cut].reshape(whole, BAND_ROWS, others, width)
        self._sources = (cells.transpose(0, 2, 1, 3), rows[:, :, cut:])
        self._targets = (memory[:-1, :, :width], memory[-1, :, : stride - cut])
        self._pieces = [piece.data for piece in memory]
        self._whole = whole
        self._rest = raw[whole * BAND_ROWS :]
        self._ends = [0, *range(width, cut + 1, width), stride]

    def of(self, band: int) -> list[memoryview]:
        """Give the pieces of a band; those of the band before are gone then."""
        if band >= self._whole:
            spans = pairwise(self._ends)
            return [np.ascontiguousarray(self._rest[:, begin:end]).data for begin, end in spans]
        for target, source in zip(self._targets, self._sources, strict=True):
            target[:] = source[band]
        return self._pieces


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

    A band has one hash, which tells at little cost whether it changed, and a key
    for each of its tiles.  When it has changed, its tiles are hashed one by one:
    what damage tells of columns is not believed.  Only where it tells of all of
    them time after time are they not told apart.

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
        self._tiles: list[tuple[int, ...]] = [()] * self.layout.count
        """Of each band, what its tiles show: a hash of their own pixels, or of the band's."""
        self._tile_hashes: list[tuple[int, ...]] = [()] * self.layout.count
        """Of each band whose tiles were told apart last time, their own hashes."""
        self._streaks = [0] * self.layout.count
        """How many times in a row each band changed when all its columns were reported."""
        self._pieces = _Pieces(raw, self.layout, form.bits_per_pixel // 8)
        self._streaks = [0] * self.layout.count
        """How many times in a row each band changed when all its columns were reported."""
        self._tile_bytes = self.layout.tile_width * form.bits_per_pixel // 8
        last = raw.shape[1] - (self.layout.columns - 1) * self._tile_bytes
        self._scratch = np.zeros(
            (self.layout.columns, BAND_ROWS, max(self._tile_bytes, last)), np.uint8
        )
        """For the tiles of one band, each in one piece."""
        self.keys: list[Hashable] = [None] * self.layout.count
        """What viewers see in each band: equal keys, equal pixels.  A tuple of the tiles' own."""
        self._laid: list[tuple[range, range, Overlay]] = []
        """The overlays, and the bands and columns that each touches."""

    @classmethod
    def of_pixels(cls, pixels: Bytes) -> "FrameBuffer":
        """Make a frame buffer that shows given pixels, (height, width, 4) B, G, R, X."""
        height, width = pixels.shape[:2]
        made = cls(pixels.reshape(height, width * 4), width, BGRX)
        made.rehash(range(made.layout.count))
        return made

    @property
    def area(self) -> Rectangle:
        return Rectangle(0, 0, self.width, self.height)

    def bands(self, first: int, last: int | None = None) -> Bytes:
        """Give the pixels of bands ``first`` to ``last``, both included, without a copy."""
        top, bottom = self.layout.rows(first, last)
        return self.pixels[top:bottom]

    def rehash(
        self, bands: Iterable[int], columns: Mapping[int, int] = MappingProxyType({})
    ) -> dict[int, int]:
        """Hash bands whose raw pixels may be new; gives those that really changed.

        ``columns`` has, of a band that only some columns were said of to be new, these: a bit
        for each.  So has what is given; where it cannot be told, what was said is taken for it.
        """
        changed, presumed = {}, []
        for band in bands:
            top, bottom = self.layout.rows(band)
            found = xxhash.xxh3_64_intdigest(self.raw[top:bottom].data, self._seed)
            if found != self.hashes[band]:
                changed[band] = self._take_over(band, found, columns.get(band))
                continue
            if isinstance(self.keys[band], Presumed):
                presumed.append(band)
            if band not in columns and not self._tile_hashes[band]:
                # A scan, and it does not move any more.
                self._tile_hashes[band], self._streaks[band] = self._hash_tiles(band), 0
        self._renew((*changed, *presumed))
        return changed

    def _take_over(self, band: int, found: int, columns: int | None) -> int:
        """Note the hash of a band that changed, and its tiles; gives the columns that changed."""
        self.hashes[band] = found
        every, known = self.layout.every_column, self._tile_hashes[band]
        self._streaks[band] = self._streaks[band] + 1 if columns == every else 0
        if self._streaks[band] > _STREAK:
            self._tile_hashes[band], self._tiles[band] = (), (found,) * self.layout.columns
            return every
        hashes = self._tile_hashes[band] = self._hash_tiles(band)
        if not known:
            self._tiles[band] = hashes
            return every if columns is None else columns
        fresh = [now != then for now, then in zip(hashes, known, strict=True)]
        self._tiles[band] = tuple(
            now if is_fresh else key
            for is_fresh, now, key in zip(fresh, hashes, self._tiles[band], strict=True)
        )
        return sum(1 << column for column, is_fresh in enumerate(fresh) if is_fresh)

    def _hash_tiles(self, band: int) -> tuple[int, ...]:
        """Hash the tiles of a band one by one: of pixels in one piece, which they do not lie in."""
        if self.layout.columns == 1:
            return (self.hashes[band] or 0,)
        digest, seed = xxhash.xxh3_64_intdigest, self._seed
        return tuple([digest(piece, seed) for piece in self._pieces.of(band)])

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

    def set_overlays(self, overlays: Sequence[Overlay]) -> list[int]:
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
