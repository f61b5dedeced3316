"""The consumer of updates by name, made when somebody asks for the first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from webcapd.encoder.consumer import Consumers
from webcapd.encoder.jpeg.tiles import TileEncoder
from webcapd.encoder.leases import Leases
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.updates.making import make_picture
from webcapd.encoder.updates.named.cut import MOST_BYTES
from webcapd.encoder.updates.named.groups import Groups
from webcapd.encoder.updates.spec import PLAIN_UPDATES, UpdateSpec

if TYPE_CHECKING:
    from webcapd.encoder.updates.named.consumer import NamedConsumer

# The screen as it is, or turned for all.
_FORMS = 1


class NamedUpdates(Leases[UpdateSpec, "NamedConsumer"]):
    """The consumer of updates by name, while it is wanted, and its groups; for any thread."""

    def __init__(
        self,
        make: Callable[[UpdateSpec, int], NamedConsumer],
        consumers: Consumers,
        groups: Groups,
    ) -> None:
        super().__init__(consumers, make, _FORMS, PLAIN_UPDATES)
        self.groups = groups

    def tidy(self) -> None:
        """Give back what is kept for nobody; to be called now and then, by any thread."""
        with self._lock:
            self._drop_idle()
            # Under the lock: of a consumer that is made meanwhile, groups would be lost.
            if not self._kept and self.groups.size:
                self.groups.list_only(frozenset())


def open_named(
    options: EncoderOptions, consumers: Consumers, encoder: TileEncoder, wake: Callable[[], None]
) -> NamedUpdates:
    """Give the consumer that the options ask for, to be fed with the others.

    ``encoder`` is that of the others; ``wake`` tells the encoder thread, from any thread, of new
    demand.
    """
    rules, groups = options.quality_rules(), Groups(options.tile_memory * 1_000_000)

    def make(spec: UpdateSpec, number: int) -> NamedConsumer:
        # Loaded for who asks for updates by name.
        from webcapd.encoder.updates.named.consumer import NamedConsumer

        make_sent = partial(make_picture, encoder, options.subsampling, MOST_BYTES)
        return NamedConsumer(groups, spec, make_sent, rules.rest, rules.trigger, wake, number)

    return NamedUpdates(make, consumers, groups)
