"""The consumer that makes H.264 of the full frame, for all its viewers."""

import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

from webcapd.base.pace import Pace
from webcapd.base.processors import processors
from webcapd.capture.picture import BandKey, Picture
from webcapd.encoder.consumer import NO_DEMAND, Demand, Moment
from webcapd.encoder.h264.codec import Coded, H264Encoder
from webcapd.encoder.h264.coder import Coder, Job
from webcapd.encoder.h264.latest import LatestVideo
from webcapd.encoder.h264.track import Tracks, VideoSpec
from webcapd.encoder.transform import UPRIGHT, TransformedPicture

# A frame in slices is there sooner, for some 2 % of CPU and bytes.
_MOST_SLICES = 4


class VideoConsumer:
    """A form of the screen as H.264.

    A frame is encoded when the screen looks different, or when somebody needs one, and after motion
    once more, finer.  feed() is the encoder thread's, what is called _on_* the coder's; the rest is
    for any thread.
    """

    takes_pointer = True
    takes_small = False  # A frame is a frame, however little is new.

    def __init__(
        self,
        spec: VideoSpec,
        full_color: bool,
        calm: float,
        wake: Callable[[], None],
        on_idle: Callable[[], None],
        on_closed: Callable[[], None],
        sequence: int = 0,
    ) -> None:
        """Prepare.

        ``calm`` is for how many seconds nothing has changed on a screen that rests; ``on_idle``
        is called now and then while nothing is encoded, ``on_closed`` once, by close();
        ``sequence`` is the number before that of the first frame.
        """
        self.spec = spec
        self.latest = LatestVideo(wake)
        self.pace = Pace()
        self.behind = True
        self._full_color, self._calm, self._wake = full_color, calm, wake
        self._on_closed = on_closed
        self._closing = threading.Lock()
        """Taken by the first close(), for good."""
        upright = spec.view == UPRIGHT
        self._buffer = None if upright else TransformedPicture(spec.view)
        self._coder = Coder(self._make, self._on_coded, wake, self._on_failure, on_idle)
        # Encoder thread only; single values that others may read:
        self._shown: tuple[int, int, list[BandKey]] | None = None
        """Size and keys of the picture that was handed over last."""
        self._refines_at = math.inf
        """When the picture, which moved, is to be encoded once more."""
        # Coder thread only; single values that others may read:
        self._tracks = Tracks(sequence)
        self._failure: Exception | None = None

    def __str__(self) -> str:
        return f"the video {self.spec}"

    @property
    def sequence(self) -> int:
        """Number of the newest frame."""
        return self._tracks.sequence

    def _make(self, width: int, height: int) -> H264Encoder:
        threads = min(_MOST_SLICES, processors())
        return H264Encoder(width, height, self.spec.crf, self._full_color, threads)

    def demand(self) -> Demand:
        if self._failure is not None:
            # To be fed, and so to say it.
            return NO_DEMAND._replace(awaited=True)
        demand = self.latest.demand(time.monotonic())
        if not demand.fps and not demand.awaited:
            return demand
        if self._coder.is_full:
            # A picture of later is a newer one; there will be word.
            return NO_DEMAND._replace(fps=demand.fps)
        return demand._replace(again=min(demand.again, self._refines_at))

    def feed(self, picture: Picture, moment: Moment) -> None:
        """Have a picture encoded, if it is another one or has to be; raises what failed."""
        try:
            if self._failure is not None:
                raise self._failure
            with self._seen(picture) as seen:
                self._take(seen, moment)
        except Exception as error:
            self.latest.fail(f"the video cannot be encoded: {error}")
            raise

    def _seen(self, picture: Picture) -> AbstractContextManager[Picture]:
        """Give a picture as its view shows it."""
        return nullcontext(picture) if self._buffer is None else self._buffer.following(picture)

    def _take(self, seen: Picture, moment: Moment) -> None:
        now = time.monotonic()
        wants = self.latest.take_wants(now)
        # Of one that came as JPEG, the pixels are to be there before the keys are asked for.
        _ = seen.pixels
        shown = seen.width, seen.height, list(seen.keys)
        is_new = shown != self._shown
        is_rest = not is_new and not wants.key and now >= self._refines_at
        if is_new or wants.key:
            self._refines_at = now + self._calm
        elif is_rest:
            self._refines_at = math.inf
        elif not wants.frame:
            if self._coder.is_idle:
                self.latest.confirm(moment.as_of)
            return
        self._shown = shown
        # Of an odd number, the last column or row is left out.
        size = seen.width - seen.width % 2, seen.height - seen.height % 2
        slot, given_up = self._coder.claim(*size, self._full_color)
        slot.fill(seen)
        if self.spec.view.gray:
            slot.planes.drop_colors()
        is_key = wants.key or (given_up is not None and given_up.is_key)
        taken = moment.as_of if math.isfinite(moment.as_of) else now
        self._coder.put(slot, Job(taken, moment.as_of, is_key, is_rest))

    def _on_coded(self, coded: Coded, job: Job, encoder: H264Encoder) -> None:
        self.latest.publish(self._tracks.frame(coded, job.moment, encoder), job.as_of)

    def _on_failure(self, error: Exception) -> None:
        self._failure = error
        self._wake()

    def expire(self) -> None:
        self.latest.expire()

    def close(self) -> None:
        self.latest.close()
        self._coder.stop()
        if self._closing.acquire(blocking=False):
            self._on_closed()

    def join(self, timeout: float) -> bool:
        """Wait, once it is closed, for the end of its thread; tells whether it came in time."""
        return self._coder.join(timeout)

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of it."""
        track = self._tracks.track
        return {
            **self.spec.report(),
            "codec": None if track is None else track.codec,
            "size": None if track is None else [track.width, track.height],
            "frames": self._tracks.frames,
            "keyFrames": self._tracks.keys,
            "bytes": self._tracks.bytes,
        }
