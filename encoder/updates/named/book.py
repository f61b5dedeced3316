"""The whole picture by name, kept up to date: each change is entered, and worn groups cut anew."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter

from webcapd.base.process.late import np
from webcapd.encoder.updates import records
from webcapd.encoder.updates.named.chain import Chain, Step
from webcapd.encoder.updates.named.cut import ENOUGH_BYTES, Content, Cutter
from webcapd.encoder.updates.named.groups import Groups
from webcapd.encoder.updates.named.ledger import Ledger
from webcapd.encoder.updates.narrow import blocks
from webcapd.encoder.updates.state.grid import Mask, TileGrid
from webcapd.encoder.updates.state.sent import EXACT, SentPicture

# Groups are cut along so many rows of tiles: what is coded exactly is cut there, too.
_ROWS = 4

# Worn groups are looked for so often: where much moves, each change wears some out.
_LOOK_SECONDS = 0.5

_HEADERS = 101


class Book:
    """What brings the picture to whoever has nothing, or an older state.  Encoder thread only."""

    def __init__(self, groups: Groups, sent: SentPicture, number: int, rest: int) -> None:
        """Enter a picture that is wholly new in state ``number``.

        ``rest`` is the quality of what is cut anew.
        """
        self._sent, self._rest, self._begins = sent, rest, number
        self._cutter = Cutter(groups, lru_cache(_HEADERS)(sent.header))
        self._ledger = Ledger(sent.grid.shape)
        self._chain = Chain(number)
        self._look_at = -math.inf
        self._taken = 0
        self._cut(~sent.grid.none(), number, rest)

    @property
    def steps(self) -> Sequence[Step]:
        """Give the last steps, each of which leads on from the one before."""
        return tuple(self._chain.steps)

    def parts(self, since: int, image: Content) -> list[tuple[int, Content]]:
        """Give what changed last in which state, in rising order; behind that lead steps.

        ``image`` is the pointer's, which is shown ``since`` a state.
        """
        parts = [(one.number, one.content) for one in self._ledger.entries]
        if image.data and since <= self._chain.base:
            parts.append((max(since, self._begins), image))
        return sorted(parts, key=itemgetter(0))

    def taken(self) -> int:
        """Give how many bytes were cut since it was asked last, for others than those in step."""
        taken, self._taken = self._taken, 0
        return taken

    def enter(self, data: bytes, image: Content, number: int, quality: int) -> Content:
        """Enter an update, perhaps of nothing, and the pointer's image, if that is new.

        They lead to state ``number`` from the one before; gives what they are in a list.
        """
        made = [one for one in records.split(data) if one[:1] != b"E"]
        copies = [one for one in made if one[:1] == b"C"]
        rest = self._cutter.content(made[len(copies) :])
        is_entered = not (copies or self._chain.is_ahead)
        if made and is_entered:
            touched, whole = reach(self._sent.grid, made)
            self._recut(~whole, number - 1)
            self._ledger.add(number, touched, whole, rest)
        lead = image.behind(rest.behind(Content(b"".join(copies))))
        self._chain.lead_on(Step(number - 1, lead, bool(copies)), is_entered)
        if self._chain.is_long():
            self._cut(self._sent.numbers > self._chain.base, number, quality)
            self._chain.fold()
        return lead

    def content(self, record: bytes) -> Content:
        """Give a record as it stands in a list."""
        return self._cutter.content([record])

    def _recut(self, where: Mask, number: int) -> None:
        """Cut anew what is worn; who has state ``number`` has no need of it."""
        if number < self._begins:
            return
        tiles, now = self._ledger.crowded(), time.monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            tiles |= self._ledger.stale()
        self._cut(tiles & where, number, self._rest)

    def _cut(self, tiles: Mask, number: int, quality: int) -> None:
        """Make groups that have tiles whole, as they are now, and as well as others have them.

        If worse, all would have to be sent again, to all.
        """
        strips = [top for top in range(0, len(tiles), _ROWS) if tiles[top : top + _ROWS].any()]
        made, given = list[bytes](), self._sent.grid.none()
        for top in strips:
            some = self._sent.grid.none()
            some[top : top + _ROWS] = tiles[top : top + _ROWS]
            exact = self._sent.qualities == EXACT
            made += self._sent.send(some & ~exact, quality, 0).data
            made += self._sent.send(some & exact, quality, None).data
            given |= some
            if top == strips[-1] or sum(map(len, made)) >= ENOUGH_BYTES:
                content = self._cutter.content(made)
                self._taken += content.new
                self._ledger.add(number, given, given, content)
                made, given = [], self._sent.grid.none()


def reach(grid: TileGrid, made: Sequence[bytes]) -> tuple[Mask, Mask]:
    """Give the tiles that records change, and those of which they bring all."""
    places = [(records.place_of(one), one[:1] == b"J") for one in made]
    touched = grid.touched([rect for rect, _ in places])
    whole: Mask = np.zeros(grid.shape, bool)
    # Parts of one tile, or tiles of one part, may be all of some tile together.
    for rect in blocks([rect for rect, is_jpeg in places if not is_jpeg]):
        whole |= grid.covered(rect)
    for rect in (rect for rect, is_jpeg in places if is_jpeg):
        whole |= grid.covered(rect)
    return touched, whole
