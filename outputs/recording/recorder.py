"""The recorder: takes frames as a viewer does, in a thread of its own, and has them written.

It never holds up anybody: frames wait for it in a bounded queue.  What cannot be written is said
once, tried again every few seconds, and ends nothing else.
"""

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping

from webcapd.encoder.cell import Closed
from webcapd.encoder.frame import LatestFrame
from webcapd.encoder.variant import VariantSpec
from webcapd.encoder.variants import Variants
from webcapd.outputs.framequeue import FrameQueue, Seen
from webcapd.outputs.recording.commands import Commands
from webcapd.outputs.recording.retention import Space
from webcapd.outputs.recording.settings import RecorderSettings
from webcapd.outputs.recording.sinks import Sink
from webcapd.outputs.writing import CannotWrite

log = logging.getLogger(__name__)

_RETRY_SECONDS = 10.0
_FRAME_SECONDS = 4.0
_COMMAND_SECONDS = 5.0
_TICK_SECONDS, _IDLE_SECONDS = 5.0, 60.0
_MIN_ROOM = 1 << 20

# What may wait to be written, some seconds at full motion; and what may be kept for --pre.
_QUEUE_BYTES, _HISTORY_BYTES = 64 << 20, 256 << 20


class Recorder:
    """Records one variant; ask() and report() are for any thread, the rest for the main one."""

    def __init__(
        self,
        variants: Variants,
        spec: VariantSpec,
        sink: Sink,
        settings: RecorderSettings,
        on_end: Callable[[str], None] = lambda why: None,
    ) -> None:
        """``on_end`` is called in its thread when it ends by itself.

        It is told the sentence why it cannot write, "" if all is recorded.
        """
        self._variants, self._spec, self._sink, self._settings = variants, spec, sink, settings
        self._on_end = on_end
        self._stopping = threading.Event()
        self._commands = Commands(self._ring)
        self._queue: FrameQueue | None = None
        """Set once, by the recorder thread."""
        # Recorder thread only; single values that others may read:
        self._wants = settings.pre is None
        self._began: float | None = None
        """When what is recorded now began, in seconds of CLOCK_MONOTONIC."""
        self._deadline = math.inf  # Pauses count.
        self._paused_until: float | None = None
        self._trouble = ""
        self._state = "waiting"
        self._next_tick = self._next_picture = self._last_at = 0.0
        self._newest = -1
        self._is_listening = False
        self.frames = 0
        self.seconds = 0.0
        """How much was recorded before what is recorded now."""
        self._marks = 0
        self._space: Space | None = None  # Others do not ask: a mount may hang.
        self._held = contextlib.ExitStack()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; returns at once."""
        self._stopping.set()
        self._ring()

    def join(self, timeout: float) -> bool:
        """Wait for the end; tells whether it came in time."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Give back what it holds; the thread has ended, or was never started."""
        self._sink.close()

    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def ask(self, command: str) -> Mapping[str, object]:
        """Start, stop or mark, and give what report() says then."""
        self._commands.ask(command, _COMMAND_SECONDS)
        return self.report()

    def report(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of it."""
        sink, began, space = self._sink, self._began, self._space
        seconds = self.seconds + (time.monotonic() - began if began is not None else 0.0)
        rate = sink.size / seconds if seconds > 0 else 0.0
        return {
            "state": self._state,
            "reason": self._trouble or None,
            "file": sink.name or None,
            "frames": self.frames,
            "seconds": round(seconds, 1),
            "bytes": sink.size,
            "dropped": self.dropped,
            "marks": self._marks,
            "free": space.free if space is not None else None,
            "secondsUntilFull": round(space.free / rate) if space and rate else None,
        }

    @property
    def dropped(self) -> int:
        """Frames that could not be written in time."""
        return self._queue.dropped if self._queue is not None else 0

    def _ring(self) -> None:
        if self._queue is not None:
            self._queue.ring()

    def _run(self) -> None:
        why = ""
        try:
            with self._variants.lease(self._spec) as variant:
                waiting = _QUEUE_BYTES if not self._settings.pre else _HISTORY_BYTES
                self._queue = queue = FrameQueue(variant.latest, waiting)
                with contextlib.suppress(Closed):
                    self._record(queue, variant.latest)
                self._end_take(queue)
                # Its time may be over while it cannot write.
                why = self._trouble if self._is_complete() else ""
        except CannotWrite as error:
            why = str(error)
        except Exception as error:
            log.exception("nothing is recorded any more")
            why = f"the recorder failed: {error}"
        finally:
            self._state = "ended"
            self._held.close()
            self._sink.close()
            self._commands.close()
            self._on_end(why)

    def _record(self, queue: FrameQueue, latest: LatestFrame) -> None:
        """Record until it is asked to stop, or has all; raises Closed, CannotWrite."""
        while not self._stopping.is_set() and not self._is_complete():
            try:
                self._obey(queue, latest)
                if self._began is None:
                    until = min(self._paused_until or math.inf, self._deadline)
                    until = max(0.0, until - time.monotonic())
                    if not queue.wait(min(_IDLE_SECONDS, until), for_frames=False):
                        self._sink.tidy()
                elif self._settings.interval:
                    self._take_one(queue, latest)
                else:
                    self._take_all(queue)
            except CannotWrite as error:
                if not self._settings.retries:
                    raise
                self._pause(error, queue)

    def _is_complete(self) -> bool:
        return time.monotonic() >= self._deadline or self.frames >= self._settings.most

    def _obey(self, queue: FrameQueue, latest: LatestFrame) -> None:
        """Do what was asked for since, and begin or end what follows from it."""
        with self._commands.taken() as commands:
            self._switch(queue, latest)
            for command in commands:
                if command == "mark" and self._began is not None:
                    self._sink.mark(time.monotonic())
                    self._marks += 1
                elif command != "mark":
                    self._wants = command == "start"
                    self._switch(queue, latest)

    def _switch(self, queue: FrameQueue, latest: LatestFrame) -> None:
        """Begin or end to record, and to have frames made."""
        pre = self._settings.pre or 0.0
        if not self._wants and self._began is not None:
            self._end_take(queue)
            queue.keep_history(pre)
        needed = (self._wants or pre > 0) and not self._settings.interval
        if needed and not self._is_listening:
            queue.keep_history(pre)
            self._held.enter_context(latest.subscribed())
            self._held.callback(queue.unlisten)
            queue.listen()
        elif not needed:
            self._held.close()
        self._is_listening = needed
        if self._wants and self._began is None:
            self._begin_take(queue)

    def _begin_take(self, queue: FrameQueue) -> None:
        now = time.monotonic()
        if self._paused_until is not None:
            if now < self._paused_until:
                return
            self._sink.recover()
        self._check_room()
        if self._paused_until is not None:
            log.info("recording goes on")
            self._paused_until, self._trouble = None, ""
        self._began = queue.take_from(now - (self._settings.pre or 0.0), now)
        if self._deadline == math.inf:
            self._deadline = self._began + self._settings.duration
        self._next_tick, self._next_picture, self._newest = now, now, -1
        self._state = "recording"

    def _check_room(self) -> None:
        """See that a disk that was full has room for a while, and not for a frame."""
        self._space = space = self._sink.space()
        rate = self._sink.size / self.seconds if self.seconds else 0.0
        if self._state != "disk-full" or space is None:
            return
        # On a disk that is small, a part of it must do.
        if space.free < max(_MIN_ROOM, min(rate * _RETRY_SECONDS, space.total // 10)):
            raise CannotWrite(self._trouble, is_full=True)

    def _end_take(self, queue: FrameQueue) -> None:
        """Write what waits, and complete what was begun."""
        if self._began is None:
            return
        now = min(time.monotonic(), self._deadline)
        with contextlib.suppress(Closed):
            self._write_all(queue.take())
        if self.frames >= self._settings.most:
            # What came after the last one is not recorded, its time neither.
            now = self._last_at
        self.seconds += now - self._began
        self._began, self._state = None, "stopped"
        self._sink.finish(now)

    def _pause(self, error: CannotWrite, queue: FrameQueue) -> None:
        """Wait before the next attempt to write; the line is written when the state is seen."""
        if self._paused_until is None:
            log.warning(
                "%s; nothing is recorded until that is better, and the stream goes on", error
            )
        self._trouble = str(error)
        self._state = "disk-full" if error.is_full else "cannot-write"
        if self._began is not None:
            self.seconds += time.monotonic() - self._began
            self._began = None
            queue.keep_history(0.0)
        self._paused_until = time.monotonic() + _RETRY_SECONDS

    def _take_all(self, queue: FrameQueue) -> None:
        """Take all frames there are, after some time for more to come."""
        now = time.monotonic()
        until = min(self._next_tick, now + self._sink.rest(now), self._deadline)
        rung = queue.wait(max(0.0, until - now))
        batch = min(self._sink.batch_seconds, until - time.monotonic())
        if batch > 0 and not rung and not queue.is_empty:
            queue.wait(batch, for_frames=False)
        self._write_all(queue.take())
        self._tick()

    def _take_one(self, queue: FrameQueue, latest: LatestFrame) -> None:
        """Take the frame that shows what there is now, when it is time for it."""
        now = time.monotonic()
        if now < self._next_picture:
            queue.wait(min(self._next_picture, self._deadline) - now, for_frames=False)
            return
        # On a grid; what was missed is not made up for.
        self._next_picture = max(self._next_picture + self._settings.interval, now)
        frame = latest.wait(_FRAME_SECONDS, as_of=latest.request_fresh())
        if frame is None or (self._settings.changed_only and frame.sequence == self._newest):
            return
        self._newest = frame.sequence
        self._write_all([Seen(frame, time.monotonic())])
        self._tick()

    def _write_all(self, seen: list[Seen]) -> None:
        for frame, at in seen:
            if self.frames >= self._settings.most or at > self._deadline:
                break
            if not frame.outage or self._sink.takes_outages:
                self._sink.write(frame, at)
                self.frames, self._last_at = self.frames + 1, at
        self._sink.flush()

    def _tick(self) -> None:
        """See to limits now and then, and to files that are complete, though nothing moves."""
        now = time.monotonic()
        if now < self._deadline and (now >= self._next_tick or self._sink.rest(now) <= 0):
            self._sink.tick(now)
            self._space = self._sink.space()
            self._next_tick = now + _TICK_SECONDS
