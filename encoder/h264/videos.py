"""The videos that are encoded now, and how one is made."""

import functools
import importlib.util
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from webcapd.encoder.consumer import Consumers
from webcapd.encoder.h264.codec import unavailable
from webcapd.encoder.h264.consumer import VideoConsumer
from webcapd.encoder.h264.slots import VideoSlots
from webcapd.encoder.h264.track import VideoSpec
from webcapd.encoder.leases import Leases, TooManyVariants
from webcapd.encoder.options import EncoderOptions


class Videos(Leases[VideoSpec | None, VideoConsumer]):
    """All videos, by what they show; for any thread."""

    def __init__(
        self,
        options: EncoderOptions,
        consumers: Consumers,
        wake: Callable[[], None],
        slots: VideoSlots,
    ) -> None:
        """``wake`` tells the encoder thread, from any thread, of new demand."""
        self._slots = slots
        self.crf = options.h264_crf
        self._full_color, self._calm = options.h264_fullcolor, options.quality_rules().trigger
        self._wake = wake
        self._dropped_ones: weakref.WeakSet[VideoConsumer] = weakref.WeakSet()
        """They are there for as long as their threads are.  Guarded by _lock."""
        # There is no plain one, and it is the slots that are counted.
        super().__init__(consumers, self._make_one, sys.maxsize, None)

    def _make_one(self, spec: VideoSpec | None, sequence: int) -> VideoConsumer:
        assert spec is not None
        while not self._slots.take():
            idle = self._idle()
            if not idle:
                raise TooManyVariants(self._refusal)
            self._drop(idle[0])
        return VideoConsumer(
            spec,
            self._full_color,
            self._calm,
            self._wake,
            self._on_idle,
            self._slots.give_back,
            sequence,
        )

    def _drop(self, spec: VideoSpec | None) -> None:
        self._dropped_ones.add(self._kept[spec].consumer)
        super()._drop(spec)

    def _on_idle(self) -> None:
        """Drop those that nobody has wanted for long: each has some 30 MB, and a slot."""
        with self._lock:
            self._drop_idle()

    @property
    def _refusal(self) -> str:
        most = self._slots.most
        if not most:
            return "no video is encoded here (--max-videos 0)"
        return f"as many videos are encoded as --max-videos allows: {most}"

    @staticmethod
    def unavailable() -> str:
        """Say in one sentence why there is none, empty where there is; loads what it takes."""
        return unavailable()

    def join(self, timeout: float) -> bool:
        """Wait, once all are closed, for the end of their threads."""
        deadline = time.monotonic() + timeout
        videos = self.listed()
        with self._lock:
            # What was dropped just before may have a frame to end.
            videos += self._dropped_ones
        return all([video.join(max(0.0, deadline - time.monotonic())) for video in videos])

    def report(self) -> dict[str, object]:
        """Tell what ``/?info`` says of them; loads nothing."""
        return {
            "encoders": {"jpeg": "libjpeg-turbo by OpenCV", "h264": _installed() or None},
            "videos": [video.report() for video in self.listed()],
        }


@functools.cache
def _installed() -> str:
    """Name what encodes H.264, empty where there is nothing; loads nothing."""
    found = importlib.util.find_spec("av")
    if found is None or found.origin is None:
        return ""
    # As importlib.metadata does, which takes as long to load as all of webcapd's own for H.264.
    named = (path.name.split("-") for path in Path(found.origin).parents[1].glob("av-*.*-info"))
    return "x264 by PyAV " + next((parts[1].partition(".dist")[0] for parts in named), "")
