"""Some rows of a picture as a picture of their own: their bands need not be those of the whole."""

from collections.abc import Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext

from webcapd.capture.bands import BandLayout
from webcapd.capture.overlay import Pixels
from webcapd.capture.picture import BandKey, Picture
from webcapd.encoder.stripes.layout import Rows


class PartialPicture:
    """Some rows of a picture.  Valid as long as that is; copies and hashes nothing."""

    pointer = None
    coded = None

    def __init__(self, whole: Picture, rows: Rows) -> None:
        """Take rows out of a picture, which has the pointer in, or shows none."""
        self.width, self.height = whole.width, rows.height
        self.pixels: Pixels = whole.pixels[rows.top : rows.bottom]
        # Columns are those of the whole.
        self.layout = BandLayout(rows.height, whole.width if whole.layout.columns > 1 else 0)
        self.keys: Sequence[BandKey] = [
            _key(whole, rows.top + top, rows.top + bottom)
            for top, bottom in map(self.layout.rows, range(self.layout.count))
        ]

    def with_pointer(self) -> AbstractContextManager[Picture]:
        return nullcontext(self)


def _key(whole: Picture, top: int, bottom: int) -> BandKey:
    """Give the key of the rows from ``top`` to ``bottom``, which may be of two bands.

    It changes with whatever is in these bands, so it may change though the rows do not.
    """
    bands = whole.layout.spanned(top, bottom)
    # Of equal bands, other rows show something else.
    part: Hashable = (top - whole.layout.rows(bands[0])[0], bottom - top)
    keys = [whole.keys[band] for band in bands]
    if whole.layout.columns == 1:
        return ((part, *keys),)
    return tuple((part, *tiles) for tiles in zip(*keys, strict=True))
