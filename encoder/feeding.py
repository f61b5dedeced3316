"""How a refreshed picture gets to the consumers: in what quality, none to the harm of others."""

import logging
import math
import time
from collections.abc import Sequence

from webcapd.base.process.late import NotLoadable, load
from webcapd.base.rate import Rate
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.picture import Picture
from webcapd.encoder.consumer import Consumer, Consumers, Moment
from webcapd.encoder.outage import Outage
from webcapd.encoder.quality import QualityRules, QualityState, changed, settled, settles_at
from webcapd.encoder.stall import StallGuard

log = logging.getLogger(__name__)


class Feeding:
    """Feeds consumers.  Encoder thread only, but for ``rate`` and ``quality``."""

    def __init__(self, consumers: Consumers, stall: StallGuard, rules: QualityRules) -> None:
        """``consumers`` are all there are; ``stall`` is told when one is at work."""
        self._consumers, self._stall, self._rules = consumers, stall, rules
        self._motion = QualityState()
        self._is_prepared = False
        self._as_of = -math.inf
        """When the last refresh began that took in all there was."""
        self.fruitless = 0
        """Refreshes that found nothing new, since the last that did."""
        self.rate = Rate()

    @property
    def quality(self) -> int:
        """The quality that motion has led to."""
        return self._rules.quality(self._motion.level)

    @property
    def settles_at(self) -> float:
        """When the picture is to be fed at the rest quality, if nothing happens."""
        return settles_at(self._motion, self._rules)

    def prepare(self) -> None:
        """Load what a picture takes, before a source is asked for one.

        From a slow disk that takes seconds, which are not to be taken for the source's.
        """
        if not self._is_prepared:
            with self._stall.encoding():
                load("numpy")
            self._is_prepared = True

    def refreshed(self, bands: Sequence[int], count: int, now: float) -> None:
        """Note which bands, of how many, a refresh found to look different."""
        before = self._motion.level
        if bands:
            self._motion = changed(self._motion, len(bands) / count, now, self._rules)
            self.rate.tick()
        self.fruitless = 0 if bands else self.fruitless + 1
        self._motion = settled(self._motion, now, self._rules)
        if bands or self._motion.level != before:
            for consumer in self._consumers.listed():
                consumer.behind = True

    def feed(
        self, consumers: Sequence[Consumer], frame_buffer: FrameBuffer, captured: float, now: float
    ) -> None:
        """Feed what a refresh that began at ``now`` has brought."""
        self._as_of = now
        with frame_buffer.composed() as picture:
            self._feed_all(consumers, picture, Moment(captured, now, self.quality))

    def feed_small(
        self, consumers: Sequence[Consumer], frame_buffer: FrameBuffer, captured: float
    ) -> None:
        """Feed a small change: all else is as it was at the last feed()."""
        moment = Moment(captured, self._as_of, self.quality, is_small=True)
        with frame_buffer.composed() as picture:
            self._feed_all(consumers, picture, moment)

    def show(self, outage: Outage) -> None:
        """Feed the placeholder to all consumers, those made since it was drawn too."""
        # It is true until further notice: nobody has to wait for a refresh.
        moment = Moment(time.time(), math.inf, self._rules.rest, outage.reason)
        self._feed_all(self._consumers.listed(), outage.placeholder, moment)

    def _feed_all(self, consumers: Sequence[Consumer], picture: Picture, moment: Moment) -> None:
        """Feed a picture, first to those that take the pointer apart."""
        for consumer in consumers:
            if not consumer.takes_pointer:
                self._feed(consumer, picture, moment)
        pointed = [consumer for consumer in consumers if consumer.takes_pointer]
        if pointed:
            with picture.with_pointer() as whole:
                for consumer in pointed:
                    self._feed(consumer, whole, moment)

    def _feed(self, consumer: Consumer, picture: Picture, moment: Moment) -> None:
        """Feed a consumer; one that fails is removed, unless the server cannot be without it."""
        consumer.behind = False
        try:
            with self._stall.encoding():
                consumer.feed(picture, moment)
        except NotLoadable:
            # Nothing can be shown without it, to anybody.
            raise
        except Exception:
            # What somebody asked for must not end the rest.
            if self._consumers.is_needed(consumer):
                raise
            log.exception("a variant of the picture cannot be encoded: %s", consumer)
            self._consumers.remove(consumer)
