"""The cell between the encoder thread and the readers of names."""

from collections.abc import Callable

from webcapd.encoder.cell import Closed
from webcapd.encoder.updates.named.listing import Listing
from webcapd.encoder.updates.state.have import Have
from webcapd.encoder.updates.state.latest import Known, LatestUpdates, Update


class LatestNames(LatestUpdates):
    """The newest state, its list, and the last steps.

    Whatever somebody has, the list has what is lacking: nobody asks the encoder thread for it.
    put() is that thread's.
    """

    def __init__(self, wake: Callable[[], None], run: str, number: int) -> None:
        super().__init__(wake, run, number)
        # Guarded by _news:
        self._listing: Listing | None = None
        self._step: Update | None = None
        """What leads to the listed state from the one before."""

    def put(self, known: Known, listing: Listing) -> None:
        """Replace the newest state by the next one."""
        update = Update(listing.number - 1, listing.number, listing.step, frozenset())
        with self._news:
            self._listing, self._step = listing, update
        self.publish(known, (update,), {}, {}, listing.begins)

    @property
    def listing(self) -> Listing | None:
        """The list of the newest state, None before the first."""
        with self._news:
            return self._listing

    def newest(self) -> tuple[Known, Listing | None]:
        """Give the newest state and its list, None before the first; raises Closed."""
        with self._news:
            if self._closed:
                raise Closed
            return self._known, self._listing

    def steps_from(self, have: Have, enough: int | None = None) -> list[Update]:
        """Give what leads to the newest state; none if that is what a reader has.

        Who lacks more than the last step gets what it lacks, and not step by step: names of what
        has been replaced since would be asked for in vain.
        """
        with self._news:
            listing, step = self._listing, self._step
        if listing is None or step is None or listing.number == have:
            return []
        if step.have == have:
            return [step]
        known = have if isinstance(have, int) else None
        return [Update(have, listing.number, listing.since(known), frozenset())]
