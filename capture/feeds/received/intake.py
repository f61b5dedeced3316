"""What one sender sends, on its way into the inlet: the newest picture, checked."""

from collections.abc import Sequence

from webcapd.capture.feeds.feed import FeedPicture
from webcapd.capture.feeds.received.inlet import Inlet
from webcapd.capture.feeds.received.jpeg import jpeg_picture

# A camera has a bad picture now and then; who sends nothing else is told.
_MAX_BAD_IN_A_ROW = 10


class Intake:
    """Takes the JPEGs of one sender; for the thread that reads them."""

    def __init__(self, inlet: Inlet[FeedPicture]) -> None:
        self._inlet = inlet
        self.pictures = 0
        """How many came, those counted that were overtaken or bad."""
        self.has_put = False
        """Whether one of them is, or was, in the inlet."""
        self._bad = 0
        """Bad ones, since the last that was none."""

    def take(self, coded: Sequence[bytes], bad_in_a_row: int = _MAX_BAD_IN_A_ROW) -> None:
        """Take the last of the pictures that have come; the others are overtaken.

        Raises ValueError with a sentence when it is bad, and so many in a row are.
        """
        if not coded:
            return
        self.pictures += len(coded)
        try:
            picture = jpeg_picture(coded[-1])
        except ValueError:
            self._inlet.refuse()
            self._bad += 1
            if self._bad >= bad_in_a_row:
                raise
            return
        self._bad, self.has_put = 0, True
        self._inlet.put(picture, coded[-1])
