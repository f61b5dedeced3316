"""Writes a pattern into a ring, frame after frame, until it is asked to stop."""

import functools
import signal
import time
from math import floor

from webcapd.app.standarderror import fail, say
from webcapd.base.ring.layout import Flags, FrameHeader, RingError
from webcapd.base.ring.writer import RingWriter
from webcapd.base.shutdown import Shutdown
from webcapd.capture.geometry import Rectangle
from webcapd.capture.patterns.painter import Painter

# Between two looks around where nothing ever changes.
_REST_SECONDS = 3600.0

# Exit codes: it could not start, and it could not write.
_NOT_STARTED, _NOT_WRITTEN = 1, 3


def write_screen(path: str, painter: Painter, fps: float, label: str) -> int:
    """Write a pattern, ``fps`` frames a second, or one that stays; returns the exit code."""
    shutdown = Shutdown()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: shutdown.ask())
    try:
        writer = RingWriter(path, painter.pixels.nbytes, label=label)
    except RingError as error:
        return fail(str(error), _NOT_STARTED)
    rate = f" at {fps:g} frames a second" if fps else ""
    say(f"writing {label} {painter.width}x{painter.height}{rate} into {path}")
    began = time.monotonic()
    try:
        status, frames = _write(writer, painter, fps, shutdown)
    except RingError as error:
        return fail(str(error), _NOT_WRITTEN)
    finally:
        writer.close()
        shutdown.close()
    say(_summary(frames, painter.pixels.nbytes, time.monotonic() - began))
    return status


def _write(writer: RingWriter, painter: Painter, fps: float, shutdown: Shutdown) -> tuple[int, int]:
    """Write frames until asked to end; gives the exit code asked for, and how many they were."""
    began = time.monotonic()
    while True:
        number = floor((time.monotonic() - began) * fps)
        frames = _put(writer, painter, number)
        rest = began + (number + 1) / fps - time.monotonic() if fps else _REST_SECONDS
        while (status := shutdown.wait(max(0.0, rest))) is None and not fps:
            pass
        if status is not None:
            return status, frames


def _put(writer: RingWriter, painter: Painter, number: int) -> int:
    """Paint frame ``number`` of the pattern and write it; gives how many were written."""
    moment = time.time()
    changed = painter.paint(number, moment)
    frame = FrameHeader(
        "XR24", painter.width, painter.height, 4 * painter.width, realtime=int(moment * 1e9)
    )
    if changed:
        x, y, width, height = functools.reduce(Rectangle.around, changed)
        frame = frame._replace(dirty=(x, y, width, height))
    else:
        frame = frame._replace(flags=Flags.SAME)
    return writer.put(frame, painter.pixels.data)


def _summary(frames: int, size: int, seconds: float) -> str:
    megabytes = frames * size / 1e6
    return (
        f"{frames} {'frame' if frames == 1 else 'frames'} in {seconds:.1f} s: "
        f"{frames / seconds:.1f} a second, {megabytes:.1f} MB, {megabytes / seconds:.1f} MB/s"
    )
