"""The incremental JPEG: the coded bands of a frame are kept from frame to frame."""

from collections.abc import Hashable
from typing import Protocol

from webcapd.capture.bands import BandLayout
from webcapd.capture.framebuffer import Presumed
from webcapd.encoder.bandcache import BandCache
from webcapd.encoder.bandcoder import BandCoder, Coding, Pixels
from webcapd.encoder.jpeg import frame_header, splice


class Picture(Pixels, Protocol):
    """What can be encoded: a frame buffer, or a view of one."""

    width: int
    height: int
    layout: BandLayout
    keys: list[Hashable]
    """Equal keys, equal pixels."""


class BandedJpeg:
    """One frame of a fixed subsampling, kept in parts.

    Encoder thread only.  A part is coded again when the key of its band is not
    the one it was coded from, whenever that change came about, and when the
    frame's quality is another.
    """

    def __init__(self, coder: BandCoder, cache: BandCache, subsampling: str) -> None:
        self._coder = coder
        self._cache = cache
        self._subsampling = subsampling
        self._shape: tuple[int, int, int] = (0, 0, 0)
        """Width, height and quality that the parts are of."""
        self._coded: list[Hashable] = []
        """Key that each band was coded from."""
        self._header = b""
        """That of the frame."""
        self._segments: list[bytes] = []
        """The entropy-coded bytes of each band."""
        self.bands_coded = 0
        self.version = 0
        """Differs whenever the frame does."""

    @property
    def quality(self) -> int:
        """The quality of the frame as it is; 0 before the first."""
        return self._shape[2]

    def update(self, picture: Picture, quality: int) -> list[int]:
        """Encode the bands that look different now; lists those that came out as they were.

        Every band of the picture must have a key.
        """
        if self._shape != (picture.width, picture.height, quality):
            self._begin(picture, quality)
        keys = picture.keys
        stale = [band for band, key in enumerate(keys) if key != self._coded[band]]
        alike = []
        for band, coded in zip(stale, self._code(picture, stale), strict=True):
            if coded == self._segments[band]:
                alike.append(band)
            self._segments[band] = coded
            self._coded[band] = keys[band]
        if len(alike) < len(stale):
            self.version += 1
        return alike

    def frame(self) -> bytes:
        """Join the parts to the whole frame."""
        return splice(self._header, self._segments)

    def _begin(self, picture: Picture, quality: int) -> None:
        """Start over for another size or quality."""
        self._shape = (picture.width, picture.height, quality)
        count = picture.layout.count
        header = self._coder.header(picture, self._coding)
        self._header = frame_header(header, picture.height)
        self._segments = [b""] * count
        # No band has this key.
        self._coded = [self] * count

    def _code(self, picture: Picture, bands: list[int]) -> list[bytes]:
        """Give the entropy-coded bytes of bands, from the cache where it has them."""
        names = [self._cache_key(picture, band) for band in bands]
        found = [self._cache.get(name) for name in names]
        missing = [i for i, coded in enumerate(found) if coded is None]
        segments = self._coder.encode(picture, [bands[i] for i in missing], self._coding)
        self.bands_coded += len(missing)
        for i, coded in zip(missing, segments, strict=True):
            found[i] = coded
            # What was not even hashed will never be seen again by that name.
            if not isinstance(picture.keys[bands[i]], Presumed):
                self._cache.put(names[i], coded)
        return [coded for coded in found if coded is not None]

    @property
    def _coding(self) -> Coding:
        width, _, quality = self._shape
        return Coding(width, quality, self._subsampling)

    def _cache_key(self, picture: Picture, band: int) -> Hashable:
        """Say everything that a coded band depends on."""
        top, bottom = picture.layout.rows(band)
        size = (picture.width, bottom - top)
        return (picture.keys[band], size, self.quality, self._subsampling)
