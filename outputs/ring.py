"""``--ring PATH``: what is captured, as raw pixels in a ring of shared memory (docs/frames.md).

It follows the screen whether somebody reads or not, as a ring does not tell.  Pictures are written
in the encoder thread, where their pixels are: what that takes is one copy.
"""

import logging
import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from webcapd.base.pace import Pace
from webcapd.base.process.late import np
from webcapd.base.ring.layout import (
    MAX_PIXELS,
    MAX_SIDE,
    PIXEL_BYTES,
    Flags,
    FrameHeader,
    RingError,
)
from webcapd.base.ring.writer import RingWriter
from webcapd.capture.picture import BandKey, Picture
from webcapd.encoder.consumer import Demand, Moment

log = logging.getLogger(__name__)

_FORMAT = "XR24"
_PIXEL_BYTES = PIXEL_BYTES[_FORMAT]

# Nothing is known to have changed where, and all of it is: the layout's word for a whole frame.
_ALL = (0, 0, 0, 0)

# After a failure, until the ring is made anew: its folder may be back by then.
_RETRY_SECONDS = 5.0


@dataclass(frozen=True)
class _Written:
    """What the newest frame of a ring shows."""

    width: int
    height: int
    is_outage: bool
    keys: Sequence[BandKey]


class RingOutput:
    """A ring, and the consumer that writes it.

    feed() is the encoder thread's; dispose() comes last, and the rest is for any thread.
    """

    takes_pointer = True
    takes_small = False  # A frame is a frame, however little is new.

    def __init__(self, path: str, label: str, size: tuple[int, int]) -> None:
        """Make the ring, for pictures of a size (larger ones make it anew); raises RingError."""
        self._path, self._label = path, label
        self.pace = Pace()
        self.behind = True
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._writer: RingWriter | None = self._make(*size)
        self._written: _Written | None = None
        self._closed = False
        # Encoder thread only; single values that others may read:
        self._retry_at = 0.0
        self._obstacle = ""
        """Why nothing can be written just now, in one sentence."""
        self._frames = 0

    def _make(self, width: int, height: int) -> RingWriter:
        _check_size(width, height)
        return RingWriter(self._path, width * height * _PIXEL_BYTES, label=self._label)

    def __str__(self) -> str:
        return f"the ring {self._path}"

    def demand(self) -> Demand:
        """Want every picture; while it cannot be written, one when that is tried again."""
        if self._closed:
            return Demand(0.0, False, math.inf)
        if self._obstacle:
            return Demand(0.0, False, math.inf, self._retry_at)
        return Demand(math.inf, False, -math.inf)

    def feed(self, picture: Picture, moment: Moment) -> None:
        """Write a picture, if it looks different from the one before."""
        now = time.monotonic()
        with self._lock:
            if self._closed or (self._obstacle and now < self._retry_at):
                return
            try:
                self._write(picture, moment)
            except RingError as error:
                self._fail(str(error), now)
            else:
                if self._obstacle:
                    log.info("%s is written again", self)
                self._obstacle = ""

    def _fail(self, reason: str, now: float) -> None:
        """Tell once, and have it tried again later.  _lock is held."""
        if reason != self._obstacle:
            log.warning(
                "%s; what is captured is not written there, and that is tried again", reason
            )
        self._obstacle, self._retry_at = reason, now + _RETRY_SECONDS
        self._drop()

    def _drop(self) -> None:
        """Give the file back.  _lock is held."""
        writer, self._writer, self._written = self._writer, None, None
        if writer is not None:
            writer.close()

    def _write(self, picture: Picture, moment: Moment) -> None:
        """Write a picture that differs from the one before.  _lock is held; raises RingError."""
        width, height = picture.width, picture.height
        # Of one that came as JPEG, the pixels are to be there before the keys are asked for.
        pixels, before = picture.pixels, self._written
        now = _Written(width, height, bool(moment.outage), list(picture.keys))
        if before == now:
            return
        if self._writer is None:
            self._writer = self._make(width, height)
        _check_size(width, height)
        frame = FrameHeader(
            _FORMAT,
            width,
            height,
            stride=width * _PIXEL_BYTES,
            flags=Flags.NO_SIGNAL if moment.outage else Flags(0),
            monotonic=int(moment.as_of * 1e9) if math.isfinite(moment.as_of) else 0,
            realtime=int(moment.captured * 1e9),
            dirty=_dirty(picture, before) if before is not None else _ALL,
        )
        # Until all of it is there: a frame that failed half-way is not what the ring shows.
        self._written = None
        self._writer.put(frame, np.ascontiguousarray(pixels).data)
        self._written = now
        self._frames += 1

    def expire(self) -> None:
        """Nothing: what is read in a ring is as old as its stamp says."""

    def close(self) -> None:
        self._closed = True

    def dispose(self) -> None:
        """Remove the ring, which tells its readers; nothing is written any more."""
        self._closed = True
        with self._lock:
            self._drop()

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of it."""
        return {
            "path": self._path,
            "frames": self._frames,
            "state": "failed" if self._obstacle else "written",
            "reason": self._obstacle or None,
        }


def _check_size(width: int, height: int) -> None:
    """See that readers will take a picture of this size; raises RingError."""
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise RingError(f"pictures of {width}x{height} are too large for a ring")


def _dirty(picture: Picture, before: _Written) -> tuple[int, int, int, int]:
    """Give the rectangle around the tiles that differ from those of the frame before."""
    if (picture.width, picture.height) != (before.width, before.height):
        return _ALL
    layout, bands, columns = picture.layout, list[int](), set[int]()
    for band, (key, old) in enumerate(zip(picture.keys, before.keys, strict=True)):
        if key != old:
            bands.append(band)
            pairs = enumerate(zip_longest(key, old))
            columns.update(column for column, (now, then) in pairs if now != then)
    if not bands:
        # Only the flag is another.
        return _ALL
    top, bottom = layout.rows(bands[0], bands[-1])
    left = min(columns) * layout.tile_width
    right = min(picture.width, (max(columns) + 1) * layout.tile_width)
    return left, top, right - left, bottom - top
