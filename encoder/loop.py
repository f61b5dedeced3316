"""The encoder thread: it owns everything that touches pixels.

It sleeps until there is damage, demand or a moment due; has the source refresh
the picture; feeds it to the consumers that want it.  When nobody watches it
sleeps through all damage: the source gathers that up, and the first refresh
afterwards catches up at once.

When the source is lost it feeds a placeholder that says so, and tries to open
the source again until it can.
"""

import logging
import math
import threading
import time
from collections.abc import Callable

from webcapd.base.process.memory import give_back
from webcapd.capture.source import Source, SourceChanged, SourceError, SourceNotReady
from webcapd.encoder.consumer import Consumers
from webcapd.encoder.feeding import Feeding
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.outage import Outage, report_of
from webcapd.encoder.schedule import Limit, Wish, is_turn_soon, refresh_in, turn_in, wish_of
from webcapd.encoder.smallchanges import SmallChanges
from webcapd.encoder.stall import StallGuard

log = logging.getLogger(__name__)

_UNKNOWN_SIZE = (1280, 720)

# Least seconds from giving memory back to doing so again.
_TRIM_SECONDS = 1.0

# A source that says time after time that it may be back is not to keep the thread busy.
_DEAF_SECONDS = 0.02


class Encoder:
    """Feeds the consumers with a source's pictures, for as long as they want them.

    start(), stop(), join(), close() and abort_if_stuck() are for the main thread; consumers,
    wake(), rate and status() for any.
    """

    def __init__(
        self,
        source: Source,
        options: EncoderOptions,
        on_begun: Callable[[], None],
        on_failure: Callable[[Exception], None],
        retries_at_start: bool = False,
    ) -> None:
        """Prepare.

        With ``retries_at_start``, a source that cannot be opened at first is tried again, too.
        ``on_begun`` is called in the encoder thread when picture_size() has an
        answer, ``on_failure`` when it ends by an error later on.
        """
        self._source = source
        self._stall = StallGuard(source.interrupt)
        self.consumers = Consumers()
        self._feeding = Feeding(self.consumers, self._stall, options.quality_rules())
        self._most = Limit(options.most_fps, options.credit)
        self._on_begun = on_begun
        self._on_failure = on_failure
        self._retries_at_start = retries_at_start
        # Encoder thread only; single values that others may read:
        self._small = SmallChanges(self._most)
        self._size = _UNKNOWN_SIZE
        self._outage: Outage | None = None
        self._outages = 0
        self._has_resized = False
        """Whether memory may be free since the picture has another size."""
        self._trim_at = 0.0

        self._stopping = threading.Event()
        self._begun = threading.Event()
        self._failure: Exception | None = None  # Set before _begun.
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self.rate = self._feeding.rate

    def start(self) -> None:
        """Start the thread; returns at once."""
        self._thread.start()

    @property
    def begun(self) -> bool:
        """Whether it is known if there will be a picture."""
        return self._begun.is_set()

    @property
    def has_picture(self) -> bool:
        """Whether there is a picture of the source just now, once begun."""
        return self._outage is None

    def picture_size(self) -> tuple[int, int]:
        """Give the size of the picture, once begun; raises why there never will be one."""
        if self._failure is not None:
            raise self._failure
        return self._size

    def wake(self) -> None:
        """Say that a consumer has new demand."""
        self._stall.wake()

    def stop(self) -> None:
        """Ask the thread to end; returns at once."""
        self._stopping.set()
        self._stall.wake()

    def join(self, timeout: float) -> bool:
        """Wait for the end; tells whether it came in time."""
        if self._thread.ident is not None:
            self._thread.join(timeout / 2)
            if self._thread.is_alive():
                # Only a source that does not answer can hold it up.
                self._source.interrupt()
                self._thread.join(timeout / 2)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Give back what it holds; the thread has ended, or was never started."""
        self._stall.close()

    def abort_if_stuck(self) -> None:
        """Give up a source that has not answered for too long; to be called now and then."""
        self._stall.abort_if_stuck()

    def makes_progress(self) -> bool:
        """Whether the thread does not hang in a way that abort_if_stuck() cannot help."""
        return self._stall.makes_progress()

    def status(self) -> dict[str, object]:
        """Tell what ``/?info`` says of the encoder."""
        return {
            **report_of(self._outage),
            "outages": self._outages,
            "quality": self._feeding.quality,
        }

    def _run(self) -> None:
        self._stall.progress()
        try:
            while not self._stopping.is_set():
                self._serve_source()
        except Exception as error:
            self._failure = error
            if self._begun.is_set():
                self._on_failure(error)
        finally:
            self._begin()
            self.consumers.close()

    def _begin(self) -> None:
        """Let the main thread go on from start()."""
        if not self._begun.is_set():
            self._begun.set()
            self._on_begun()

    def _serve_source(self) -> None:
        """Serve from one opening of the source until it changes, is lost, or all ends."""
        # A sentence and not the error: through its traceback that would keep
        # the frame buffer alive, and the memory it shares.
        lost = ""
        try:
            self._stall.opening(True)
            self._source.open(self._stall.progress)
            self._stall.opening(False)
            self._serve()
        except SourceChanged:
            log.debug("the screen changed its geometry")
            self._has_resized = True
        except SourceError as error:
            lost = str(error)
            expected = self._retries_at_start or isinstance(error, SourceNotReady)
            if not (self._begun.is_set() or expected):
                raise SourceError(lost) from None
        finally:
            self._source.close()
        if lost and not self._stopping.is_set():
            self._retry_until_open(lost)

    def _serve(self) -> None:
        """Refresh whenever it is wanted, worth it and due."""
        self._size = self._source.size
        if self._outage is not None:
            # Only a refresh proves that it is back.  Until then the placeholder stands.
            self._refresh(time.monotonic(), [])
        for consumer in self.consumers.listed():
            consumer.behind = True
            consumer.expire()
        if self._outage is not None:
            # Last: who reads that it is live, and then asks, gets no placeholder any more.
            self._recover(self._outage)
        self._begin()
        pending, watched = True, False
        descriptors = self._source.descriptors()
        while not self._stopping.is_set():
            # With more to do than time for it the thread never gets to sleep.
            self._stall.progress()
            pending = self._source.pending() or pending
            wishes = [
                wish_of(consumer, self._most, self._feeding.fruitless)
                for consumer in self.consumers.listed()
            ]
            followed = any(wish.followed for wish in wishes)
            if followed != watched:
                self._source.set_watched(self._most.rate if followed else 0.0)
                watched = followed
            now = time.monotonic()
            calm = min(now + self._source.seconds_until_due(), self._feeding.settles_at)
            wait = refresh_in(wishes, now, pending, calm)
            is_drawn = pending and descriptors.drawn is not None
            small = self._small.wait(wishes, now, wait) if is_drawn else math.inf
            if small == 0 and self._refresh_small(now, wishes):
                pending = False
            elif wait == 0:
                self._refresh(now, wishes)
                pending = False
            elif small == 0:
                self._stall.sleep(wait, descriptors.drawn)
            elif followed and pending:
                # More of it need not wake us before the time, but for what cannot wait.
                self._stall.sleep(min(wait, small), descriptors.urgent)
            elif is_turn_soon(wishes, now):
                # Whatever is told of before, nobody is to have it.
                self._stall.sleep(min(wait, turn_in(wishes, now)), descriptors.urgent)
            else:
                self._wait_for_news(wait, turn_in(wishes, now), descriptors.events)

    def _wait_for_news(self, wait: float, turn: float, events: int) -> None:
        """Sleep for ``wait`` seconds, or until the descriptor ``events`` turns readable.

        Where a follower wants a frame after ``turn``, the source is asked for what it does
        not report: only that, as a screen that rests is to cost next to nothing.
        """
        now = time.monotonic()
        until, turn = now + wait, now + turn
        while now < until:
            rest = min(until, max(turn, now + self._source.seconds_until_poll())) - now
            if self._stall.sleep(rest, events):
                break
            if self._source.pending(poll=True):
                break
            now = time.monotonic()

    def _refresh(self, now: float, wishes: list[Wish]) -> None:
        """Refresh the picture, and feed it to those who want it and whose turn it is."""
        self._feeding.prepare()
        captured = time.time()
        bands = self._source.refresh()
        frame_buffer = self._source.frame_buffer
        self._feeding.refreshed(bands, frame_buffer.layout.count, now)
        due = [wish for wish in wishes if wish.is_due(now)]
        for wish in due:
            wish.fed(now)
        self._feeding.feed([wish.consumer for wish in due], frame_buffer, captured, now)
        if self._has_resized and now >= self._trim_at:
            # What was of the size before is let go of by now.
            self._has_resized, self._trim_at = False, now + _TRIM_SECONDS
            give_back()

    def _refresh_small(self, now: float, wishes: list[Wish]) -> bool:
        """Let a small change pass that is apart from what moves; tells whether there was one."""
        captured = time.time()
        bands = self._source.refresh_small()
        self._small.looked(now, bool(bands))
        if bands:
            frame_buffer = self._source.frame_buffer
            takers = self._small.takers(wishes, now)
            self._feeding.refreshed(bands, frame_buffer.layout.count, now)
            self._feeding.feed_small(takers, frame_buffer, captured)
        return bool(bands)

    def _retry_until_open(self, reason: str) -> None:
        """Show a placeholder, and wait before the next attempt to open the source."""
        outage = self._outage or Outage()
        outage.update(reason, self._size)
        self._outages += self._outage is None
        self._outage = outage  # Last: who reads that it is lost reads why, and how often.
        self._feeding.show(outage)
        self._begin()
        now = time.monotonic()
        deaf_until, until = now + _DEAF_SECONDS, now + outage.next_wait()
        while not self._stopping.is_set() and now < until:
            if now < deaf_until:
                self._stall.sleep(deaf_until - now)
            elif (
                self._stall.sleep(until - now, self._source.comeback())
                and self._source.may_be_back()
            ):
                break
            self._feeding.show(outage)
            now = time.monotonic()

    def _recover(self, outage: Outage) -> None:
        """Note that the picture is back."""
        log.info("the picture is back after %.1f s", time.time() - outage.since)
        self._outage = None
