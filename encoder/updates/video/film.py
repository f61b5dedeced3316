"""One video: a rectangle's pixels as H.264, and the records that bring it."""

from collections.abc import Sequence

from webcapd.capture.geometry import Rectangle
from webcapd.encoder.h264 import boxes
from webcapd.encoder.h264.codec import H264Encoder
from webcapd.encoder.updates import records
from webcapd.encoder.updates.pixels import Pixels

Rows = tuple[int, int]
"""From row to row of the rectangle, the last one not included."""

# A frame is shown for as long as the one before was, as it is not known yet when the next comes;
# within bounds: what rests is no gap, and no sample lasts 0.
_SHORTEST, _LONGEST = boxes.TIMESCALE // 240, boxes.TIMESCALE // 10
_USUAL = boxes.TIMESCALE // 30


class Film:
    """Encodes one rectangle, from its first frame to its last.  Encoder thread only."""

    def __init__(self, number: int, rect: Rectangle, crf: int, full_color: bool) -> None:
        """Open an encoder; raises H264Error."""
        self.number, self.rect = number, rect
        self.begin = b""
        """The record with which a reader begins; there is one from the first frame on."""
        self._encoder = H264Encoder(rect.width, rect.height, crf, full_color)
        self._frames = self._decode_time = 0
        self._before = 0.0
        """When the last frame was on the screen."""
        self.rate = 0.0
        """Bytes a second, lately, but for key frames."""

    def shoot(
        self, picture: Pixels, rows: Sequence[Rows], captured: float, key: bool
    ) -> tuple[bytes, bool]:
        """Give the record of a frame, and whether it is a key frame; raises H264Error.

        ``rows`` are all that may have changed since the frame before.
        """
        first = not self._frames
        coded = self._encoder.encode(
            self.rect.of(picture), captured, key or first, None if first else rows
        )
        sample = boxes.sample_of(coded.data)
        if first:
            header = boxes.init_segment(*self.rect.size, sample.sps, sample.pps)
            self.begin = records.video(self.number, self.rect, header)
        self._frames += 1
        lasts = self._duration(captured)
        data = boxes.fragment(self._frames, self._decode_time, lasts, sample.data, coded.is_key)
        self._decode_time += lasts
        if not coded.is_key:
            self.rate += (len(data) * boxes.TIMESCALE / lasts - self.rate) / min(self._frames, 16)
        return records.video_frame(self.number, coded.is_key, data), coded.is_key

    def _duration(self, captured: float) -> int:
        since, self._before = captured - self._before, captured
        if self._frames == 1:
            return _USUAL
        return min(max(_SHORTEST, round(since * boxes.TIMESCALE)), _LONGEST)
