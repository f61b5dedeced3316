"""The picture that readers have: what changes in it becomes records, and what one lacks.

Of each tile it is known which update changed it last: who has the picture as of
a number lacks the tiles with later ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

from webcapd.base.process.late import NDArray, np
from webcapd.capture.picture import BandKey, Picture
from webcapd.encoder.jpeg.tiles import TileEncoder
from webcapd.encoder.updates import records
from webcapd.encoder.updates.difference import (
    CopySearch,
    Difference,
    composed,
    copy_records,
    difference,
)
from webcapd.encoder.updates.jpegpack import TileBlock, join_scan, shared_header
from webcapd.encoder.updates.narrow import blocks
from webcapd.encoder.updates.pixels import Pixels
from webcapd.encoder.updates.state.grid import Mask, TileGrid
from webcapd.encoder.updates.state.motion import Motion

EXACT = 255
"""The quality of a tile that is as the screen is."""


class _Kept:
    """A picture that nothing lies over, as the encoder of tiles wants it."""

    pointer = None
    coded = None

    def __init__(self, grid: TileGrid, pixels: Pixels, keys: Sequence[BandKey] = ()) -> None:
        self.width, self.height, self.layout = grid.width, grid.height, grid.layout
        self.pixels, self.keys = pixels, keys

    def with_pointer(self) -> AbstractContextManager[Picture]:
        return nullcontext(self)


class Coded:
    """Records, and the qualities whose JPEG headers they need."""

    def __init__(self, data: Sequence[bytes] = (), qualities: Iterable[int] = ()) -> None:
        self.data, self.qualities = list(data), set(qualities)

    def __iadd__(self, other: Coded) -> Coded:
        self.data += other.data
        self.qualities |= other.qualities
        return self


class SentPicture:
    """The picture as of the newest update, and of each tile how it was sent.

    Encoder thread only.
    """

    def __init__(
        self, grid: TileGrid, encoder: TileEncoder, longest: int = records.MAX_SCAN
    ) -> None:
        """``longest`` is how many bytes the scan of a JPEG record has at most, but for one row."""
        self.grid = grid
        self._longest = longest
        self.pixels: Pixels = np.zeros((grid.height, grid.width, 4), np.uint8)
        self._kept = _Kept(grid, self.pixels)
        self.numbers: NDArray[np.int64] = np.zeros(grid.shape, np.int64)
        """Of each tile, the update that changed it last."""
        self.qualities: NDArray[np.uint8] = np.full(grid.shape, EXACT, np.uint8)
        """Of each tile, how readers have it: at most the quality of a JPEG, or EXACT."""
        self._is_final: Mask = self.grid.none()
        """Of each tile, whether it was found, at rest, that it cannot be sent exactly."""
        self._since: NDArray[np.float64] = np.zeros(grid.shape)
        """Of each tile, when it changed last (CLOCK_MONOTONIC)."""
        self._scans = [[b""] * grid.columns for _ in range(grid.rows)]
        """Of each tile, its JPEG data if it looks like them; nothing if none were made."""
        self._scan_qualities: NDArray[np.uint8] = np.zeros(grid.shape, np.uint8)
        """Their quality; 0 where there are none."""
        motion = self._motion = Motion(grid)
        """Of tiles that are stale there ``pixels`` has older ones."""
        self._encoder = encoder
        # Nothing here may lead back to this: megabytes would wait for the garbage collector.
        self._search = CopySearch(lambda rect: not grid.under(motion.stale, rect).any())

    def header(self, quality: int) -> bytes:
        """Give the record of the header of all JPEG rectangles of a quality."""
        head = shared_header(self._encoder.header(self._kept, self.grid.params(quality)))
        return records.jpeg_header(quality, head.size_at, head.interval_at, head.data)

    def follow(
        self,
        pixels: Pixels,
        mask: Mask,
        number: int,
        quality: int,
        budget: int | None,
        keys: Sequence[BandKey] = (),
        is_all: bool = True,
    ) -> Coded:
        """Take over what changed within some tiles; gives what tells readers that have the rest.

        ``number`` is the update's, ``quality`` that of JPEG, ``budget`` as for difference();
        ``keys`` say what the pixels show, to whom that is known; ``is_all`` tells whether what
        is not among the tiles has been looked at, too.
        """
        if is_all:
            # What is not new any more is what was sent.
            self._take_over(pixels, self._motion.stale & ~mask)
        moving = self._motion.among(mask, self._since, is_all)
        places = self.grid.rects(mask & ~moving)
        found = difference(self.pixels, pixels, places, self._search, budget)
        # Afterwards: they may be what is copied from.
        if self._motion.is_kept:
            self._take_over(pixels, moving)
        else:
            self._motion.stale |= moving
        lossy = self.grid.touched(found.lossy)
        changed = lossy | moving
        changed |= self.grid.touched([rect for rect, _ in (*found.copies, *found.exact)])
        if not changed.any():
            return Coded()
        self._note_change(changed, number)
        self._motion.note(changed, lossy | moving, found)
        self._note_copies(found)
        jpegs = self._jpegs(lossy | moving, quality, _Kept(self.grid, pixels, keys))
        self.qualities[lossy | moving] = quality
        self._note_exact(found)
        coded = Coded(copy_records(found.copies))
        coded += jpegs
        coded += Coded([record for _, record in found.exact])
        return coded

    def _take_over(self, pixels: Pixels, tiles: Mask) -> None:
        for rect in self.grid.rects(tiles):
            rect.of(self.pixels)[:] = rect.of(pixels)
        self._motion.stale &= ~tiles

    def whole(self, pixels: Pixels, number: int, quality: int, budget: int | None) -> Coded:
        """Take over a picture as a whole; gives what tells readers that have nothing."""
        self.pixels[:] = pixels
        everything = ~self.grid.none()
        self._note_change(everything, number)
        return self.send(everything, quality, budget)

    def lacking(self, number: int) -> Mask:
        """Give the tiles that a reader lacks who has the picture as of a number."""
        return self.numbers > number

    def send(self, mask: Mask, quality: int, budget: int | None) -> Coded:
        """Give what tells readers of some tiles, whatever they have there.

        Without a budget what others have exactly is sent so: else it would have to be sent
        again, to all, for ever.
        """
        kept = mask & (self._scan_qualities >= quality)
        if budget is None:
            kept &= self.qualities < EXACT
        kept |= mask & self._motion.stale
        found = composed(self.pixels, self.grid.rects(mask & ~kept), budget)
        lossy = self.grid.touched(found.lossy) & mask & ~kept
        coded = self._jpegs(lossy, quality)
        coded += self._joined(kept)
        coded += Coded([record for _, record in found.exact])
        if budget is None:
            self._is_final[lossy] = True
        sent = np.where(kept, self._scan_qualities, np.where(lossy, quality, EXACT))
        # Others may have had it better: for all it counts as the worst that anybody has.
        self.qualities[mask] = np.minimum(self.qualities, sent.astype(np.uint8))[mask]
        return coded

    def settle(self, number: int, rest: int, calm: float, most: int) -> Coded:
        """Send again tiles that have not changed for a while: exactly, if that is cheap.

        Others come at the rest quality, if they were not. ``calm`` is that while in seconds,
        ``most`` how many tiles at once.
        """
        due = self._rough(rest) & ~self._motion.stale & (self._since <= time.monotonic() - calm)
        chosen = self.grid.none()
        chosen.ravel()[np.flatnonzero(due)[:most]] = True
        found = composed(self.pixels, self.grid.rects(chosen), None)
        lossy = self.grid.touched(found.lossy) & chosen
        poor = lossy & (self.qualities < rest)
        kept = self._scan_qualities >= rest
        coded = self._jpegs(poor & ~kept, rest)
        coded += self._joined(poor & kept)
        coded += Coded([record for _, record in found.exact])
        self.qualities[chosen & ~lossy] = EXACT
        self.qualities[poor] = rest
        self._is_final[lossy] = True
        self.numbers[poor | self.grid.touched(rect for rect, _ in found.exact)] = number
        return coded

    def settles_at(self, rest: int, calm: float) -> float:
        """Tell when tiles are to be sent again if nothing happens; never if there are none."""
        rough = self._rough(rest)
        return float(self._since[rough].min()) + calm if rough.any() else np.inf

    def _rough(self, rest: int) -> Mask:
        """Give the tiles that are to be better once they rest."""
        rough: Mask = (self.qualities < rest) | ((self.qualities < EXACT) & ~self._is_final)
        return rough

    def _note_change(self, changed: Mask, number: int) -> None:
        self.numbers[changed] = number
        self._since[changed] = time.monotonic()
        self._scan_qualities[changed] = 0
        self._is_final[changed] = False

    def _note_copies(self, found: Difference) -> None:
        """Have copies be as good as what they were made from."""
        before = self.qualities.copy()
        for rect, source in found.copies:
            quality = int(self.grid.under(before, source).min())
            touched, covered = self.grid.touched([rect]), self.grid.covered(rect)
            self.qualities[touched] = np.minimum(self.qualities[touched], quality)
            self.qualities[covered] = quality

    def _note_exact(self, found: Difference) -> None:
        """Have tiles be exact of which all was sent so."""
        for rect in blocks([rect for rect, _ in found.exact]):
            self.qualities[self.grid.covered(rect)] = EXACT

    def _jpegs(self, mask: Mask, quality: int, picture: Picture | None = None) -> Coded:
        """Code tiles as JPEG, keep that, and give the records."""
        strips = self.grid.strips(mask)
        if strips:
            params = self.grid.params(quality)
            coded = self._encoder.encode(picture or self._kept, strips, params)
            for strip, scans in coded.items():
                self._scans[strip.band][strip.first : strip.last + 1] = scans
            self._scan_qualities[mask] = quality
        return Coded(self._scan_records(mask, quality), {quality} if strips else ())

    def _joined(self, mask: Mask) -> Coded:
        """Give the records of tiles that are coded."""
        coded = Coded()
        for quality in np.unique(self._scan_qualities[mask]).tolist():
            some = mask & (self._scan_qualities == quality)
            coded += Coded(self._scan_records(some, quality), {quality})
        return coded

    def _scan_records(self, mask: Mask, quality: int) -> list[bytes]:
        """Give the records of tiles that are coded at one quality."""
        blocks_of = self.grid.blocks(mask)
        return [made for block in blocks_of for made in self._block_records(block, quality)]

    def _block_records(self, block: TileBlock, quality: int) -> list[bytes]:
        """Give the record of a block, or several where one would be longer than it may be."""
        rows = self._scans[block.top : block.bottom + 1]
        scan = join_scan([row[block.left : block.right + 1] for row in rows])
        if len(scan) > self._longest and block.top < block.bottom:
            middle = (block.top + block.bottom) // 2
            upper, lower = block._replace(bottom=middle), block._replace(top=middle + 1)
            return self._block_records(upper, quality) + self._block_records(lower, quality)
        return [records.jpeg(self.grid.rect(block), quality, self.grid.interval, scan)]
