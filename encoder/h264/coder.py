"""The thread that runs x264, and what the encoder thread hands it: the newest picture only.

Pictures of other formats do not wait for x264 then.  There are two frames: one is being encoded
while the next is filled.  A picture that comes before that one is taken replaces it.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from webcapd.capture.bands import BandLayout
from webcapd.capture.geometry import Rectangle
from webcapd.capture.picture import BandKey, Picture
from webcapd.encoder.h264.codec import Coded, H264Encoder
from webcapd.encoder.h264.planes import Planes

# After so long without a picture it is asked whether anybody is left.
_IDLE_SECONDS = 20.0


@dataclass
class Slot:
    """A frame's memory, and which picture is in it; of whoever has claimed it."""

    planes: Planes
    keys: list[BandKey] = field(default_factory=list)
    """What the bands of the picture in it show; empty if none is."""

    def fill(self, picture: Picture) -> None:
        """Take a picture over: what is not in it yet is converted."""
        keys = list(picture.keys)
        stale = differing(picture.layout, picture.width, keys, self.keys)
        self.planes.follow_parts(picture.pixels, stale)
        self.keys = keys


def differing(
    layout: BandLayout, width: int, keys: Sequence[BandKey], old: Sequence[BandKey]
) -> list[Rectangle]:
    """Give what differs between pictures of keys: a rectangle for bands that differ alike."""
    if len(keys) != len(old):
        return [Rectangle(0, 0, width, layout.height)]
    found: list[Rectangle] = []
    for band, (key, before) in enumerate(zip(keys, old, strict=True)):
        if key == before:
            continue
        tiles = [one != other for one, other in zip_longest(key, before)]
        across = layout.tile_width if len(tiles) == layout.columns > 1 else width
        left, top = tiles.index(True) * across, layout.rows(band)[0]
        right = min(width, (len(tiles) - tiles[::-1].index(True)) * across)
        part = Rectangle(left, top, right - left, layout.rows(band)[1] - top)
        last = found[-1] if found else part
        if (last.bottom, last.x, last.width) == (part.y, part.x, part.width):
            found[-1] = last._replace(height=part.bottom - last.y)
        else:
            found.append(part)
    return found


@dataclass(frozen=True)
class Job:
    """What is to become of a picture."""

    moment: float
    """When it was taken: seconds of CLOCK_MONOTONIC."""
    as_of: float
    is_key: bool = False
    is_rest: bool = False
    """Whether it is a picture that has been encoded before, and is to come out finer."""


class Coder:
    """Encodes pictures in a thread of its own, which begins with the first.

    claim() and put() are the encoder thread's; stop(), join() and is_full are for any thread.
    """

    def __init__(
        self,
        make: Callable[[int, int], H264Encoder],
        on_coded: Callable[[Coded, Job, H264Encoder], None],
        on_room: Callable[[], None],
        on_failure: Callable[[Exception], None],
        on_idle: Callable[[], None],
    ) -> None:
        """``make`` gets width and height.

        ``on_coded`` is told of each frame, ``on_room`` when a picture was taken after is_full was
        found true, ``on_failure`` when nothing more can be encoded, and ``on_idle`` now and then
        while nothing comes: all in this thread.
        """
        self._make, self._on_coded = make, on_coded
        self._on_room, self._on_failure, self._on_idle = on_room, on_failure, on_idle
        self._news = threading.Condition()
        # Guarded by _news:
        self._idle: list[Slot] = []
        """Who is neither claimed nor being encoded; the one filled last in front."""
        self._waiting: tuple[Slot, Job] | None = None
        self._was_full = False
        self._is_busy = False
        self._stopping = False

        self._encoder: H264Encoder | None = None  # Coder thread only.
        self._thread = threading.Thread(target=self._run, name="h264", daemon=True)

    @property
    def is_full(self) -> bool:
        """Whether a picture waits; if so, there will be word when there is room."""
        with self._news:
            self._was_full = self._waiting is not None
            return self._was_full

    @property
    def is_idle(self) -> bool:
        """Whether all that was handed over is encoded."""
        with self._news:
            return self._waiting is None and not self._is_busy

    def claim(self, width: int, height: int, full_color: bool) -> tuple[Slot, Job | None]:
        """Give a slot to fill, and the job that waited for its turn, which is given up."""
        with self._news:
            waiting, self._waiting = self._waiting, None
            if waiting is not None:
                self._idle.insert(0, waiting[0])
            self._idle = [
                slot
                for slot in self._idle
                if (slot.planes.width, slot.planes.height) == (width, height)
            ]
            slot = self._idle.pop(0) if self._idle else None
        given_up = None if waiting is None else waiting[1]
        return slot or Slot(Planes(width, height, full_color)), given_up

    def put(self, slot: Slot, job: Job) -> None:
        """Have a slot encoded that was claimed."""
        with self._news:
            self._waiting = slot, job
            if self._thread.ident is None and not self._stopping:
                self._thread.start()
            self._news.notify()

    def stop(self) -> None:
        """Ask the thread to end; returns at once."""
        with self._news:
            self._stopping = True
            self._news.notify()

    def join(self, timeout: float) -> bool:
        """Wait for its end; tells whether it came in time."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while (taken := self._take()) is not None:
                slot, job = taken
                encoder = self._fitting(slot.planes)
                coded = encoder.encode_planes(slot.planes, job.moment, job.is_key, job.is_rest)
                self._on_coded(coded, job, encoder)
                self._give_back(slot)
        except Exception as error:
            self._on_failure(error)
        finally:
            self._release()

    def _take(self) -> tuple[Slot, Job] | None:
        """Wait for a picture; None when it is to end."""
        while True:
            with self._news:
                self._news.wait_for(
                    lambda: self._stopping or self._waiting is not None,
                    None if self._encoder is None else _IDLE_SECONDS,
                )
                if self._stopping:
                    return None
                taken, self._waiting = self._waiting, None
                if taken is not None:
                    self._is_busy = True
                    had_no_room, self._was_full = self._was_full, False
            if taken is not None:
                if had_no_room:
                    self._on_room()
                return taken
            self._on_idle()

    def _give_back(self, slot: Slot) -> None:
        with self._news:
            self._is_busy = False
            self._idle.insert(0, slot)

    def _fitting(self, planes: Planes) -> H264Encoder:
        """Give an encoder for pictures of a size, the one there is if it fits."""
        encoder = self._encoder
        if encoder is None or (encoder.width, encoder.height) != (planes.width, planes.height):
            self._release()
            encoder = self._encoder = self._make(planes.width, planes.height)
        return encoder

    def _release(self) -> None:
        """Give the memory back that the encoder has, and what is filled for it."""
        with self._news:
            self._idle.clear()
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None
