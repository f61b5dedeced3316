"""``wcf:PATH``: what another program writes into a ring of shared memory (docs/frames.md)."""

import os
import time
from collections.abc import Mapping
from math import inf

import numpy as np

from webcapd.base.pathwatch import PathWatch
from webcapd.base.ring.layout import JPEG, PIXEL_BYTES, Flags, FrameHeader, Mode, RingError
from webcapd.base.ring.reader import RingFrame, RingReader
from webcapd.capture.feeds.feed import Feed, FeedContext, FeedPicture
from webcapd.capture.feeds.pixels import picture_of
from webcapd.capture.feeds.received.jpeg import jpeg_picture
from webcapd.capture.geometry import Rectangle
from webcapd.capture.overlay import Pixels
from webcapd.capture.source import SourceNotReady

_ORDERS = {"RGB3": "RGB", "BGR3": "BGR", "XR24": "BGRX", "GREY": "GRAY"}

# What a writer says of its lines is not believed for longer.
_FULL_READ_SECONDS = 10.0

# A writer that never had the lock is taken for alive for so long after it rang.
_UNLOCKED_SECONDS = 2.0


def parse(rest: str, context: FeedContext) -> "RingFeed":
    """Make the feed."""
    return RingFeed(rest, context.any_owner)


class RingFeed(Feed):
    """Shows the frames of a ring, for as long as it has a writer."""

    tells_end = True

    def __init__(self, path: str, any_owner: bool) -> None:
        self._path, self._any_owner = path, any_owner
        self._watch: PathWatch | None = None
        self._reader: RingReader | None = None
        self._first: FeedPicture | None = None
        """What open() has read and take() has not given yet."""
        self._look = False
        """Whether it is to be looked for a frame though nothing told of one."""
        self._is_watched = False
        self._is_lost = False
        self._full_read_due = 0.0
        self._locked_run: int | None = None
        """Of the last writer that had the lock."""
        self._rang = (0, 0.0)
        """The file's time when its writer rang last, and when that was seen: without a lock."""
        # Replaced whole by the encoder thread, never changed: others may read it.
        self._status: Mapping[str, object] = {}

    def open(self) -> tuple[int, int]:
        if self._watch is None:
            self._watch = PathWatch(self._path)
            self._watch.set_watched(self._is_watched)
        # First, so that what comes meanwhile is told.
        self._watch.wait()
        self._rang = (0, 0.0)
        try:
            self._reader = RingReader(self._path, self._any_owner)
            self._watch.follow(self._reader.fileno())
            self._first = self._read(every=False, whole=True)
        except FileNotFoundError:
            raise SourceNotReady(f"{self.name} is not there yet") from None
        except RingError as error:
            raise SourceNotReady(f"{self.name} {error}") from None
        if self._first is None:
            raise SourceNotReady(f"{self.name} has no frame yet")
        return self._first.width, self._first.height

    def take(self) -> FeedPicture | None:
        picture, self._first = self._first, None
        if picture is not None:
            return picture
        whole = time.monotonic() >= self._full_read_due
        every = Mode.EVERY_FRAME in self._opened.header.mode and self._is_watched
        try:
            return self._read(every, whole)
        except RingError as error:
            raise SourceNotReady(f"{self.name} {error}") from None

    def _read(self, every: bool, whole: bool) -> FeedPicture | None:
        """Read a frame, if there is another; raises RingError, SourceNotReady."""
        reader = self._opened
        self._check_writer(reader)
        frame = reader.read(every, in_part=not whole)
        # Nothing will tell of those that are there already.
        self._look = reader.has_news()
        if frame is None:
            return None
        if whole:
            self._full_read_due = time.monotonic() + _FULL_READ_SECONDS
        self._note(reader, frame)
        if Flags.NO_SIGNAL in frame.header.flags:
            raise SourceNotReady(f"{self.name}: its writer has no picture just now")
        captured = frame.header.realtime / 1e9 or None
        if frame.header.fourcc != JPEG:
            changed = None if whole else _changed(frame)
            return picture_of(*_pixels(reader.payload, frame.header), changed, captured)
        try:
            return jpeg_picture(bytes(reader.payload[: frame.header.size]), captured)
        except ValueError as error:
            raise SourceNotReady(f"{self.name}: {error}") from None

    def pending(self) -> bool:
        if self._watch is None:
            return False
        woken = self._watch.take() or self.seconds_until_new() <= 0
        if self._reader is None or not woken:
            return woken
        self._look = False
        self._is_lost = not self._is_there(self._reader)
        try:
            return self._is_lost or self._reader.has_news()
        except RingError:
            return True

    def check(self) -> None:
        if self._is_lost:
            self._check_writer(self._opened)

    def seconds_until_new(self) -> float:
        if self._look:
            return 0.0
        silent = inf
        if self._reader is not None and self._rang[0]:
            silent = max(0.0, self._rang[1] + _UNLOCKED_SECONDS - time.monotonic())
        return min(silent, self._watch.seconds_until_due() if self._watch else inf)

    def set_watched(self, fps: float) -> None:
        self._is_watched = fps > 0
        if self._watch is not None:
            self._watch.set_watched(self._is_watched)
        # What came while nobody watched was not told.
        self._look = self._look or self._is_watched

    def fileno(self) -> int | None:
        return self._watch.fileno() if self._watch is not None else None

    def close(self) -> None:
        reader, self._reader = self._reader, None
        self._first, self._look, self._is_lost = None, False, False
        if self._watch is not None:
            self._watch.wait()
        if reader is not None:
            reader.close()

    def dispose(self) -> None:
        if self._watch is not None:
            self._watch.close()

    def status(self) -> Mapping[str, object]:
        return self._status

    @property
    def _opened(self) -> RingReader:
        assert self._reader is not None, "the feed is not open"
        return self._reader

    def _is_there(self, reader: RingReader) -> bool:
        return not reader.is_replaced() and self._is_alive(reader)

    def _check_writer(self, reader: RingReader) -> None:
        """Raise SourceNotReady if the ring has no writer any more, or another file has its name."""
        if reader.is_replaced():
            raise SourceNotReady(f"{self.name} was removed, or made anew")
        if not self._is_alive(reader):
            raise SourceNotReady(f"{self.name} has no writer")

    def _is_alive(self, reader: RingReader) -> bool:
        if reader.has_writer():
            self._locked_run = reader.header.run
            return True
        if self._locked_run == reader.header.run:
            return False
        # Not every language can lock a file.
        rang, now = os.fstat(reader.fileno()).st_mtime_ns, time.monotonic()
        if self._rang[0] != rang:
            is_first = self._rang[0] == 0
            age = abs(time.time() - rang / 1e9) if is_first else 0.0
            self._rang = (rang, now - age)
        return now < self._rang[1] + _UNLOCKED_SECONDS

    def _note(self, reader: RingReader, frame: RingFrame) -> None:
        header, obstacle = reader.header, self._watch.obstacle if self._watch else None
        self._status = {
            "format": frame.header.fourcc,
            "frame": frame.number,
            "dropped": reader.dropped,
            "slots": header.slots,
            "label": header.label,
            "pid": header.pid,
            "wake": "poll" if obstacle else "inotify",
            "wakeNotUsed": obstacle,
        }


def _pixels(payload: bytearray, header: FrameHeader) -> tuple[Pixels, str]:
    """Give a payload as an array of pixels, and their order."""
    size = PIXEL_BYTES[header.fourcc]
    shape, strides = (header.height, header.width, size), (header.stride, size, 1)
    return np.ndarray(shape, np.uint8, payload, strides=strides), _ORDERS[header.fourcc]


def _changed(frame: RingFrame) -> list[Rectangle] | None:
    """Give where a frame differs from the one that was read before; None if that is not known."""
    header = frame.header
    if not frame.follows or header.field is not None:
        return None
    if Flags.SAME in header.flags:
        return []
    picture = Rectangle(0, 0, header.width, header.height)
    dirty = Rectangle(*header.dirty)
    # What reaches out of the picture was read whole.
    return [dirty] if any(dirty) and dirty.within(picture) == dirty else None
