"""The full frame buffer: one screen's pixels, and what each band of it holds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import pairwise
from types import MappingProxyType
from typing import TypeAlias

import xxhash

from webcapd.base.process.late import NDArray, np
from webcapd.capture.bands import BAND_ROWS, BandLayout
from webcapd.capture.geometry import Rectangle
from webcapd.capture.overlay import Sprite, painted
from webcapd.capture.picture import BandKey, Picture, overlaid_key, pointed
from webcapd.capture.pixelformat import BGRX, PixelFormat, converter

Bytes: TypeAlias = "NDArray[np.uint8]"

# Reports of a whole band in a row, after which it is taken to move all over.
_STREAK = 8


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
    grabs fill; its memory may be shared with a server, which writes there
    only while a grab asks it to.  So between two grabs the pixels stand still,
    and hash and encoder see the same ones.  ``pixels`` is a (height, width, 4)
    array of bytes B, G, R, X: the same memory where the server's format is
    that, else converted from it band by band.

    The pixels are clean.  Overlays are painted only while ``composed()`` lasts,
    in which it is a Picture, and the pointer while ``with_pointer()`` does;
    hashes never see them.  They join the tiles' keys instead, so that a pointer
    that moves re-encodes the tiles it leaves and enters, and nothing is hashed.

    A band has one hash, which tells at little cost whether it changed, and a key
    for each of its tiles.  When it has changed, its tiles are hashed one by one:
    what damage tells of columns is not believed.  Only where it tells of all of
    them time after time are they not told apart.

    The X byte of a depth-24 server is undefined.  It is hashed all the same:
    leaving it out would cost a copy, and a server that changes it alone costs
    one needless encode of the band.
    """

    coded = None

    def __init__(self, raw: Bytes, width: int, form: PixelFormat) -> None:
        self.raw = raw
        self.height, self.width = len(raw), width
        self.layout = BandLayout(self.height, width)
        self._convert = None if form.is_bgrx else converter(form)
        shape = (self.height, width, 4)
        self.pixels = raw.reshape(shape) if form.is_bgrx else np.zeros(shape, np.uint8)
        # So that bytes of another format never pass for the same picture.
        self._seed = 0 if form.is_bgrx else hash(form) & 0xFFFFFFFF
        # A band that was never refreshed has no hash.
        self.hashes: list[int | None] = [None] * self.layout.count
        self._tiles: list[BandKey] = [()] * self.layout.count
        """Of each band, what its tiles show: a hash of their own pixels, or of the band's."""
        self._tile_hashes: list[tuple[int, ...]] = [()] * self.layout.count
        """Of each band whose tiles were told apart last time, their own hashes."""
        self._streaks = [0] * self.layout.count
        """How many times in a row each band changed when all its columns were reported."""
        self._pieces = _Pieces(raw, self.layout, form.bits_per_pixel // 8)
        self.keys: list[BandKey] = [()] * self.layout.count
        """What viewers see in each band, but for the pointer; empty before the first hash."""
        self._laid: list[tuple[range, range, Sprite]] = []
        """The overlays, and the bands and columns that each covers."""
        self.pointer: Sprite | None = None
        """The pointer, which is not among the overlays."""

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

    def rehash(
        self, bands: Iterable[int], columns: Mapping[int, int] = MappingProxyType({})
    ) -> dict[int, int]:
        """Hash bands whose raw pixels may be new; gives those that really changed.

        ``columns`` has, of a band that only some columns were said of to be new, these: a bit
        for each.  So has what is given; where it cannot be told, what was said is taken for it.
        """
        changed = {}
        for band in bands:
            top, bottom = self.layout.rows(band)
            found = xxhash.xxh3_64_intdigest(self.raw[top:bottom].data, self._seed)
            if found != self.hashes[band]:
                changed[band] = self._take_over(band, found, columns.get(band))
            elif band not in columns and not self._tile_hashes[band]:
                # A scan, and it does not move any more.
                self._tile_hashes[band], self._streaks[band] = self._hash_tiles(band), 0
        self._renew(changed)
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
        keys, fresh = list(self._tiles[band]), 0
        for column, found_now in enumerate(hashes):
            if found_now != known[column]:
                keys[column] = found_now
                fresh |= 1 << column
        self._tiles[band] = tuple(keys)
        return fresh

    def _hash_tiles(self, band: int) -> tuple[int, ...]:
        """Hash the tiles of a band one by one: of pixels in one piece, which they do not lie in."""
        if self.layout.columns == 1:
            return (self.hashes[band] or 0,)
        digest, seed = xxhash.xxh3_64_intdigest, self._seed
        return tuple([digest(piece, seed) for piece in self._pieces.of(band)])

    def invalidate(self, bands: Iterable[int]) -> None:
        """Take bands for changed without hashing them."""
        bands = list(bands)
        for band in bands:
            # Equal to nothing that was or will be.
            self._tiles[band] = (object(),) * self.layout.columns
            self.hashes[band], self._tile_hashes[band] = None, ()
        self._renew(bands)

    def _renew(self, bands: Iterable[int]) -> None:
        """Give bands with new raw pixels their pixels and keys."""
        keys, tiles = self.keys, self._tiles
        for band in bands:
            if self._convert is not None:
                top, bottom = self.layout.rows(band)
                self._convert(self.raw[top:bottom], self.pixels[top:bottom])
            keys[band] = self._key(band) if self._laid else tiles[band]

    def set_overlays(self, overlays: Sequence[Sprite]) -> list[int]:
        """Replace what lies over the screen; list the bands that look different by that."""
        if not overlays and not self._laid:
            return []
        laid = [(*self._covered(overlay), overlay) for overlay in overlays]
        touched = {band for bands, _, _ in (*self._laid, *laid) for band in bands}
        self._laid = laid
        changed = []
        for band in sorted(touched):
            key = self._key(band)
            if self._tiles[band] and key != self.keys[band]:
                self.keys[band] = key
                changed.append(band)
        return changed

    def set_pointer(self, pointer: Sprite | None) -> list[int]:
        """Replace the pointer; list the bands that look different by that where it is laid over."""
        before, self.pointer = self.pointer, pointer
        sprites = [sprite for sprite in (before, pointer) if sprite is not None]
        if len({sprite.key for sprite in sprites}) < len(sprites):
            return []
        return sorted({band for sprite in sprites for band in self._covered(sprite)[0]})

    def _key(self, band: int) -> BandKey:
        """Give the key of a band: its tiles' hashes, and what lies over them."""
        key: BandKey = self._tiles[band]
        for bands, columns, overlay in self._laid:
            if band in bands:
                key = overlaid_key(key, band, columns, overlay)
        return key

    def _covered(self, overlay: Sprite) -> tuple[range, range]:
        """Give the bands and columns that an overlay covers."""
        visible = overlay.area.within(self.area)
        return self.layout.covered(visible) if visible else (range(0), range(0))

    def composed(self) -> AbstractContextManager[Picture]:
        """Have the overlays painted for as long as the context lasts."""
        return self._painted() if self._laid else nullcontext(self)

    @contextmanager
    def _painted(self) -> Iterator[Picture]:
        with painted(self.pixels, [overlay for _, _, overlay in self._laid]):
            yield self

    def with_pointer(self) -> AbstractContextManager[Picture]:
        """Lay the pointer over it, too; to be called within composed()."""
        return pointed(self)
