"""Makes JPEG of the whole picture, of kept parts, as ``/?stream`` has it."""

from webcapd.app.api.frame import Packet, Taken
from webcapd.app.engine import Engine
from webcapd.capture.picture import Picture
from webcapd.encoder.consumer import NO_DEMAND, Demand, Moment
from webcapd.encoder.variant import PLAIN


class JpegMaker:
    """Makes packets of one JPEG each; see Maker."""

    takes_pointer = True
    takes_small = False
    shows_outages = False

    def __init__(self, engine: Engine) -> None:
        self._variant = engine.variants.own(PLAIN)
        self._given = 0

    def make(self, picture: Picture, moment: Moment, taken: Taken) -> Packet | None:
        self._variant.feed(picture, moment)
        frame = self._variant.latest.poll().frame
        if frame is None or frame.sequence == self._given:
            return None
        self._given = frame.sequence
        return Packet(frame.data, "jpeg", (frame.width, frame.height), taken)

    def finish(self, made: Packet) -> None:
        """Nothing was lent."""

    def demand(self) -> Demand:
        return NO_DEMAND

    def request_keyframe(self) -> None:
        """All that is made can do without what was before."""

    def close(self) -> None:
        self._variant.close()
