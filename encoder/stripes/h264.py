"""A stripe as an H.264 stream of its own."""

import math

from webcapd.capture.picture import Picture
from webcapd.encoder.h264.codec import H264Encoder
from webcapd.encoder.h264.planes import Planes
from webcapd.encoder.quality import QualityRules, QualityState, changed, settled, settles_at
from webcapd.encoder.stripes.changes import RowChanges
from webcapd.encoder.stripes.layout import Rows
from webcapd.encoder.stripes.stripe import Stripe, StripeSettings

# The average over which it is judged whether a stripe moves takes frames for so long.
_PERIOD = 1 / 30


class H264Stripe:
    """Encodes the same rows of each picture; for one thread at a time.

    A stripe at rest, and what changes a little on it, has an encoder of its own, of another
    quality.  Who decodes sees one stream: the first frame that comes from the other encoder is
    a key frame.
    """

    def __init__(self, rows: Rows, width: int, full_color: bool) -> None:
        """Prepare; all sizes are even.  Raises H264Error."""
        self.rows = rows
        self.due = math.inf
        self._width, self._full_color = width, full_color
        self._planes = Planes(width, rows.height, full_color)
        self._changes = RowChanges(rows)
        self._changed: list[tuple[int, int]] = []
        """Rows of the picture looked at last that differ from those of the planes."""
        self._encoders: dict[int, H264Encoder] = {}
        """By their crf."""
        self._motion = QualityState()
        self._wants_key = False
        self._crf = self._sent_crf = -1
        """What is to be sent next with, and what was sent last with."""
        self._sent = -1
        """The number of the frame that was sent last."""

    def look(self, picture: Picture, settings: StripeSettings, now: float, whole: bool) -> bool:
        self._changed += (rows := self._changes.update(picture))
        self._wants_key = self._wants_key or whole
        crf = self._crf_of(settings, sum(bottom - top for top, bottom in rows), now)
        is_other, self._crf = crf != self._crf, crf
        return bool(self._changed) or is_other or self._wants_key

    def _crf_of(self, settings: StripeSettings, rows: int, now: float) -> int:
        """Choose between moving and resting, after so many rows have changed."""
        if not settings.paint_over_crf:
            self.due = math.inf
            return settings.crf
        # A level above 0 means motion.
        rules = QualityRules(0, 1, settings.calm, _PERIOD)
        if rows:
            self._motion = changed(self._motion, rows / self.rows.height, now, rules)
        self._motion = settled(self._motion, now, rules)
        self.due = settles_at(self._motion, rules)
        return settings.crf if self._motion.level else settings.paint_over_crf

    def encode(self, picture: Picture, number: int, now: float) -> Stripe:
        pixels = picture.pixels[self.rows.top : self.rows.bottom, : self._width]
        self._planes.follow(pixels, self._changed)
        key = self._wants_key or self._crf != self._sent_crf
        coded = self._encoder().encode_planes(self._planes, now, key)
        reference = -1 if coded.is_key else self._sent
        self._changed, self._wants_key = [], False
        self._sent, self._sent_crf = number, self._crf
        return Stripe(coded.data, self.rows, self._width, coded.is_key, reference, is_video=True)

    def _encoder(self) -> H264Encoder:
        """Give the encoder of the crf that is wanted."""
        if self._crf not in self._encoders:
            # One that moves and one that rests: a third is of settings that have changed.
            if len(self._encoders) > 1:
                self.close()
            height = self.rows.height
            self._encoders[self._crf] = H264Encoder(
                self._width, height, self._crf, self._full_color
            )
        return self._encoders[self._crf]

    def close(self) -> None:
        while self._encoders:
            self._encoders.popitem()[1].close()
