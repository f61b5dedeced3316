"""When a rectangle begins to go as video, when that ends, and what it adds to an update.

nothing moves ──► a rectangle moved for half a second ──► it rests, or something else moves
     ▲                        V, frames                                 │
     └──────────────────────────── T ◄──────────────────────────────────┘
"""

import logging
import math
import threading
from collections.abc import Callable, Iterable

from webcapd.capture.geometry import Rectangle
from webcapd.encoder.h264.codec import H264Error, unavailable
from webcapd.encoder.updates.pixels import Pixels
from webcapd.encoder.updates.spec import VideoSettings
from webcapd.encoder.updates.state.composing import NO_VIDEO, Shot
from webcapd.encoder.updates.state.latest import SLICE_SECONDS
from webcapd.encoder.updates.state.sent import SentPicture
from webcapd.encoder.updates.video.choice import keeps
from webcapd.encoder.updates.video.film import Film
from webcapd.encoder.updates.video.watch import Watch

log = logging.getLogger(__name__)

# Readers that join do so at a key frame; as often at most, for all of them.
_KEY_SECONDS = 1.0

# A line must take so much more than a video has: who cannot follow it is better off with tiles.
_ROOM = 1.2

# A video ends when nobody has followed it for so long, and then there is none for a while;
_UNWATCHED_SECONDS = 2.0
_PAUSE_SECONDS = 10.0
# also when nothing in it goes on moving, though now and then something changes.
_IDLE_SECONDS = 1.5


class Filming:
    """The video of one form of the screen, if there is one.

    ``codec``, ``rect``, stop() and close() are for any thread, the rest for the encoder thread.
    """

    def __init__(self, settings: VideoSettings | None, calm: float) -> None:
        """Prepare; without settings, slots, or an encoder to be loaded there never is one.

        A video ends when it has rested for ``calm`` seconds.
        """
        is_possible = settings and settings.slots.most and not unavailable()
        self._settings = settings if is_possible else None
        self._calm = calm
        self._is_closed = False
        """Set by any thread, before the encoder there is is taken away."""
        self._lock = threading.Lock()
        self._film: Film | None = None
        """Taken away under _lock, by any thread."""
        self._before: int | None = None
        """Number of the video that the newest state has."""
        self._made = 0
        self._watch: Watch | None = None
        self._found: Rectangle | None = None
        """What is to be the video from the next update on."""
        self._began = self._moved_at = self._key_at = self._not_before = -math.inf

    @property
    def codec(self) -> str | None:
        """What videos are encoded as; None if there never is one."""
        return "h264" if self._settings else None

    @property
    def rect(self) -> Rectangle | None:
        """What is shown by a video just now."""
        film = self._film
        return film.rect if film else None

    def due_at(self, sent: SentPicture) -> float:
        """Tell when there is something to be done though nothing happens."""
        if self._film is None:
            return math.inf
        return -math.inf if sent.filmed.is_waiting else self._moved_at + self._calm

    def direct(self, sent: SentPicture, now: float, watched_at: float, is_live: bool) -> None:
        """Begin and end videos, before the picture follows what is new.

        ``watched_at`` is when a reader took a frame last, ``is_live`` whether there is a display.
        """
        ends = self._film is None or not is_live or self._is_over(now, watched_at)
        if ends and sent.filmed.rect:
            self._cut(sent, None, now)
        found, self._found = self._found, None
        if found and is_live and now >= self._not_before:
            film = self._film
            if film is None or not keeps(film.rect, found, now - self._began):
                self._cut(sent, found, now)

    def _is_over(self, now: float, watched_at: float) -> bool:
        assert self._watch is not None
        if now - max(watched_at, self._began) > _UNWATCHED_SECONDS:
            self._not_before = now + _PAUSE_SECONDS
            return True
        is_at_rest = now - self._moved_at >= self._calm
        return is_at_rest or now - self._watch.moved_at > _IDLE_SECONDS

    def _cut(self, sent: SentPicture, rect: Rectangle | None, now: float) -> None:
        """End the video there is, and begin that of a rectangle, if one is given."""
        self.stop()
        if rect:
            self._open(rect, now)
        sent.film(self.rect)

    def _open(self, rect: Rectangle, now: float) -> None:
        assert self._settings is not None
        if not self._settings.slots.take():
            return
        try:
            self._film = Film(self._made, rect, self._settings.crf, self._settings.full_color)
        except H264Error as error:
            self._settings.slots.give_back()
            log.warning("what moves goes as JPEG: %s", error)
            return
        except BaseException:
            self._settings.slots.give_back()
            raise
        self._made = self._made + 1 & 0xFF
        self._began = self._moved_at = now
        if self._is_closed:
            # Who closed it may have found none yet.
            self.stop()

    def shoot(
        self,
        sent: SentPicture,
        captured: float,
        now: float,
        wanted: Callable[[], Iterable[int | None]],
    ) -> Shot | None:
        """Give what the video adds to an update, once the picture has followed; None if it failed.

        ``wanted`` gives, of those that wait for what they lack, and so do not follow the video,
        how many bytes are enough.
        """
        before, film = self._before, self._film
        self._before = film.number if film else None
        if film is None:
            return NO_VIDEO if before is None else Shot(before)
        if not sent.filmed.news.any():
            return Shot(before, film.number)
        self._moved_at = now
        key = now - self._key_at >= _KEY_SECONDS and any(map(self.can_join, wanted()))
        try:
            frame, is_key = film.shoot(sent.pixels, sent.filmed.rows(), captured, key)
        except H264Error as error:
            log.warning("a video ended: %s", error)
            self._cut(sent, None, now)
            self._before = None
            return None
        if is_key:
            self._key_at = now
        return Shot(before, film.number, begin=film.begin if is_key else b"", frame=frame)

    def can_join(self, enough: int | None) -> bool:
        """Tell whether a reader's line takes the video; ``enough`` is what it takes at a time."""
        film = self._film
        return enough is None or not film or enough >= _ROOM * film.rate * SLICE_SECONDS

    def note(self, sent: SentPicture, pixels: Pixels, now: float) -> None:
        """Look at what moved in an update."""
        if self._settings is None:
            return
        if self._watch is None or self._watch.grid is not sent.grid:
            self._watch = Watch(sent.grid)
        self._found = self._watch.note(sent.moved, pixels, now, self.rect) or self._found

    def begin_anew(self) -> int | None:
        """End the video, as the picture has another size now; gives which one readers had."""
        self.stop()
        self._found, self._watch = None, None
        before, self._before = self._before, None
        return before

    def close(self) -> None:
        """Give the encoder back, and never take another; for any thread."""
        self._is_closed = True
        self.stop()

    def stop(self) -> None:
        """Give the encoder back; for any thread.

        What it is at work on just now it ends.
        """
        with self._lock:
            film, self._film = self._film, None
        if film is not None and self._settings is not None:
            self._settings.slots.give_back()
