"""What was coded of a picture, for whoever wants the same of it."""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from webcapd.capture.picture import BandKey, Picture
from webcapd.encoder.jpeg.bitstream import tiles_of


class TileRun(NamedTuple):
    """Neighbouring tiles of one band: those of columns ``first`` to ``last``."""

    band: int
    first: int
    last: int


class CodedTiles:
    """Some runs of tiles of a picture."""

    def __init__(self, picture: Picture, coded: dict[TileRun, list[bytes]]) -> None:
        # The list is used for the next picture.
        self.keys, self._coded = list(picture.keys), coded

    def of(
        self, picture: Picture, runs: Sequence[TileRun], columns: int
    ) -> dict[TileRun, list[bytes]]:
        """Give what is known of these runs: what looks the same at the same place."""
        keys = picture.keys
        return {
            run: found
            for run in runs
            if (found := self._found(run))
            and (shown := _shown(keys, run, columns))
            and shown == _shown(self.keys, run, columns)
        }

    def _found(self, run: TileRun) -> list[bytes] | None:
        return self._coded.get(run)


class CodedWhole(CodedTiles):
    """All tiles of a picture, in the JPEG that it became; cut when somebody wants them."""

    def __init__(self, picture: Picture, jpeg: bytes, columns: int) -> None:
        super().__init__(picture, {})
        self.jpeg, self._columns = jpeg, columns

    @cached_property
    def _tiles(self) -> list[list[bytes]]:
        return tiles_of(self.jpeg, self._columns)

    def _found(self, run: TileRun) -> list[bytes] | None:
        is_there = run.band < len(self.keys)
        return self._tiles[run.band][run.first : run.last + 1] if is_there else None


def _shown(keys: Sequence[BandKey], run: TileRun, columns: int) -> BandKey:
    """Say what a run shows; nothing where that is not known."""
    key = keys[run.band] if keys else ()
    # Where a band is one tile, its key may yet be of several.
    return key if columns == 1 else key[run.first : run.last + 1]
