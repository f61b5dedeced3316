"""The JPEG variants there are now, and how one is made."""

from collections.abc import Callable

from webcapd.encoder.consumer import Consumers
from webcapd.encoder.jpeg.tiles import TileCache, TileEncoder
from webcapd.encoder.leases import Leases, draw_run
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.variant import PLAIN, Variant, VariantSpec

# Coded tiles that may come back: some fifty screens of text, and a third of all that is taken.
_CACHE_BYTES = 24 * 1024 * 1024


class Variants(Leases[VariantSpec, Variant]):
    """All variants, by what they show; the plain one is always there.  For any thread."""

    def __init__(
        self,
        make: Callable[[VariantSpec, int], Variant],
        most: int,
        run: int = 0,
        consumers: Consumers | None = None,
    ) -> None:
        """``most`` bounds the variants beside the plain one; ``consumers`` is whom to feed."""
        super().__init__(consumers or Consumers(), make, most, PLAIN, run, needed=True)

    def report(self) -> dict[str, object]:
        """Tell what ``/?info`` says of the variants."""
        variants = self.listed()
        return {
            "frames": sum(variant.frames for variant in variants),
            "bandsCoded": sum(variant.bands_coded for variant in variants),
            "variants": [variant.report() for variant in variants],
        }


def open_variants(
    options: EncoderOptions, consumers: Consumers, encoder: TileEncoder, wake: Callable[[], None]
) -> Variants:
    """Give the variants that the options allow, to be fed with the other consumers.

    They share ``encoder``, and what they have encoded.  ``wake`` tells the
    encoder thread, from any thread, of new demand.
    """
    cache = TileCache(_CACHE_BYTES)

    def make(spec: VariantSpec, sequence: int) -> Variant:
        return Variant(spec, encoder, cache, options.subsampling, wake, sequence)

    return Variants(make, options.max_variants, draw_run(), consumers)
