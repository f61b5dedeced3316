"""The incremental JPEG: the coded bands of a frame are kept from frame to frame."""

from collections.abc import Hashable, Sequence

from webcapd.capture.bands import runs
from webcapd.capture.picture import Picture
from webcapd.encoder.jpeg.bitstream import frame_header, join_tiles, splice, tiles_of
from webcapd.encoder.jpeg.shared import TileRun
from webcapd.encoder.jpeg.tiles import JpegParams, TileCache, TileEncoder, TileName

# Updates in a row with so many stale bands, after which those are taken to move:
# they are neither looked up nor remembered.
_STREAK, _MANY = 8, 12


class TiledJpeg:
    """One frame of a fixed subsampling, kept in parts.

    Encoder thread only.  A part is coded again when the key of its band is not
    the one it was coded from, whenever that change came about, and when the
    frame's quality is another.
    """

    def __init__(self, encoder: TileEncoder, cache: TileCache, subsampling: str) -> None:
        self._encoder = encoder
        self._cache = cache
        self._subsampling = subsampling
        self._shape: tuple[int, int, int] = (0, 0, 0)
        """Width, height and quality that the parts are of."""
        self._coded: list[Hashable] = []
        """Key that each band was coded from."""
        self._header = b""
        """That of the frame."""
        self._params = JpegParams(0, 0, subsampling, 1, 0)
        self._streaks: dict[int, int] = {}
        """How many updates in a row each band was stale."""
        self._moved: list[int] = []
        """The stale bands of the last update, if all of them moved; their streaks stand still."""
        self._tiles: list[list[bytes]] = []
        """The entropy-coded bytes of each tile of each band."""
        self._bands: list[bytes] = []
        """The same, of each band joined."""
        self._whole = b""
        """The frame, where it was coded as one; then there are no tiles nor bands."""
        self.bands_coded = 0
        self.version = 0
        """Differs whenever the frame does."""

    @property
    def quality(self) -> int:
        """The quality of the frame as it is; 0 before the first."""
        return self._shape[2]

    def update(self, picture: Picture, quality: int) -> None:
        """Encode the tiles that look different now."""
        if self._shape != (picture.width, picture.height, quality):
            self._begin(picture, quality)
        keys = picture.keys
        stale = [band for band, key in enumerate(keys) if key != self._coded[band]]
        if not stale:
            return
        moving = self._moving(stale)
        if len(moving) < len(keys) or not self._take_whole(picture):
            self._take_bands(picture, stale, moving)

    def _take_whole(self, picture: Picture) -> bool:
        """Encode a picture that moves all over as one, if that is less work; tells whether."""
        frame = self._encoder.whole(picture, self._params)
        if frame is None:
            return False
        self.bands_coded += len(picture.keys)
        # Other keys may yet be the same picture.
        self.version += frame != self._whole
        self._whole, self._coded = frame, list(picture.keys)
        self._tiles, self._bands = [], []
        return True

    def _take_bands(self, picture: Picture, stale: Sequence[int], moving: set[int]) -> None:
        """Encode the tiles of bands that look different now."""
        self._cut()
        self._code(picture, stale, moving)
        is_other = False
        for band in stale:
            joined = join_tiles(band, self._tiles[band])
            is_other = is_other or joined != self._bands[band]
            self._bands[band] = joined
            self._coded[band] = picture.keys[band]
        self.version += is_other

    def _cut(self) -> None:
        """Have the frame in parts."""
        if self._whole:
            self._tiles = tiles_of(self._whole, self._params.columns)
            self._bands = [join_tiles(band, tiles) for band, tiles in enumerate(self._tiles)]
            self._whole = b""

    def frame(self) -> bytes:
        """Give the whole frame."""
        return self._whole or splice(self._header, self._bands, self._params.columns)

    def _begin(self, picture: Picture, quality: int) -> None:
        """Start over for another size or quality."""
        if self._shape[0] not in (0, picture.width):
            self._cache.forget_width(self._shape[0])
        self._shape = (picture.width, picture.height, quality)
        layout = picture.layout
        # Only there is a band one row of MCUs, so that a tile is one interval.
        is_cut = self._subsampling == "420"
        columns = layout.columns if is_cut else 1
        tile_width = layout.tile_width if is_cut else picture.width
        self._params = JpegParams(picture.width, quality, self._subsampling, columns, tile_width)
        self._header = frame_header(self._encoder.header(picture, self._params), picture.height)
        self._tiles = [[b""] * columns for _ in range(layout.count)]
        self._bands, self._whole = [b""] * layout.count, b""
        # No band has this key.
        self._coded = [self] * layout.count

    def _code(self, picture: Picture, stale: Sequence[int], moving: set[int]) -> None:
        """Bring the tiles of bands up to date, from the cache where it has them."""
        tile_runs, names = [], {}
        for band in stale:
            for run in self._stale_runs(picture, band):
                if band in moving:
                    tile_runs.append(run)
                    continue
                name = names[run] = self._name(picture, run)
                found = self._cache.get(name)
                if found is None:
                    tile_runs.append(run)
                else:
                    self._put(run, found)
        self.bands_coded += len({run.band for run in tile_runs})
        for run, coded in self._encoder.encode(picture, tile_runs, self._params).items():
            self._put(run, coded)
            if run in names:
                self._cache.put(names[run], coded)

    def _moving(self, stale: list[int]) -> set[int]:
        """Pick the bands that were stale some times in a row: what moves is not seen again."""
        if len(stale) < _MANY:
            self._streaks, self._moved = {}, []
            return set()
        if stale == self._moved:
            return set(stale)
        self._streaks = {band: self._streaks.get(band, 0) + 1 for band in stale}
        moving = [band for band, streak in self._streaks.items() if streak > _STREAK]
        self._moved = moving if len(moving) == len(stale) else []
        return set(moving)

    def _stale_runs(self, picture: Picture, band: int) -> list[TileRun]:
        """List the parts of a stale band that are to be coded."""
        columns = self._params.columns
        key, coded = picture.keys[band], self._coded[band]
        if columns == 1 or not isinstance(coded, tuple):
            return [TileRun(band, 0, columns - 1)]
        fresh = [column for column in range(columns) if key[column] != coded[column]]
        if len(fresh) == columns:
            return [TileRun(band, 0, columns - 1)]
        return [TileRun(band, first, last) for first, last in runs(fresh)]

    def _put(self, run: TileRun, coded: Sequence[bytes]) -> None:
        self._tiles[run.band][run.first : run.last + 1] = coded

    def _name(self, picture: Picture, run: TileRun) -> TileName:
        """Say everything that a coded run depends on."""
        key = picture.keys[run.band]
        if self._params.columns > 1:
            key = key[run.first : run.last + 1]
        top, bottom = picture.layout.rows(run.band)
        return TileName(key, run.first, run.last, bottom - top, self._params)
