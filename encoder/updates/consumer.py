"""The consumer that makes updates: what changed in one form of the screen, for all its readers."""

import math
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from webcapd.base.pace import Pace
from webcapd.capture.picture import BandKey, Picture
from webcapd.encoder.consumer import Demand, Moment
from webcapd.encoder.updates.spec import UpdateSpec
from webcapd.encoder.updates.state.asides import Asides
from webcapd.encoder.updates.state.canvas import Canvas
from webcapd.encoder.updates.state.composing import NO_VIDEO, State, begun, compose, tracks
from webcapd.encoder.updates.state.latest import LatestUpdates, Update
from webcapd.encoder.updates.state.sent import SentPicture
from webcapd.encoder.updates.video.filming import Filming

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
        filming: Filming | None = None,
    ) -> None:
        """Prepare.

        ``make_sent`` gets a size; ``rest`` is the quality of what has not changed for ``calm``
        seconds; ``number`` is the one before that of the first state; ``filming`` is what goes
        as video, None for nothing.
        """
        self.spec = spec
        self.takes_pointer = spec.pointer_in
        self.latest = LatestUpdates(wake, secrets.token_hex(8), number)
        self.pace = Pace()
        self.behind = True
        self.sequence = number
        """Number of the newest state."""
        self._make_sent, self._rest, self._calm = make_sent, rest, calm
        self._filming = filming or Filming(None, calm)
        self._before_first = number
        self._begins = number + 1
        """Number of the first state of the size that the picture has."""
        self._canvas = Canvas(spec.view)
        self._asides = Asides(spec.view, spec.pointer_in)
        self.sent: SentPicture | None = None
        self._keys: Sequence[BandKey] = []
        """What the bands showed that readers have."""
        self._settles_at = math.inf
        """When something is to be sent again as it rests; other threads may read it."""
        self._large_at = -math.inf
        """When so much was new that it would be motion, had it been the second time."""
        self._key = NO_VIDEO
        """What the newest state has for who joins the video."""
        self._headers: set[int] = set()
        """Qualities whose JPEG headers readers can have."""

    def __str__(self) -> str:
        return f"updates of {self.spec}"

    def demand(self) -> Demand:
        demand = self.latest.demand()
        if demand.fps:
            return demand._replace(again=self._settles_at)
        self._filming.stop()
        return demand

    def expire(self) -> None:
        self.latest.expire()

    def close(self) -> None:
        self._filming.close()
        self.latest.close()

    @property
    def video_codec(self) -> str | None:
        """What moves may be sent as that; None if it may not, or cannot."""
        return self._filming.codec

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of it; for any thread."""
        fps = self.latest.demand().fps
        return {
            **self.spec.report(),
            "wantedFps": fps if math.isfinite(fps) else None,
            "updates": self.sequence - self._before_first,
            "videoRectangle": self._filming.rect,
        }

    def feed(self, picture: Picture, moment: Moment) -> None:
        """Tell readers what is new, and those that lack more what they lack."""
        quality = self.spec.quality or moment.quality
        with self._canvas.seen(picture) as seen:
            step = self._step(seen, moment, quality)
        # Who lacks more than the change has his turn with all else.
        composed = {} if moment.is_small else self._composed(step, moment, quality)
        known = self._asides.known(self.sequence, picture, moment)
        headers = self._new_headers([*composed.values(), *step])
        self.latest.publish(known, step, composed, headers, self._begins)

    def _step(self, seen: Picture, moment: Moment, quality: int) -> list[Update]:
        """Take a picture over; gives what leads there from the state before."""
        self._key = NO_VIDEO
        sent = self.sent
        if sent is None or sent.grid.size != (seen.width, seen.height):
            return self._begin(seen, moment, quality)
        mask = sent.grid.differing(seen.keys, self._keys)
        self._keys = list(seen.keys)
        pixels, number = self._canvas.pixels(seen, mask), self.sequence + 1
        keys = seen.keys if pixels is seen.pixels else ()
        now, is_all = time.monotonic(), not moment.is_small
        if is_all:
            self._filming.direct(sent, now, self.latest.watched_at, not moment.outage)
        budget = self._budget(sent.grid.area(mask & ~sent.filmed.covered), quality)
        coded = sent.follow(pixels, mask, number, quality, budget, keys, is_all)
        shot = self._filming.shoot(
            sent, moment.captured, now, lambda: self.latest.wanted().values()
        )
        if is_all:
            self._filming.note(sent, pixels, now)
        if now >= self._settles_at:
            coded += sent.settle(number, self._rest, self._calm, _SETTLED_TILES)
        self._note_due()
        if shot is None:
            # Everybody lacks what it would have shown.
            self.sequence = number
            return []
        if not coded and not shot.is_news:
            return []
        self.sequence = number
        self._key = shot if shot.begin else NO_VIDEO
        return tracks(coded, shot, number, moment.captured)

    def _note_due(self) -> None:
        """Note when there is something to be done though nothing happens."""
        assert self.sent is not None
        settles_at = self.sent.settles_at(self._rest, self._calm)
        self._settles_at = min(settles_at, self._filming.due_at(self.sent))

    def _budget(self, area: int, quality: int) -> int | None:
        """Tell how many pixels may be coded exactly of so many that may be new."""
        is_calm = quality >= self._rest
        if area <= _BUDGET:
            return None if is_calm else _BUDGET
        now, before = time.monotonic(), self._large_at
        self._large_at = now
        return _SELDOM_BUDGET if is_calm and now - before > _MOTION_SECONDS else _BUDGET

    def _begin(self, seen: Picture, moment: Moment, quality: int) -> list[Update]:
        """Begin anew with a picture of another size."""
        self.sent = sent = self._make_sent(seen.width, seen.height)
        self._keys = list(seen.keys)
        self.sequence += 1
        self._begins = number = self.sequence
        pixels = self._canvas.pixels(seen, ~sent.grid.none())
        coded = sent.whole(pixels, number, quality, _SELDOM_BUDGET)
        self._note_due()
        video = self._filming.begin_anew()
        return begun(coded, sent.grid.size, number, moment.captured, video)

    def _composed(
        self, step: Sequence[Update], moment: Moment, quality: int
    ) -> dict[object, Update]:
        """Give what readers lack that asked."""
        assert self.sent is not None
        wanted = dict(self.latest.wanted())
        made: dict[object, Update] = {}
        if step and self.sequence == self._begins:
            # It is the whole picture: just what everybody lacks.
            return {have: step[0]._replace(have=have) for have in wanted}
        if wanted:
            budget = None if quality >= self._rest else _BUDGET
            state = State(
                self.sequence,
                self._begins,
                moment.captured,
                quality,
                budget,
                self._key,
                self._filming.can_join,
            )
            made = compose(self.sent, wanted, state)
            # Who came to have it at a lower quality is to have it better.
            self._note_due()
        return made

    def _new_headers(self, updates: Iterable[Update]) -> dict[int, bytes]:
        """Make the JPEG headers that were not needed before."""
        assert self.sent is not None
        new = {quality for update in updates for quality in update.qualities} - self._headers
        self._headers |= new
        return {quality: self.sent.header(quality) for quality in new}
