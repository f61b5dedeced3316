"""One viewer's video: all frames since the last it has, or from a key frame on."""

import contextlib
import math
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from webcapd.encoder.cell import Closed
from webcapd.encoder.h264 import boxes
from webcapd.encoder.h264.latest import KEY_SECONDS, LatestVideo, Wants
from webcapd.encoder.h264.track import Track, VideoFrame
from webcapd.http.streaming.outbox import Outbox
from webcapd.http.streaming.sessions import Session
from webcapd.http.video.clock import VideoClock

# How often a viewer that will send no more is sent something at rest, to find out whether it has
# left.
_PROBE_SECONDS = 1.0

# ffmpeg's library looks at so many frames, to guess their rate, before it gives any on: where the
# screen rests, they come so soon one after the other.
_PROBED_FRAMES, _PROBED_SECONDS = 22, 0.04


@dataclass(frozen=True)
class VideoParams:
    """How one viewer wants its video."""

    fps: float
    """The most frames a second, where no other viewer has more."""
    keepalive: float
    """Seconds after which something comes though there is nothing new."""
    clock: str
    """live or real, as clock.py has it."""

    @property
    def repeats(self) -> bool:
        """Whether a frame is what comes at rest: a recording is to know how long that was."""
        return self.clock == "real"


class VideoStream:
    """Video to one viewer; never waits.

    Frames that wait for a line are few: while this viewer takes one, no picture is encoded for
    him.  Where others have frames encoded meanwhile and he falls too far behind, he goes on with
    the next key frame.  The fan-out thread's, once it is begun there.
    """

    def __init__(
        self,
        connection: socket.socket,
        latest: LatestVideo,
        params: VideoParams,
        session: Session,
    ) -> None:
        """Subscribe."""
        self.connection = connection
        self.session = session
        self.news = latest
        self.due = 0.0
        self._params = params
        self._clock = VideoClock(params.clock, time.monotonic())
        self._outbox = Outbox(connection)
        self._track: Track | None = None
        self._have = 0
        """Number of the frame sent last."""
        self._fragments = 0
        self._frames = self._skipped = 0
        """How many frames are in what is on its way, and how many were left out before it."""
        self._moment = -math.inf
        """When the newest of them was taken."""
        self._key_asked = -math.inf
        """When a key frame was asked for last."""
        self._keepalive = params.keepalive
        self._is_half_closed = False
        self._keepalive_due = 0.0
        self._subscription = contextlib.ExitStack()
        self._wish = self._subscription.enter_context(latest.subscribed(params.fps))

    def close(self) -> None:
        """Want no more frames."""
        self._subscription.close()

    def begin(self, head: bytes, frames: Sequence[VideoFrame]) -> None:
        """Lay out the response head and the first frames, from a key frame on; pump() sends it."""
        track = self._track = frames[0].track
        self._clock = VideoClock(self._params.clock, frames[-1].moment)
        parts = self._fragments_of(frames)
        self._outbox.put(time.monotonic(), head, track.init, *parts, must_leave=True)

    def probe(self) -> None:
        """Hear that the viewer will send no more; it may have left, or only said all it had to say.

        A box without content tells, now and then: if it has left, its side refuses that.
        """
        if not self._is_half_closed:
            self._is_half_closed = True
            self._keepalive = min(self._keepalive, _PROBE_SECONDS)
            self._keepalive_due = self.due = 0.0

    def say_end(self, error: Exception) -> None:
        """Nothing: a video has no words."""

    def pump(self, now: float) -> None:
        """Send what there is to send and the connection takes.

        Raises OSError when the client is gone, Closed when the server stops or the picture has
        another size: no player takes that in one video.
        """
        if self._outbox and not self._push(now):
            return
        frames = self._news(now)
        if frames:
            self._outbox.put(now, *self._fragments_of(frames), must_leave=True)
            self._push(now)
        elif now >= self._keepalive_due:
            self._keep_alive(now)
        else:
            self.due = self._keepalive_due

    def _news(self, now: float) -> list[VideoFrame]:
        """Give the frames to send now.  Raises Closed."""
        frames = self.news.after(self._have)
        if frames is None:
            # The one there was may be too far back again by now.
            if now >= self._key_asked + KEY_SECONDS:
                self._key_asked = now
                self.news.request(Wants(key=True))
            return []
        if frames and frames[0].track is not self._track:
            raise Closed("the picture has another size")
        return frames

    def _fragments_of(self, frames: Sequence[VideoFrame]) -> list[bytes]:
        """Give frames as fragments; the viewer is taken to have them then."""
        parts: list[bytes] = []
        self._frames, self._skipped = len(frames), 0
        for frame in frames:
            if self._have:
                self._skipped += frame.sequence - self._have - 1
            self._fragments += 1
            times = self._clock.times(frame.moment, frame is not frames[-1])
            size = len(frame.data)
            parts.append(boxes.fragment_head(self._fragments, *times, size, frame.is_key))
            parts.append(frame.data)
            self._have, self._moment = frame.sequence, frame.moment
        return parts

    def _keep_alive(self, now: float) -> None:
        """Send what says that the video lives, or have it encoded."""
        if self._params.repeats and not self._is_half_closed:
            self.news.request(Wants(frame=True))
            self._keepalive_due = self.due = now + self._pause
            return
        self._frames = 0
        self._outbox.put(now, boxes.nothing(), must_leave=True)
        self._push(now)

    @property
    def _pause(self) -> float:
        """Seconds of rest until something is sent again."""
        is_probed = self._params.repeats and self._fragments < _PROBED_FRAMES
        return min(self._keepalive, _PROBED_SECONDS) if is_probed else self._keepalive

    def _push(self, now: float) -> bool:
        """Send on; returns whether all has left.  Raises OSError."""
        if not self._outbox.push(now):
            # What is encoded before there is room would only wait.
            self._wish.due = math.inf
            self.due = self._outbox.deadline
            return False
        self._note_sent()
        return True

    def _note_sent(self) -> None:
        """Account for what has left."""
        ended = time.monotonic()
        if self._wish.due == math.inf:
            self._wish.due = -math.inf
            self.news.wake()
        self._keepalive_due = self.due = ended + self._pause
        if not self._frames:
            self.session.bytes_sent += self._outbox.size
            return
        self.session.sent(self._outbox.size, self._skipped)
        self.session.frames += self._frames - 1
        self.session.age += (max(0.0, ended - self._moment) - self.session.age) / 4
        if self.news.after(self._have) != []:
            # More has come while this left, or too much.
            self.due = ended
