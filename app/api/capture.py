"""``webcapd.Capture``: what is shown, given to a function as it changes."""

import logging
import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, overload

from webcapd.app.api.error import Error
from webcapd.app.api.frame import Frame, Packet
from webcapd.app.api.keywords import CaptureKeywords
from webcapd.app.api.outputs.table import CodedOutput, PixelOutput, check_output, make_maker
from webcapd.app.api.settings import Settings, settings_of
from webcapd.app.api.worker import Worker

log = logging.getLogger(__name__)

T = TypeVar("T", bound=Frame | Packet)


class Capture(Generic[T]):
    """A capture that calls back: at once when something changed, at most ``fps`` times a second.

    The callback gets what is newest, in a thread of the capture's own, one call after the
    other.  While it runs nothing is captured; what changes meanwhile is in the next one, so
    that nothing queues.  If it raises, that is logged and the capture ends; stop(), join() or
    the end of a ``with`` raises it again.

    start() and stop() are for any thread, stop() for the callback, too; after stop() it may be
    started anew.
    """

    @overload
    def __init__(
        self: "Capture[Frame]",
        settings: Settings | CaptureKeywords | None,
        callback: Callable[[Frame], object],
        output: PixelOutput = "raw",
    ) -> None: ...

    @overload
    def __init__(
        self: "Capture[Packet]",
        settings: Settings | CaptureKeywords | None,
        callback: Callable[[Packet], object],
        output: CodedOutput,
    ) -> None: ...

    def __init__(
        self,
        settings: Settings | CaptureKeywords | None,
        callback: Callable[[Any], object],
        output: PixelOutput | CodedOutput = "raw",
    ) -> None:
        """Prepare; ``settings`` may be a dict of options, or None for all as usual.

        Raises Error.
        """
        self._settings = settings_of(settings)
        self._settings.check_for_capture()
        check_output(output)
        if not callable(callback):
            raise Error(f"{callback!r} is no function; it is called with what is captured")
        self._callback, self._output = callback, output
        self._starting = threading.Lock()
        """Held while it is seen whether it runs, and noted that it does."""
        self._worker: Worker[T] | None = None

    def start(self) -> Self:
        """Start; returns once it is known that there are pictures, or that they may come.

        Raises Error if there can be none, and if it runs already.
        """
        worker = Worker[T](
            self._settings,
            partial(make_maker, self._output, True, self._settings.options),
            self._call,
            wants_all=True,
        )
        with self._starting:
            if self._worker is not None and not self._worker.is_over:
                raise Error("this capture runs already; stop() ends it")
            # The callback, which may come before this returns, may stop it.
            self._worker = worker
        try:
            worker.start()
        except BaseException:
            with self._starting:
                # Another thread may have started it anew by now.
                if self._worker is worker:
                    self._worker = None
            raise
        return self

    def _call(self, made: T) -> None:
        try:
            self._callback(made)
        except Exception as error:
            # From the callback on, as what is before is ours, and holds the picture.
            trace = error.__traceback__
            error.with_traceback(trace.tb_next if trace is not None else None)
            log.error("a callback failed, and its capture ends", exc_info=error)
            raise

    def stop(self) -> None:
        """End it, and give everything back; when it returns, nothing is called back any more.

        It waits for a callback that runs.  From the callback itself it returns at once, and the
        capture ends when that does.  Raises what the callback has raised, and Error if the
        capture has ended by itself; once.  What never was started is ended.
        """
        worker = self._worker
        if worker is not None:
            worker.ask_stop()
            if not worker.is_own_thread:
                worker.join()
                worker.raise_failure()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it has ended; tells whether that came within so many seconds.

        Raises as stop() does.
        """
        worker = self._worker
        if worker is None:
            return True
        if worker.is_own_thread:
            raise Error("a callback cannot wait for the end of its capture")
        ended = worker.join(timeout)
        if ended:
            worker.raise_failure()
        return ended

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._worker is not None and self._worker.is_alive

    def request_keyframe(self) -> None:
        """Of H.264, have the next frame be one that decoding may begin with.

        Whatever is new: also of a screen at rest, but one a second at most.
        """
        if self._worker is not None:
            self._worker.request_keyframe()

    @property
    def outage(self) -> str:
        """Why there are no pictures just now, in one sentence; empty while there are.

        A display that is lost is waited for, and so is what a source has yet to deliver.
        """
        return self._worker.outage if self._worker is not None else ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.stop()
        except Exception:
            # What went wrong within is what is told; the rest was logged.
            if error is None:
                raise
