"""Makes H.264 of the whole picture, a frame a packet."""

import math
import time
from collections.abc import Sequence

from webcapd.app.api.error import Error
from webcapd.app.api.frame import Packet, Stripe, Taken
from webcapd.app.api.outputs.keyframes import KeyframeRequests
from webcapd.capture.bands import runs
from webcapd.capture.picture import BandKey, Picture
from webcapd.encoder.consumer import NO_DEMAND, Demand, Moment
from webcapd.encoder.h264.codec import H264Encoder, H264Error, even, unavailable
from webcapd.encoder.options import EncoderOptions


class H264Maker:
    """Makes packets that one after the other are a stream of H.264; see Maker.

    What is made is given, so no frame ever builds on one that was left out.
    """

    takes_pointer = True
    takes_small = False
    shows_outages = False

    def __init__(self, options: EncoderOptions) -> None:
        """Prepare; raises Error."""
        if reason := unavailable():
            raise Error(reason)
        self._crf, self._full_color = options.h264_crf, options.h264_fullcolor
        self._calm = options.quality_rules().trigger
        self._encoder: H264Encoder | None = None
        self._keys: Sequence[BandKey] = []
        self._refines_at = math.inf
        """When the picture, which moved, is to be encoded once more: it comes out finer."""
        self._keyframes = KeyframeRequests()

    def request_keyframe(self) -> None:
        self._keyframes.ask()

    def make(self, picture: Picture, moment: Moment, taken: Taken) -> Packet | None:
        # Of one that came as JPEG, the pixels are to be there before the keys are asked for.
        pixels, now = even(picture.pixels), time.monotonic()
        height, width = pixels.shape[:2]
        encoder, begins = self._fitting(width, height)
        stale = self._take_over(picture, begins)
        is_key = self._keyframes.take(begins)
        if stale or is_key:
            self._refines_at = now + self._calm
        elif now >= self._refines_at:
            self._refines_at = math.inf
        else:
            return None
        try:
            coded = encoder.encode(pixels, taken.monotonic, is_key, stale)
        except H264Error as error:
            raise Error(str(error)) from None
        whole = Stripe(coded.data, 0, height, coded.is_key)
        return Packet(coded.data, "h264", (width, height), taken, coded.is_key, (whole,))

    def _fitting(self, width: int, height: int) -> tuple[H264Encoder, bool]:
        """Give an encoder for pictures of a size, and whether it is new; raises Error."""
        encoder = self._encoder
        if encoder is not None and (encoder.width, encoder.height) == (width, height):
            return encoder, False
        self.close()
        try:
            self._encoder = H264Encoder(width, height, self._crf, self._full_color)
        except H264Error as error:
            raise Error(str(error)) from None
        return self._encoder, True

    def _take_over(self, picture: Picture, begins: bool) -> list[tuple[int, int]]:
        """Note what a picture shows; gives the rows that are others than before."""
        keys, before = list(picture.keys), self._keys
        self._keys = keys
        if begins or len(keys) != len(before):
            return [(0, picture.height)]
        pairs = enumerate(zip(keys, before, strict=True))
        stale = [band for band, (key, old) in pairs if key != old]
        return [picture.layout.rows(*run) for run in runs(stale)]

    def finish(self, made: Packet) -> None:
        """Nothing was lent."""

    def demand(self) -> Demand:
        return self._keyframes.within(NO_DEMAND._replace(again=self._refines_at))

    def close(self) -> None:
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            encoder.close()
