"""The consumers of updates there are now, and how one is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from webcapd.encoder.consumer import Consumers
from webcapd.encoder.h264.slots import VideoSlots
from webcapd.encoder.jpeg.tiles import TileEncoder
from webcapd.encoder.leases import Leases
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.updates.making import UpdateFactory
from webcapd.encoder.updates.named.factory import NamedUpdates, open_named
from webcapd.encoder.updates.spec import PLAIN_UPDATES, UpdateSpec, VideoSettings

if TYPE_CHECKING:
    from webcapd.encoder.updates.consumer import UpdateConsumer


class Updates(Leases[UpdateSpec, "UpdateConsumer"]):
    """All consumers of updates, by what they show; for any thread."""

    def __init__(
        self,
        make: Callable[[UpdateSpec, int], UpdateConsumer],
        most: int,
        consumers: Consumers,
        named: NamedUpdates,
    ) -> None:
        """``most`` bounds those beside the plain one; ``named`` are those by name."""
        super().__init__(consumers, make, most, PLAIN_UPDATES)
        self.named = named

    def report(self) -> dict[str, object]:
        """Tell what ``/?info`` says of them."""
        consumers = [*self.listed(), *self.named.listed()]
        return {"updates": [consumer.report() for consumer in consumers]}


def open_updates(
    options: EncoderOptions,
    consumers: Consumers,
    encoder: TileEncoder,
    wake: Callable[[], None],
    slots: VideoSlots | None = None,
) -> Updates:
    """Give the consumers that the options allow, to be fed with the others.

    ``encoder`` is that of the others; ``wake`` tells the encoder thread, from any thread, of new
    demand; ``slots`` bounds the videos, together with others that take from it.
    """
    rules = options.quality_rules()
    slots = slots or VideoSlots(options.max_videos)
    video = VideoSettings(slots, options.h264_crf, options.h264_fullcolor)
    make = UpdateFactory(encoder, options.subsampling, rules.rest, rules.trigger, wake, video)
    named = open_named(options, consumers, encoder, wake)
    return Updates(make, options.max_variants, consumers, named)
