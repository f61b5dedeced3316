"""The picture that readers have: what changes in it becomes records, and what one lacks.

Of each tile it is known which update changed it last: who has the picture as of
a number lacks the tiles with later ones.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from webcapd.base.process.late import NDArray, np
from webcapd.capture.geometry import Rectangle
from webcapd.capture.picture import BandKey, Picture
from webcapd.encoder.updates.difference import (
    CopySearch,
    Difference,
    composed,
    copy_records,
    difference,
)
from webcapd.encoder.updates.pixels import Pixels
from webcapd.encoder.updates.state.coded import Coded
from webcapd.encoder.updates.state.filmed import Filmed
from webcapd.encoder.updates.state.grid import Mask, TileGrid
from webcapd.encoder.updates.state.motion import Motion, sent_exactly
from webcapd.encoder.updates.state.scans import Scans

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


class SentPicture:
    """The picture as of the newest update, and of each tile how it was sent.

    Encoder thread only.
    """

    def __init__(self, grid: TileGrid, scans: Scans) -> None:
        self.grid, self._scans = grid, scans
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
        motion = self._motion = Motion(grid)
        """Of tiles that are stale there ``pixels`` has older ones."""
        filmed = self.filmed = Filmed(grid)
        """What goes by a video."""
        self.moved = grid.none()
        """Tiles that the newest update sent as JPEG, or that its video showed."""
        # Nothing here may lead back to this: megabytes would wait for the garbage collector.
        self._search = CopySearch(
            lambda rect: (
                not (grid.under(motion.stale, rect).any() or grid.under(filmed.touched, rect).any())
            )
        )

    def header(self, quality: int) -> bytes:
        """Give the record of the header of all JPEG rectangles of a quality."""
        return self._scans.header(quality, self._kept)

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
        mask = mask | self.filmed.take_left()
        if is_all:
            # What is not new any more is what was sent.
            self._take_over(pixels, self._motion.stale & ~mask)
        filmed = self._film(pixels, mask, number, is_all)
        # Of a video's edge only the rest is looked at, and must be: it goes as JPEG unseen once
        # more when the video begins, as it did in the updates before.
        own = self.filmed.covered if self.filmed.is_cut else self.filmed.touched
        moving = self._motion.among(mask & ~own, self._since, is_all)
        places = self.filmed.beside(self.grid.rects(mask & ~moving))
        search = None if self.filmed.is_cut else self._search
        found = difference(self.pixels, pixels, places, search, budget)
        # Afterwards: they may be what is copied from.
        if self._motion.is_kept:
            self._take_over(pixels, moving)
        else:
            self._motion.stale |= moving
        lossy = self.grid.touched(found.lossy)
        changed = lossy | moving
        changed |= self.grid.touched([rect for rect, _ in (*found.copies, *found.exact)])
        self.moved = lossy | moving | filmed
        self._end_cut(pixels)
        if not changed.any():
            return Coded()
        self._note_change(changed, number)
        self._motion.note(changed, lossy | moving, found)
        self._note_copies(found)
        jpegs = self._scans.encode(lossy | moving, quality, _Kept(self.grid, pixels, keys))
        self.qualities[lossy | moving] = quality
        self.qualities[sent_exactly(self.grid, found)] = EXACT
        coded = Coded(copies=copy_records(found.copies))
        coded += jpegs
        coded += Coded([record for _, record in found.exact])
        return coded

    def film(self, rect: Rectangle | None) -> None:
        """Have a rectangle, or none, go by a video from the update on that comes now.

        What the one before showed stays, at no quality that is known, and is to be better
        once it rests.
        """
        self.qualities[self.filmed.touched] = 0
        self._is_final[self.filmed.touched] = False
        self.filmed.cut(rect)

    def _film(self, pixels: Pixels, mask: Mask, number: int, is_all: bool) -> Mask:
        """Take over what a video shows; gives its tiles."""
        filmed = self.filmed.take(mask, is_all)
        for part in self.filmed.parts(filmed):
            part.of(self.pixels)[:] = part.of(pixels)
        self.numbers[filmed] = number
        self._scans.drop(filmed)
        inner = filmed & self.filmed.covered
        self.qualities[inner] = 0
        self._since[inner] = time.monotonic()
        return filmed

    def _end_cut(self, pixels: Pixels) -> None:
        """Where a video has begun, go on with all tiles as with ones that rest."""
        if self.filmed.is_cut:
            self._take_over(pixels, self._motion.stale & self.filmed.touched)
            self._motion.forget(self.filmed.touched)
            self.filmed.is_cut = False

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

    def send(
        self, mask: Mask, quality: int, budget: int | None, beside_video: bool = False
    ) -> Coded:
        """Give what tells readers of some tiles, whatever they have there.

        Those that follow the video need but what is ``beside_video``.
        Without a budget what others have exactly is sent so: else it would have to be sent
        again, to all, for ever.
        """
        if beside_video:
            mask = mask & ~self.filmed.covered
        kept = mask & (self._scans.qualities >= quality)
        if budget is None:
            kept &= self.qualities < EXACT
        kept |= mask & self._motion.stale
        if beside_video:
            # Of their edge JPEG has more than is needed, and what is exact comes exactly.
            kept &= ~self.filmed.touched
        rects = self.grid.rects(mask & ~kept)
        found = composed(self.pixels, self.filmed.beside(rects) if beside_video else rects, budget)
        lossy = self.grid.touched(found.lossy) & mask & ~kept
        coded = self._scans.encode(lossy, quality, self._kept)
        coded += self._scans.joined(kept)
        coded += Coded([record for _, record in found.exact])
        if budget is None:
            self._is_final[lossy] = True
        sent = np.where(kept, self._scans.qualities, np.where(lossy, quality, EXACT))
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
        found = composed(self.pixels, self.filmed.beside(self.grid.rects(chosen)), None)
        lossy = self.grid.touched(found.lossy) & chosen
        poor = lossy & (self.qualities < rest)
        kept = self._scans.qualities >= rest
        coded = self._scans.encode(poor & ~kept, rest, self._kept)
        coded += self._scans.joined(poor & kept)
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
        # What a video shows is its own for as long as that lasts.
        return rough & ~self.filmed.covered

    def _note_change(self, changed: Mask, number: int) -> None:
        self.numbers[changed] = number
        self._since[changed] = time.monotonic()
        self._scans.drop(changed)
        self._is_final[changed] = False

    def _note_copies(self, found: Difference) -> None:
        """Have copies be as good as what they were made from."""
        before = self.qualities.copy()
        for rect, source in found.copies:
            quality = int(self.grid.under(before, source).min())
            touched, covered = self.grid.touched([rect]), self.grid.covered(rect)
            self.qualities[touched] = np.minimum(self.qualities[touched], quality)
            self.qualities[covered] = quality
