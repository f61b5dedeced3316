"""The consumer that makes updates for caches: the screen's state as a list of names."""

import math
import time
from collections.abc import Callable, Mapping

from webcapd.capture.picture import Picture
from webcapd.encoder.consumer import Demand, Moment
from webcapd.encoder.updates.consumer import UpdateConsumer
from webcapd.encoder.updates.named.book import Book
from webcapd.encoder.updates.named.groups import Groups
from webcapd.encoder.updates.named.latest import LatestNames
from webcapd.encoder.updates.named.listing import NOTHING, Listing
from webcapd.encoder.updates.spec import UpdateSpec
from webcapd.encoder.updates.state.latest import HIDDEN, Known, PointerPlace, Update
from webcapd.encoder.updates.state.sent import SentPicture

# A state follows the one before after so long, though there be nothing new: who waits for
# one is to be answered within 5 s.
_BEAT_SECONDS = 4.5


class NamedConsumer(UpdateConsumer):
    """The picture that readers have is kept as that of other updates is, and told in names.

    For each state a list is made, once for all, that has all that any reader may lack.
    """

    # Each would be a state of its own, and a request of each cache.
    takes_small = False

    def __init__(
        self,
        groups: Groups,
        spec: UpdateSpec,
        make_sent: Callable[[int, int], SentPicture],
        rest: int,
        calm: float,
        wake: Callable[[], None],
        number: int = 0,
    ) -> None:
        """Prepare; ``groups`` is where pixels are put."""
        super().__init__(spec, make_sent, rest, calm, wake, number)
        self.groups = groups
        self.latest: LatestNames = LatestNames(wake, groups.run, number)
        self._book: Book | None = None
        self._shown = (HIDDEN, b"")
        """The pointer and the display's state as of the newest state."""
        self._image = (0, NOTHING)
        """The pointer's image, and the state since which it is shown."""
        self._beat_at = self._room_at = -math.inf

    def demand(self) -> Demand:
        demand, room_at = super().demand(), self._room_at
        if not (demand.fps or demand.awaited):
            return demand
        again = min(demand.again, self._beat_at) if demand.fps else demand.again
        if time.monotonic() >= room_at:
            return demand._replace(again=again)
        # Who comes has what there is, until there is room for more.
        again = room_at if demand.awaited else max(again, room_at)
        return Demand(demand.fps, False, max(demand.due, room_at), again)

    def report(self) -> Mapping[str, object]:
        listing = self.latest.listing
        listed = len(listing.names) if listing else 0
        return {**super().report(), "groups": listed, "groupBytes": self.groups.size}

    def feed(self, picture: Picture, moment: Moment) -> None:
        """Make another state if there is anything new, or has not been for long."""
        quality = self.spec.quality or moment.quality
        with self._canvas.seen(picture) as seen:
            steps = self._step(seen, moment, quality)
        step = steps[0] if steps else None
        pointer, display = self._asides.pointer(picture) or HIDDEN, self._asides.display(moment)
        shown = pointer, display
        is_due = shown != self._shown or time.monotonic() >= self._beat_at
        if step is not None or is_due:
            self.sequence += step is None
            listing = self._list(step, shown, moment, quality)
            # The pointer is told of by the updates themselves.
            self.latest.put(Known(self.sequence, moment.as_of, None, display), listing)
        else:
            known = Known(self.sequence, moment.as_of, None, display)
            self.latest.publish(known, (), {}, {}, self._begins)
        self._shown = shown

    def _list(
        self, step: Update | None, shown: tuple[PointerPlace, bytes], moment: Moment, quality: int
    ) -> Listing:
        """Make the list of the newest state, number ``sequence``."""
        assert self.sent is not None
        number, image, lead = self.sequence, NOTHING, NOTHING
        pointer, display = shown
        if step is not None and number == self._begins:
            self._book = Book(self.groups, self.sent, number, self._rest)
        assert self._book is not None
        if pointer.identity != self._shown[0].identity:
            image = self._book.content(pointer.image_record) if pointer.image else NOTHING
            self._image = number, image
        if number != self._begins:
            lead = self._book.enter(step.data if step else b"", image, number, quality)
        listing = Listing(
            number,
            moment.captured,
            self._begins,
            self.sent.grid.size,
            display,
            self._book.parts(*self._image),
            self._book.steps,
            lead,
            pointer.place_record,
        )
        self._pace_by(lead.new + self._book.taken())
        self.groups.list_only(listing.names)
        return listing

    def _pace_by(self, new: int) -> None:
        """Put the next state off so long that all groups can be kept; note when it has to come."""
        now = time.monotonic()
        self._room_at, self._beat_at = now + self.groups.gap(new), now + _BEAT_SECONDS
        self._note_due()
