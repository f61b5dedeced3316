"""The consumers of updates there are now, and how one is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from webcapd.encoder.consumer import Consumers
from webcapd.encoder.jpeg.tiles import TileEncoder
from webcapd.encoder.leases import Leases
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.updates.named.factory import NamedUpdates, open_named
from webcapd.encoder.updates.spec import PLAIN_UPDATES, UpdateSpec

if TYPE_CHECKING:
    from webcapd.encoder.updates.consumer import UpdateConsumer
    from webcapd.encoder.updates.state.sent import SentPicture


class UpdateFactory:
    """Makes consumers of updates, which share what they encode JPEG with."""

    def __init__(
        self,
        encoder: TileEncoder,
        subsampling: str,
        rest: int,
        calm: float,
        wake: Callable[[], None],
    ) -> None:
        """Prepare.

        ``rest`` is the quality of what has not changed for ``calm`` seconds; ``wake`` tells the
        encoder thread, from any thread, of new demand.
        """
        self._encoder, self._subsampling = encoder, subsampling
        self._rest, self._calm, self._wake = rest, calm, wake

    def __call__(self, spec: UpdateSpec, number: int) -> UpdateConsumer:
        """Make one whose states are counted on from a number."""
        # Loaded for who asks for updates: it is a good part of all there is to load.
        from webcapd.encoder.updates.consumer import UpdateConsumer
        from webcapd.encoder.updates.state.grid import TileGrid
        from webcapd.encoder.updates.state.sent import SentPicture

        subsampling = "gray" if spec.view.gray else self._subsampling

        def make_sent(width: int, height: int) -> SentPicture:
            return SentPicture(TileGrid(width, height, subsampling), self._encoder)

        rest = spec.quality or self._rest
        return UpdateConsumer(spec, make_sent, rest, self._calm, self._wake, number)


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
    options: EncoderOptions, consumers: Consumers, encoder: TileEncoder, wake: Callable[[], None]
) -> Updates:
    """Give the consumers that the options allow, to be fed with the others.

    ``encoder`` is that of the others; ``wake`` tells the encoder thread, from any thread, of new
    demand.
    """
    rules = options.quality_rules()
    make = UpdateFactory(encoder, options.subsampling, rules.rest, rules.trigger, wake)
    named = open_named(options, consumers, encoder, wake)
    return Updates(make, options.max_variants, consumers, named)
