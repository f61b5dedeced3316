"""Makes H.264 in stripes, of which only those are encoded that changed."""

from collections.abc import Callable

from webcapd.app.api.error import Error
from webcapd.app.api.frame import Packet, Stripe, Taken
from webcapd.app.api.outputs.keyframes import KeyframeRequests
from webcapd.capture.picture import Picture
from webcapd.encoder.consumer import Demand, Moment
from webcapd.encoder.h264.codec import H264Error, unavailable
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.stripes.factory import h264_stripes
from webcapd.encoder.stripes.stripe import StripeSettings

# By so much a stripe at rest is finer: pixelflux has 25, and 18 of these.
_FINER = 7


class StripesMaker:
    """Makes packets of the stripes that changed; see Maker."""

    takes_pointer = True
    takes_small = False
    shows_outages = False

    def __init__(self, options: EncoderOptions, wake: Callable[[], None]) -> None:
        """Prepare; raises Error."""
        if reason := unavailable():
            raise Error(reason)
        crf = options.h264_crf
        at_rest = max(1, crf - _FINER) if options.use_paint_over_quality else 0
        settings = StripeSettings(
            crf=crf, paint_over_crf=at_rest, calm=options.quality_rules().trigger
        )
        self._consumer = h264_stripes(settings, False, options.h264_fullcolor, wake)
        self._keyframes = KeyframeRequests()
        # There is always room: what is made is taken at once.
        self._consumer.slot.take(0)

    def request_keyframe(self) -> None:
        self._keyframes.ask()

    def make(self, picture: Picture, moment: Moment, taken: Taken) -> Packet | None:
        consumer = self._consumer
        if self._keyframes.take(begins=consumer.size == (0, 0)):
            consumer.request_all()
        try:
            consumer.feed(picture, moment)
        except H264Error as error:
            raise Error(str(error)) from None
        frame = consumer.slot.take(0)
        if frame is None:
            return None
        consumer.slot.take(0)
        stripes = tuple(
            Stripe(one.data, one.rows.top, one.rows.height, one.is_key) for one in frame.stripes
        )
        rows = sum(stripe.height for stripe in stripes if stripe.is_key)
        is_key = rows == consumer.size[1]
        return Packet(None, "h264", consumer.size, taken, is_key, stripes)

    def finish(self, made: Packet) -> None:
        """Nothing was lent."""

    def demand(self) -> Demand:
        return self._keyframes.within(self._consumer.demand())

    def close(self) -> None:
        self._consumer.close()
        self._consumer.dispose()
