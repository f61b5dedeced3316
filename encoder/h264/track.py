"""Frames as viewers get them, what those of one encoder have in common, and what they show."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from webcapd.encoder.h264.boxes import codec_string, init_segment, sample_of
from webcapd.encoder.h264.codec import Coded, H264Encoder
from webcapd.encoder.transform import View
from webcapd.encoder.variant import VariantSpec


@dataclass(frozen=True)
class VideoSpec:
    """What is asked for.  Equal ones share everything."""

    view: View
    crf: int

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of it."""
        return {**VariantSpec(self.view).report(), "crf": self.crf}


@dataclass(frozen=True)
class Track:
    """What all frames of one opening of an encoder have in common."""

    width: int
    height: int
    codec: str
    """As in avc1.42C028 (RFC 6381)."""
    init: bytes = field(repr=False)
    """The initialization segment."""


@dataclass(frozen=True)
class VideoFrame:
    """One frame, coded.  Never changed: any thread may hold it."""

    sequence: int
    """Counts the frames of a consumer."""
    track: Track
    data: bytes = field(repr=False)
    """As an MP4 holds it: NAL units, the length in four bytes before each."""
    is_key: bool
    moment: float
    """When the picture was taken: seconds of CLOCK_MONOTONIC."""


class Tracks:
    """Makes frames of what encoders give; for one thread, but for single numbers."""

    def __init__(self, sequence: int) -> None:
        """``sequence`` is the number before that of the first frame."""
        self._before_first = self.sequence = sequence
        self.keys = self.bytes = 0
        self.track: Track | None = None
        """Of the newest frame."""
        self._encoder: H264Encoder | None = None
        """Whose frames are of that track."""

    @property
    def frames(self) -> int:
        return self.sequence - self._before_first

    def frame(self, coded: Coded, moment: float, encoder: H264Encoder) -> VideoFrame:
        """Give the next frame, which an encoder made of a picture of that moment."""
        sample = sample_of(coded.data)
        if self.track is None or self._encoder is not encoder:
            init = init_segment(encoder.width, encoder.height, sample.sps, sample.pps)
            codec = codec_string(sample.sps)
            self.track, self._encoder = Track(encoder.width, encoder.height, codec, init), encoder
        self.keys += coded.is_key
        self.bytes += len(sample.data)
        self.sequence += 1
        return VideoFrame(self.sequence, self.track, sample.data, coded.is_key, moment)
