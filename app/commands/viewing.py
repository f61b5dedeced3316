"""What ``webcapd view`` does: an engine, a window, and a recorder of single pictures."""

import contextlib
import ctypes
import logging
import math
import os
import time
from collections.abc import Callable
from pathlib import Path

from webcapd.app.access import StartError
from webcapd.app.commands.running import run_command, run_output
from webcapd.app.commands.viewoptions import ViewOptions
from webcapd.app.engine import Engine, Part
from webcapd.app.program import NOT_WRITTEN
from webcapd.app.standarderror import say
from webcapd.base.number import parse_period
from webcapd.base.shutdown import Shutdown
from webcapd.capture.feeds.received.reception import Reception
from webcapd.capture.options import CaptureOptions
from webcapd.capture.source import SourceError
from webcapd.capture.x11.dial import Dialler
from webcapd.encoder.cell import Closed
from webcapd.encoder.frame import Frame, LatestFrame
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.variant import PLAIN
from webcapd.encoder.variants import Variants
from webcapd.http.access.publishers import PublishAccess
from webcapd.outputs.options import RecordingOptions
from webcapd.outputs.recording.open import file_sink, folder_sink
from webcapd.outputs.recording.recorder import Recorder
from webcapd.outputs.recording.settings import RecorderSettings
from webcapd.outputs.window import Window
from webcapd.outputs.writing import CannotWrite

log = logging.getLogger(__name__)

# How long a new picture, or a signal, may wait for the window: while it moves, and at rest.
_MOVING_SECONDS, _REST_SECONDS = 0.01, 0.05
_TICK_SECONDS = 1.0
_STOP_SECONDS = 1.0
_GRACE_SECONDS = 0.5

# What a recorder says of itself that cannot write.
_UNWRITTEN = ("disk-full", "cannot-write")


def view(options: ViewOptions, encoding: EncoderOptions, capture: CaptureOptions) -> int:
    """Show and save until asked to stop, or all is seen; returns the exit code."""
    return run_command(lambda shutdown: _view(options, encoding, capture, shutdown))


def _view(
    options: ViewOptions, encoding: EncoderOptions, capture: CaptureOptions, shutdown: Shutdown
) -> int:
    has_window = not options.no_window
    if has_window and (obstacle := _display_obstacle()):
        if not options.save:
            raise StartError(f"there is no window: {obstacle}; --save DIR saves what comes")
        say(f"there is no window, pictures are only saved: {obstacle}")
        has_window = False
    duration = parse_period(options.duration) if options.duration else math.inf
    with contextlib.ExitStack() as held:
        reception = _reception(options, held)
        sink = folder_sink(options.save, options.recording) if options.save else None
        engine = Engine(capture, encoding, shutdown, reception)
        recorder = None
        if sink is not None:
            settings = RecorderSettings(most=options.count or math.inf, duration=duration)
            on_end = _ended_by(shutdown)
            recorder = Recorder(engine.variants, PLAIN, sink, settings, on_end)
        viewer = Viewer(options, engine, shutdown) if has_window else None

        def begin() -> None:
            width, height = engine.encoder.picture_size()
            where = f", saving into {options.save}" if options.save else ""
            say(f"showing {engine.source.name} {width}x{height}{where}")
            if recorder is not None:
                recorder.start()

        parts: list[tuple[str, Part]] = [("recorder", recorder)] if recorder is not None else []

        def serve() -> int:
            deadline = time.monotonic() + duration
            status = viewer.run() if viewer is not None else _wait(engine, shutdown, deadline)
            # Before it ends, and has that for its state.
            fails = recorder is not None and recorder.report()["state"] in _UNWRITTEN
            return NOT_WRITTEN if fails and status == 0 else status

        status = run_output(engine, parts, begin, shutdown, serve)
        saved = recorder.frames if recorder is not None else 0
        if recorder is not None:
            say(f"saved {saved} {'picture' if saved == 1 else 'pictures'}")
        reason = engine.encoder.status()["reason"]
        if status == 0 and not saved and reason and duration < math.inf:
            raise SourceError(f"nothing came: {reason}")
        return status


def _reception(options: ViewOptions, held: contextlib.ExitStack) -> Reception:
    """Read who may send pictures, which is given back by ``held``; raises StartError."""
    if not options.publish_token_file:
        return Reception(None)
    try:
        access = PublishAccess(options.publish_token_file)
    except ValueError as error:
        raise StartError(str(error)) from None
    held.callback(access.close)
    return Reception(access.keys)


def _wait(engine: Engine, shutdown: Shutdown, deadline: float) -> int:
    """See to what may hang until asked to stop, or time is up; gives the exit code.

    A recorder ends by itself in time, but not while it cannot write.
    """
    while (now := time.monotonic()) < deadline + _GRACE_SECONDS:
        rest = deadline + _GRACE_SECONDS - now
        if (status := shutdown.wait(min(_TICK_SECONDS, rest))) is not None:
            return status
        engine.encoder.abort_if_stuck()
    return 0


def _display_obstacle() -> str:
    """Say why there can be no window; empty if there can: OpenCV would end the process."""
    name = os.environ.get("DISPLAY", "")
    if not name:
        return "DISPLAY is not set"
    try:
        # What OpenCV brings for windows is linked against it.
        ctypes.CDLL("libSM.so.6")
    except OSError:
        return "libSM.so.6 is missing (on Debian and Ubuntu: apt install libsm6)"
    try:
        Dialler(name).dial().socket.close()
    except SourceError as error:
        return str(error)
    return ""


def _ended_by(shutdown: Shutdown) -> Callable[[str], None]:
    def on_end(why: str) -> None:
        if why:
            log.error("%s", why)
        shutdown.ask(NOT_WRITTEN if why else 0)

    return on_end


class Viewer:
    """Shows frames in a window, and does what keys ask for.  Main thread only."""

    def __init__(self, options: ViewOptions, engine: Engine, shutdown: Shutdown) -> None:
        self._options, self._engine, self._shutdown = options, engine, shutdown
        title = options.title or f"{engine.source.name} - webcapd"
        self._window = Window(title, options.scale, options.fullscreen)
        self._folder = Path(options.save or ".")
        self._shown: Frame | None = None
        self._is_paused = False
        self._count = 0
        self._video: Video | None = None

    def run(self) -> int:
        """Show frames until asked to stop; gives the exit code."""
        options = self._options
        duration = parse_period(options.duration) if options.duration else math.inf
        try:
            with (
                contextlib.suppress(Closed),
                self._engine.variants.lease(PLAIN) as variant,
                variant.latest.subscribed(),
            ):
                self._follow(variant.latest, time.monotonic() + duration)
            return self._shutdown.wait(_TICK_SECONDS) or 0
        finally:
            if self._video is not None:
                self._video.end()
            self._window.close()

    def _follow(self, latest: LatestFrame, deadline: float) -> None:
        """Show each frame that there is time for, until the end.  Raises Closed."""
        moved = ticked = time.monotonic()
        while self._shutdown.wait(0) is None and (now := time.monotonic()) < deadline:
            frame = latest.poll().frame
            if frame is not None and frame is not self._shown and not self._is_paused:
                self._show(frame)
                moved = now
            if self._count == self._options.count and self._count and not self._options.save:
                break
            rest = _MOVING_SECONDS if now - moved < 1 else _REST_SECONDS
            if self._shown is None:
                self._shutdown.wait(rest)
            elif action := self._window.wait(rest):
                self._do(action)
            if now - ticked >= _TICK_SECONDS:
                self._engine.encoder.abort_if_stuck()
                ticked = now
        self._shutdown.ask()

    def _show(self, frame: Frame) -> None:
        self._shown = frame
        self._window.show(frame.data)
        self._count += not frame.outage

    def _do(self, action: str) -> None:
        if action == "quit":
            self._shutdown.ask()
        elif action == "pause":
            self._is_paused = not self._is_paused
            log.info("paused" if self._is_paused else "no longer paused")
        elif action == "fullscreen":
            self._window.toggle_fullscreen()
        elif action in ("larger", "smaller"):
            self._window.zoom(action == "larger")
        elif action == "snapshot":
            self._save_one()
        elif action == "record":
            self._toggle_video()

    def _save_one(self) -> None:
        """Save what is shown."""
        assert self._shown is not None
        path = self._folder / _stamped("snapshot", ".jpg")
        try:
            with path.open("xb") as file:
                file.write(self._shown.data)
        except OSError as error:
            log.warning("%s cannot be written: %s", path, error.strerror)
        else:
            log.info("saved %s", path)

    def _toggle_video(self) -> None:
        video, self._video = self._video, None
        if video is not None:
            video.end()
            return
        path = self._folder / _stamped("video", ".mkv")
        try:
            self._video = Video(self._engine.variants, path)
        except CannotWrite as error:
            log.warning("%s", error)


class Video:
    """A file that is being recorded."""

    def __init__(self, variants: Variants, path: Path) -> None:
        """Begin; raises CannotWrite."""
        self._path = path
        sink = file_sink(str(path), RecordingOptions(), lambda: False)
        settings = RecorderSettings(retries=False)
        self._recorder = Recorder(variants, PLAIN, sink, settings, self._on_end)
        self._recorder.start()
        log.info("recording into %s", path)

    def _on_end(self, why: str) -> None:
        if why:
            log.warning("%s", why)

    def end(self) -> None:
        """End it, with all that has come."""
        self._recorder.stop()
        if self._recorder.join(_STOP_SECONDS):
            self._recorder.close()
        log.info("recorded %d frames into %s", self._recorder.frames, self._path)


def _stamped(word: str, suffix: str) -> str:
    """Give a name that no other file has: it is of this millisecond."""
    now = time.time()
    return f"{word}-{time.strftime('%Y%m%d-%H%M%S')}-{int(now * 1000) % 1000:03d}{suffix}"
