"""What makes pictures: a source, the encoder thread, and what it makes of them for others."""

import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from webcapd.base.shutdown import Shutdown
from webcapd.capture.feeds.received.reception import Reception
from webcapd.capture.open import open_source
from webcapd.capture.options import CaptureOptions
from webcapd.encoder.h264.slots import VideoSlots
from webcapd.encoder.h264.videos import Videos
from webcapd.encoder.jpeg.tiles import TileEncoder
from webcapd.encoder.loop import Encoder
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.updates.factory import open_updates
from webcapd.encoder.variants import open_variants

_TICK_SECONDS = 1.0
_LOOK_SECONDS = 0.1


class Part(Protocol):
    """What owns threads and descriptors."""

    def stop(self) -> None:
        """Ask the threads to end, and wake those that wait; returns at once."""

    def join(self, timeout: float) -> bool:
        """Wait for their end; tells whether it came in time."""

    def close(self) -> None:
        """Give everything back; the threads have ended, or were never started."""


class Engine:
    """A source and its encoder: one for the server, or for a command that needs no server.

    start() to close(), wait_begun() and abort_if_stuck() are for the main thread.
    """

    def __init__(
        self,
        capture: CaptureOptions,
        options: EncoderOptions,
        shutdown: Shutdown,
        reception: Reception,
        display: str = "",
        authority: str = "",
        retries_at_start: bool = False,
    ) -> None:
        """Prepare; ``display`` and ``authority`` are the embedded display's, if there is one.

        Raises ValueError with a sentence.
        """
        self.source = open_source(capture, options.target_fps, display, authority, reception)
        self._shutdown = shutdown
        self.encoder = Encoder(
            self.source, options, shutdown.nudge, shutdown.on_failure, retries_at_start
        )
        # One for all: a tile that a stream and updates show is coded once.
        self._tiles = TileEncoder()
        encoder, tiles = self.encoder, self._tiles
        self.variants = open_variants(options, encoder.consumers, tiles, encoder.wake)
        slots = VideoSlots(options.max_videos)
        self.updates = open_updates(options, encoder.consumers, tiles, encoder.wake, slots)
        self.videos = Videos(options, encoder.consumers, encoder.wake, slots)

    def start(self) -> None:
        self.encoder.start()

    def wait_begun(self) -> int | None:
        """Wait until it is known whether there is a picture; gives the exit code if asked to end.

        Raises SourceError if there is none.
        """
        while not self.encoder.begun:
            if (status := self._shutdown.wait(_TICK_SECONDS)) is not None:
                return status
            self.encoder.abort_if_stuck()
        self.encoder.picture_size()
        return None

    def wait_for_picture(self) -> int | None:
        """Wait, once begun, until there is a picture; gives the exit code if asked to end."""
        while not self.encoder.has_picture:
            if (status := self._shutdown.wait(_LOOK_SECONDS)) is not None:
                return status
            self.encoder.abort_if_stuck()
        return None

    @property
    def is_followed(self) -> bool:
        """Whether anybody wants pictures one after the other, by whatever way."""
        return any(consumer.demand().fps > 0 for consumer in self.encoder.consumers.listed())

    def stop(self) -> None:
        """Ask the thread to end; returns at once."""
        self.encoder.stop()

    def join(self, timeout: float) -> bool:
        """Wait for the end; tells whether it came in time."""
        deadline = time.monotonic() + timeout
        # It closes the videos as it ends.
        has_ended = self.encoder.join(timeout)
        return self.videos.join(max(0.0, deadline - time.monotonic())) and has_ended

    def close(self) -> None:
        """Give everything back; the thread has ended, or was never started."""
        self.encoder.close()
        self._tiles.close()
        self.source.dispose()

    def tidy(self) -> None:
        """Give back what is kept for nobody; to be called now and then."""
        self.updates.named.tidy()

    def status(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of it."""
        variants, updates = self.variants.report(), self.updates.report()
        videos = self.videos.report()
        return {
            "capture": self.source.status().report(),
            "encoder": self.encoder.status() | variants | updates | videos,
        }


def supervise(engine: Engine, shutdown: Shutdown) -> int:
    """See to what may hang until asked to stop; gives the exit code."""
    while (status := shutdown.wait(_TICK_SECONDS)) is None:
        engine.encoder.abort_if_stuck()
    return status


def join_all(parts: Sequence[tuple[str, Part]], seconds: float) -> list[str]:
    """Join parts in order, and close those that have ended; lists those that did not in time."""
    late, deadline = [], time.monotonic() + seconds
    for name, part in parts:
        if part.join(max(0.1, deadline - time.monotonic())):
            part.close()
        else:
            # What it holds is still in its hands.
            late.append(name)
    return late
