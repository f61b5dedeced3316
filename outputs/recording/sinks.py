"""What becomes of the frames of a recording: pictures in a folder, or files of video."""

import contextlib
import logging
import math
import time
from typing import Protocol

from webcapd.encoder.frame import Frame
from webcapd.outputs.recording.folder import Folder
from webcapd.outputs.recording.places import Place
from webcapd.outputs.recording.retention import SegmentRule, Space
from webcapd.outputs.recording.videofile import CLUSTER_SECONDS, VideoFile
from webcapd.outputs.writing import CannotWrite, cannot_write

log = logging.getLogger(__name__)


class Sink(Protocol):
    """Takes frames; for the recorder's thread.  Raises CannotWrite, and is then to recover().

    Moments are in seconds of CLOCK_MONOTONIC.
    """

    batch_seconds: float
    """How long frames may wait until several are written at once."""
    takes_outages: bool
    """Whether placeholders are recorded, too."""
    name: str
    """Of the newest file."""

    @property
    def size(self) -> int:
        """Bytes of all files that were written."""

    def write(self, frame: Frame, at: float) -> None:
        """Take a frame that was seen from a moment on."""

    def flush(self) -> None:
        """Write what was taken."""

    def tick(self, now: float) -> None:
        """See to limits; called every few seconds while it records."""

    def tidy(self) -> None:
        """Delete what is too old, while nothing is recorded; raises nothing."""

    def rest(self, now: float) -> float:
        """Give the seconds until a file is complete, though nothing moves."""

    def mark(self, now: float) -> None:
        """Note that this moment is of interest."""

    def finish(self, at: float) -> None:
        """Complete what was begun; what comes next begins anew."""

    def recover(self) -> None:
        """Give up what is open, and begin anew; raises CannotWrite while that is in vain."""

    def close(self) -> None:
        """Give everything back; raises nothing."""

    def space(self) -> Space | None:
        """Give how much is free, if that is known."""


class Pictures:
    """Each frame a file, and a link to the newest."""

    batch_seconds = 0.0
    takes_outages = False  # A placeholder is for viewers, not for archives.

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self.name, self._size = "", 0
        self._has_room_until = 0.0

    @property
    def size(self) -> int:
        return self._size

    def write(self, frame: Frame, at: float) -> None:
        limits = self._folder.limits
        # As large as one may get before the next tick(): the room is looked at then.
        if time.monotonic() >= self._has_room_until or limits.files < 1000:
            self.tick(time.monotonic())
        self.name = self._folder.put(frame.data)
        self._size += len(frame.data)
        self._folder.point_to_latest(self.name)

    def flush(self) -> None:
        pass

    def tick(self, now: float) -> None:
        self._folder.make_room()
        self._has_room_until = now + 1.0

    def tidy(self) -> None:
        with contextlib.suppress(CannotWrite):
            self._folder.make_room()

    def rest(self, now: float) -> float:
        return math.inf

    def mark(self, now: float) -> None:
        self._folder.mark(self.name, 0.0)

    def finish(self, at: float) -> None:
        pass

    def recover(self) -> None:
        self._folder.open()
        self._folder.make_room()

    def close(self) -> None:
        self._folder.close()

    def space(self) -> Space | None:
        return self._folder.space()


class Video:
    """Files of video, one after the other: the next begins where one ends."""

    takes_outages = True  # Or else it would show for hours what was there before.

    def __init__(
        self, place: Place, is_matroska: bool, rule: SegmentRule, repeats: bool, splits: bool = True
    ) -> None:
        """``rule`` says when a file ends.

        If it ``repeats``, a rest is shown to its end, and else what changed.  If it ``splits``,
        a picture of another size begins another file.
        """
        self._place, self._is_matroska, self._rule = place, is_matroska, rule
        self._repeats, self._splits = repeats, splits
        self.batch_seconds = CLUSTER_SECONDS if is_matroska else 0.2
        self.name = ""
        self._file: VideoFile | None = None
        self._wall = 0.0
        """When the file began, in seconds of CLOCK_REALTIME."""
        self._ended_size = 0

    @property
    def size(self) -> int:
        return self._ended_size + (self._file.size if self._file is not None else 0)

    def write(self, frame: Frame, at: float) -> None:
        file, last = self._file, self._file.last if self._file is not None else None
        if file is not None and last is not None:
            resized = (last.width, last.height) != (frame.width, frame.height)
            if (resized and self._splits) or self._is_over(file, at):
                self.finish(at)
        if self._file is None:
            self._begin(frame, at)
        assert self._file is not None
        try:
            self._file.add(frame, at)
        except OSError as error:
            raise cannot_write(error, self.name) from None

    def _begin(self, frame: Frame, at: float) -> None:
        self._place.make_room()
        descriptor, self.name = self._place.create()
        place, self._wall = self._place, time.time()
        self._file = VideoFile(
            descriptor,
            lambda data: place.write(descriptor, data),
            self._is_matroska,
            place.is_ours,
        )
        try:
            # It may have been seen before it is written.
            self._file.begin(frame, at, self._wall - max(0.0, time.monotonic() - at))
        except OSError as error:
            raise cannot_write(error, self.name) from None
        # Of which there is one more now.
        self._place.make_room()

    def _is_over(self, file: VideoFile, at: float) -> bool:
        zone = time.localtime().tm_gmtoff
        size = file.size + file.waiting_bytes
        return self._rule.is_over(at - file.began, size, self._wall + zone, time.time() + zone)

    def flush(self) -> None:
        if self._file is None:
            return
        try:
            self._file.flush()
        except OSError as error:
            raise cannot_write(error, self.name) from None
        self._place.grown(self._file.size)

    def tick(self, now: float) -> None:
        file = self._file
        if file is None or file.last is None:
            return
        last = file.last
        if file.is_deleted():
            log.warning("%s was deleted while it was recorded; another file goes on", self.name)
            self._give_up(file)
            self.write(last, now)
            self.flush()
            return
        if self._is_over(file, now):
            # As long as it is to be, however late this thread is.
            end = min(now, file.began + self._rule.seconds)
            self.finish(end)
            if self._repeats:
                self.write(last, end)
                self.flush()
            return
        try:
            if self._repeats:
                file.set_duration(now - file.began)
        except OSError as error:
            raise cannot_write(error, self.name) from None
        self._place.make_room()

    def tidy(self) -> None:
        with contextlib.suppress(CannotWrite):
            self._place.make_room()

    def rest(self, now: float) -> float:
        return math.inf if self._file is None else self._file.began + self._rule.seconds - now

    def mark(self, now: float) -> None:
        if self._file is not None:
            self._place.mark(self.name, now - self._file.began)

    def finish(self, at: float) -> None:
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            file.close(at, self._repeats)
        except OSError as error:
            with contextlib.suppress(CannotWrite):
                self._place.ended(self.name, file.size)
            raise cannot_write(error, self.name) from None
        finally:
            self._ended_size += file.size
        self._place.ended(self.name, file.size)

    def recover(self) -> None:
        if self._file is not None:
            self._give_up(self._file)
        self._place.open()
        self._place.make_room()

    def _give_up(self, file: VideoFile) -> None:
        """End a file where it was whole."""
        self._file = None
        file.abandon()
        self._ended_size += file.size
        # If this cannot be noted, opening the folder does it.
        with contextlib.suppress(CannotWrite):
            self._place.ended(self.name, file.size)

    def close(self) -> None:
        if self._file is not None:
            self._file.abandon()
            self._file = None
        self._place.close()

    def space(self) -> Space | None:
        return self._place.space()
