"""Which rows of a stripe look different from picture to picture."""

from collections.abc import Sequence

import xxhash

from webcapd.base.process.late import np
from webcapd.capture.bands import runs
from webcapd.capture.picture import BandKey, Picture
from webcapd.encoder.stripes.layout import Rows


class RowChanges:
    """Follows the rows of a stripe.  Encoder thread only.

    A band of the picture may be in two stripes: which of them has changed is then known by a hash
    of its rows.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._keys: Sequence[BandKey] = ()
        self._digests: dict[int, int] = {}
        """Of each band that is in two stripes, the hash of its rows in this one."""

    def update(self, picture: Picture) -> list[tuple[int, int]]:
        """Take note of a picture; gives ranges of rows that may differ, counted in the stripe."""
        bands = picture.layout.spanned(self._rows.top, self._rows.bottom)
        keys = list(picture.keys[bands.start : bands.stop])
        before, self._keys = self._keys or [()] * len(keys), keys
        changed = [
            band
            for band, old, key in zip(bands, before, keys, strict=True)
            if old != key and self._differs(picture, band)
        ]
        return [self._part(picture, first, last) for first, last in runs(changed)]

    def _part(self, picture: Picture, first: int, last: int) -> tuple[int, int]:
        """Give the rows of bands that are in the stripe, counted from its top."""
        top, bottom = picture.layout.rows(first, last)
        return max(top - self._rows.top, 0), min(bottom, self._rows.bottom) - self._rows.top

    def _differs(self, picture: Picture, band: int) -> bool:
        """Tell whether the rows of a band differ that are in the stripe."""
        top, bottom = picture.layout.rows(band)
        if self._rows.top <= top and bottom <= self._rows.bottom:
            return True
        begin, end = max(top, self._rows.top), min(bottom, self._rows.bottom)
        rows = np.ascontiguousarray(picture.pixels[begin:end])
        before, digest = self._digests.get(band), xxhash.xxh3_64_intdigest(rows.data)
        self._digests[band] = digest
        return digest != before
