"""The consumers of stripes there are: one a codec."""

from collections.abc import Callable

from webcapd.base.processors import processors
from webcapd.encoder.jpeg.tiles import TileCache, TileEncoder
from webcapd.encoder.stripes.consumer import StripeConsumer
from webcapd.encoder.stripes.jpeg import JpegStripe
from webcapd.encoder.stripes.layout import Rows
from webcapd.encoder.stripes.stripe import StripeSettings

# Coded tiles that may come back: some screens of text.
_CACHE_BYTES = 16 * 1024 * 1024


def jpeg_stripes(
    settings: StripeSettings, encoder: TileEncoder, wake: Callable[[], None], number: int = 0
) -> StripeConsumer:
    """Make what gives JPEG stripes, as many as there are processors.

    ``wake`` tells the encoder thread, from any thread, of new demand; ``number`` is the first
    frame's.
    """
    cache = TileCache(_CACHE_BYTES)

    def make(rows: Rows, width: int) -> JpegStripe:
        return JpegStripe(rows, encoder, cache)

    return StripeConsumer(settings, make, processors(), 1, wake, number)
