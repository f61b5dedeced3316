"""The consumer that makes updates: what changed in one form of the screen, for all its readers."""

import math
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from webcapd.base.pace import Pace
from webcapd.capture.picture import BandKey, Picture
from webcapd.encoder.consumer import Demand, Moment
from webcapd.encoder.updates import records
from webcapd.encoder.updates.spec import UpdateSpec
from webcapd.encoder.updates.state.canvas import Canvas
from webcapd.encoder.updates.state.composing import State, compose, update_of
from webcapd.encoder.updates.state.latest import Known, LatestUpdates, Update
from webcapd.encoder.updates.state.pointing import Pointing
from webcapd.encoder.updates.state.sent import SentPicture

# In motion so many pixels are coded exactly, some two milliseconds' worth; when a large
# part changes after a rest, or is sent to who lacks it, more, as that is seldom.
_BUDGET, _SELDOM_BUDGET = 200_000, 1_000_000

# What changed so much within this time moves.
_MOTION_SECONDS = 0.5

# So many tiles are sent again at a time, once they rest.
_SETTLED_TILES = 96


class UpdateConsumer:
    """A form of the screen, its newest state, and how readers come to that.

    ``latest``, report() and what Consumer says are for any thread, the rest for the encoder
    thread only.
    """

    takes_small = True

    def __init__(
        self,
        spec: UpdateSpec,
        make_sent: Callable[[int, int], SentPicture],
        rest: int,
        calm: float,
        wake: Callable[[], None],
        number: int = 0,
    ) -> None:
        """Prepare.

        ``make_sent`` gets a size; ``rest`` is the quality of what has not changed for ``calm``
        seconds; ``number`` is the one before that of the first state.
        """
        self.spec = spec
        self.takes_pointer = spec.pointer_in
        self.latest = LatestUpdates(wake, secrets.token_hex(8), number)
        self.pace = Pace()
        self.behind = True
        self.sequence = number
        """Number of the newest state."""
        self._make_sent, self._rest, self._calm = make_sent, rest, calm
        self._before_first = number
        self._begins = number + 1
        """Number of the first state of the size that the picture has."""
        self._canvas = Canvas(spec.view)
        self._pointing = Pointing(spec.view)
        self.sent: SentPicture | None = None
        self._keys: Sequence[BandKey] = []
        """What the bands showed that readers have."""
        self._settles_at = math.inf
        """When something is to be sent again as it rests; other threads may read it."""
        self._large_at = -math.inf
        """When so much was new that it would be motion, had it been the second time."""
        self._outage, self._display = "", records.state(True)
        """Why there is no picture, and the record that says so."""
        self._headers: set[int] = set()
        """Qualities whose JPEG headers readers can have."""

    def __str__(self) -> str:
        return f"updates of {self.spec}"

    def demand(self) -> Demand:
        demand = self.latest.demand()
        return demand._replace(again=self._settles_at) if demand.fps else demand

    def expire(self) -> None:
        self.latest.expire()

    def close(self) -> None:
        self.latest.close()

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of it; for any thread."""
        fps = self.latest.demand().fps
        return {
            **self.spec.report(),
            "wantedFps": fps if math.isfinite(fps) else None,
            "updates": self.sequence - self._before_first,
        }

    def feed(self, picture: Picture, moment: Moment) -> None:
        """Tell readers what is new, and those that lack more what they lack."""
        quality = self.spec.quality or moment.quality
        with self._canvas.seen(picture) as seen:
            step = self._step(seen, moment, quality)
        # Who lacks more than the change has his turn with all else.
        composed = {} if moment.is_small else self._composed(step, moment, quality)
        known = Known(
            self.sequence,
            moment.as_of,
            None if self.spec.pointer_in else self._pointing.place(picture),
            self._display_record(moment.outage),
        )
        headers = self._new_headers([*composed.values(), *([step] if step else [])])
        self.latest.publish(known, step, composed, headers, self._begins)

    def _step(self, seen: Picture, moment: Moment, quality: int) -> Update | None:
        """Take a picture over; gives what leads there from the state before, None if nothing."""
        sent = self.sent
        if sent is None or sent.grid.size != (seen.width, seen.height):
            return self._begin(seen, moment, quality)
        mask = sent.grid.differing(seen.keys, self._keys)
        self._keys = list(seen.keys)
        pixels, number = self._canvas.pixels(seen, mask), self.sequence + 1
        budget = self._budget(sent.grid.area(mask), quality)
        keys = seen.keys if pixels is seen.pixels else ()
        coded = sent.follow(pixels, mask, number, quality, budget, keys, not moment.is_small)
        if time.monotonic() >= self._settles_at:
            coded += sent.settle(number, self._rest, self._calm, _SETTLED_TILES)
        self._settles_at = sent.settles_at(self._rest, self._calm)
        if not coded.data:
            return None
        self.sequence = number
        return update_of(coded, number - 1, number, moment.captured)

    def _budget(self, area: int, quality: int) -> int | None:
        """Tell how many pixels may be coded exactly of so many that may be new."""
        is_calm = quality >= self._rest
        if area <= _BUDGET:
            return None if is_calm else _BUDGET
        now, before = time.monotonic(), self._large_at
        self._large_at = now
        return _SELDOM_BUDGET if is_calm and now - before > _MOTION_SECONDS else _BUDGET

    def _begin(self, seen: Picture, moment: Moment, quality: int) -> Update:
        """Begin anew with a picture of another size."""
        self.sent = sent = self._make_sent(seen.width, seen.height)
        self._keys = list(seen.keys)
        self.sequence += 1
        self._begins = number = self.sequence
        pixels = self._canvas.pixels(seen, ~sent.grid.none())
        coded = sent.whole(pixels, number, quality, _SELDOM_BUDGET)
        self._settles_at = sent.settles_at(self._rest, self._calm)
        begin = records.geometry(seen.width, seen.height)
        return update_of(coded, number - 1, number, moment.captured, begin)

    def _composed(self, step: Update | None, moment: Moment, quality: int) -> dict[object, Update]:
        """Give what readers lack that asked."""
        assert self.sent is not None
        wanted = dict(self.latest.wanted())
        made: dict[object, Update] = {}
        if step is not None and self.sequence == self._begins:
            # It is the whole picture: just what everybody lacks.
            return {have: step._replace(have=have) for have in wanted}
        if wanted:
            budget = None if quality >= self._rest else _BUDGET
            state = State(self.sequence, self._begins, moment.captured, quality, budget)
            made = compose(self.sent, wanted, state)
            # Who came to have it at a lower quality is to have it better.
            self._settles_at = self.sent.settles_at(self._rest, self._calm)
        return made

    def _display_record(self, outage: str) -> bytes:
        """Give the record of the display's state."""
        if outage != self._outage:
            self._outage = outage
            since = time.time() if outage else None
            self._display = records.state(not outage, outage or None, since)
        return self._display

    def _new_headers(self, updates: Iterable[Update]) -> dict[int, bytes]:
        """Make the JPEG headers that were not needed before."""
        assert self.sent is not None
        new = {quality for update in updates for quality in update.qualities} - self._headers
        self._headers |= new
        return {quality: self.sent.header(quality) for quality in new}
