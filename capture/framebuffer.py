"""The full frame buffer: one screen's pixels, and what each band of it holds."""

from collections.abc import Iterable

import numpy as np
import xxhash
from numpy.typing import NDArray

from webcapd.capture.bands import BandLayout


class FrameBuffer:
    """Pixels of a whole screen and the XXH3 hash of each of its bands.

    Encoder thread only.  ``pixels`` is a (height, width, 4) array of bytes in
    the order B, G, R, X; its memory may be a segment shared with the X server,
    which writes there only while a grab asks it to.  So between two grabs the
    pixels stand still, and hash and encoder see the same ones.

    The X byte of a depth-24 server is undefined.  It is hashed all the same:
    leaving it out would cost a copy, and a server that changes it alone costs
    one needless encode of the band.
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]
        self.layout = BandLayout(self.height)
        # A band that was never looked at has no hash.
        self.hashes: list[int | None] = [None] * self.layout.count

    def band(self, band: int) -> NDArray[np.uint8]:
        """Give the pixels of one band, without a copy."""
        top, bottom = self.layout.rows(band)
        return self.pixels[top:bottom]

    def settle(self, bands: Iterable[int]) -> list[int]:
        """Hash bands whose pixels may be new; list those that really changed."""
        changed = []
        for band in bands:
            found = xxhash.xxh3_64_intdigest(self.band(band).data)
            if found != self.hashes[band]:
                self.hashes[band] = found
                changed.append(band)
        return changed
