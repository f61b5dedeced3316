"""A stripe as a complete JPEG, of which unchanged parts are kept."""

import math
from collections.abc import Sequence

from webcapd.capture.picture import BandKey, Picture
from webcapd.encoder.jpeg.incremental import TiledJpeg
from webcapd.encoder.jpeg.tiles import TileCache, TileEncoder
from webcapd.encoder.stripes.layout import Rows
from webcapd.encoder.stripes.part import PartialPicture
from webcapd.encoder.stripes.stripe import Stripe, StripeSettings


class JpegStripe:
    """Encodes the same rows of each picture.  Encoder thread only.

    What moves and what rests have tiles of their own, so that a change on a screen at rest costs
    the change in both qualities, and not all of the stripe twice.
    """

    def __init__(
        self, rows: Rows, encoder: TileEncoder, cache: TileCache, subsampling: str = "420"
    ) -> None:
        self.rows = rows
        self.due = math.inf
        self._moving = TiledJpeg(encoder, cache, subsampling)
        self._resting = TiledJpeg(encoder, cache, subsampling)
        self._keys: Sequence[BandKey] = ()
        """What the bands showed that it is in, when it was looked at last."""
        self._sent, self._version = self._moving, self._moving.version
        """What was sent last, and which version of what moves was."""

    def look(self, picture: Picture, settings: StripeSettings, now: float, whole: bool) -> bool:
        if self._has_changed(picture, settings):
            self._sent = self._moving
            rests = settings.paint_over_jpeg_quality > settings.jpeg_quality
            self.due = now + settings.calm if rests else math.inf
        elif now >= self.due:
            self._sent, self.due = self._resting, math.inf
            self._resting.update(
                PartialPicture(picture, self.rows), settings.paint_over_jpeg_quality
            )
        else:
            return whole
        return True

    def encode(self, picture: Picture, number: int, now: float) -> Stripe:
        return Stripe(self._sent.frame(), self.rows, picture.width, is_key=True)

    def _has_changed(self, picture: Picture, settings: StripeSettings) -> bool:
        """Bring what moves up to date; tells whether that made another JPEG of it."""
        bands = picture.layout.spanned(self.rows.top, self.rows.bottom)
        keys = picture.keys[bands.start : bands.stop]
        if keys == self._keys and self._moving.quality == settings.jpeg_quality:
            return False
        self._keys = list(keys)
        self._moving.update(PartialPicture(picture, self.rows), settings.jpeg_quality)
        before, self._version = self._version, self._moving.version
        return self._version != before

    def close(self) -> None: ...
