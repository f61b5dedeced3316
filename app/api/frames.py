"""``webcapd.frames()`` and ``webcapd.snapshot()``: what is shown, when it is asked for."""

import threading
import time
import weakref
from functools import partial
from types import TracebackType
from typing import Generic, Self, TypeVar, Unpack, overload

from webcapd.app.api.error import Error
from webcapd.app.api.frame import Frame, Packet
from webcapd.app.api.keywords import CaptureKeywords
from webcapd.app.api.outputs.table import CodedOutput, PixelOutput, check_output, make_maker
from webcapd.app.api.settings import Settings, settings_of
from webcapd.app.api.worker import Worker

T = TypeVar("T")
_F = TypeVar("_F", bound=Frame | Packet)


class _Slot(Generic[T]):
    """What the reader waits for; apart from Frames, which so can be forgotten."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        # Guarded by _news:
        self._value: T | None = None
        self._ended = False

    def put(self, value: T) -> None:
        with self._news:
            self._value = value
            self._news.notify_all()

    def end(self) -> None:
        with self._news:
            self._ended = True
            self._news.notify_all()

    def take(self, timeout: float | None) -> tuple[T | None, bool]:
        """Wait for a value; gives it, None if time is up, and whether there is no more."""
        with self._news:
            self._news.wait_for(lambda: self._value is not None or self._ended, timeout)
            value, self._value = self._value, None
            return value, self._ended


class Frames(Generic[_F]):
    """What webcapd.frames() gives: an iterator over what is newest, to be used by ``with``.

    Iterating waits until something differs from what was given last.  Nothing is captured
    until then, so that nothing queues, and what is given is of now.  For any thread; each
    frame goes to one.
    """

    def __init__(self, settings: Settings, output: str) -> None:
        self._reading = threading.Lock()
        slot: _Slot[_F] = _Slot()
        make = partial(make_maker, output, False, settings.options)
        self._slot, self._worker = slot, Worker(settings, make, slot.put, False, slot.end)
        self._started = self._closed = False
        # Who forgets it, as by leaving a loop, has it end.
        self._forgotten = weakref.finalize(self, self._worker.ask_stop)

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self) -> None:
        if self._worker.is_elsewhere:
            raise Error("these frames are of another process, from which this one was forked")
        if self._closed:
            raise Error("these frames are closed; webcapd.frames() gives others")
        if not self._started:
            self._started = True
            try:
                self._worker.start()
            except BaseException:
                self._closed = True
                raise

    def __iter__(self) -> Self:
        self._start()
        return self

    def __next__(self) -> _F:
        value = self._next(None)
        if value is None:
            raise StopIteration
        return value

    def read(self, timeout: float | None = None) -> _F | None:
        """Wait, so many seconds at most, for what is new; None if time is up.

        Raises Error if there will be nothing any more.
        """
        value = self._next(timeout)
        if value is None and not self._worker.is_alive:
            raise Error("the capture has ended")
        return value

    def _next(self, timeout: float | None) -> _F | None:
        """Wait for what is new; None if time is up, or if it was ended.  Raises Error."""
        if self._closed and not self._started:
            # No thread was there that could end the slot.
            raise Error("these frames are closed; webcapd.frames() gives others")
        deadline = None if timeout is None else time.monotonic() + timeout
        if not self._reading.acquire(timeout=-1 if timeout is None else timeout):
            return None
        try:
            if not self._closed:
                self._start()
            rest = None if deadline is None else max(0.0, deadline - time.monotonic())
            value, ended = self._wait(rest)
        finally:
            self._reading.release()
        if value is None and ended:
            self._worker.join()
            self._worker.raise_failure()
        return value

    def _wait(self, timeout: float | None) -> tuple[_F | None, bool]:
        """Have something captured, and wait for it, as _Slot.take() does.  _reading is held."""
        self._worker.want()
        try:
            found = self._slot.take(timeout)
        finally:
            # What comes when nobody waits is old when somebody does.
            self._worker.unwant()
        return found if found[0] is not None or found[1] else self._slot.take(0)

    def close(self) -> None:
        """End it, and give everything back; who waits in another thread gets no more."""
        self._closed = True
        self._forgotten.detach()
        self._worker.ask_stop()
        self._worker.join()

    def request_keyframe(self) -> None:
        """Of H.264, have the next frame be one that decoding may begin with.

        Whatever is new: also of a screen at rest, but one a second at most.
        """
        self._worker.request_keyframe()

    @property
    def outage(self) -> str:
        """Why there are no pictures just now, in one sentence; empty while there are.

        A display that is lost is waited for, and so is what a source has yet to deliver.
        """
        return self._worker.outage


@overload
def frames(
    settings: Settings | CaptureKeywords | None = None,
    *,
    output: PixelOutput = "bgr",
    **options: Unpack[CaptureKeywords],
) -> Frames[Frame]: ...


@overload
def frames(
    settings: Settings | CaptureKeywords | None = None,
    *,
    output: CodedOutput,
    **options: Unpack[CaptureKeywords],
) -> Frames[Packet]: ...


def frames(
    settings: Settings | CaptureKeywords | None = None,
    *,
    output: PixelOutput | CodedOutput = "bgr",
    **options: Unpack[CaptureKeywords],
) -> "Frames[Frame] | Frames[Packet]":
    """Capture: ``with webcapd.frames(display=":0") as frames: for frame in frames: ...``.

    Options are those of ``webcapd --help``, or ready-made ``settings``.  Raises Error, for
    options here, and where ``with`` begins if there can be no pictures.
    """
    made = settings_of(settings, options)
    made.check_for_capture()
    check_output(output)
    return Frames(made, output)


@overload
def snapshot(
    settings: Settings | CaptureKeywords | None = None,
    *,
    output: PixelOutput = "bgr",
    timeout: float = 4.0,
    **options: Unpack[CaptureKeywords],
) -> Frame: ...


@overload
def snapshot(
    settings: Settings | CaptureKeywords | None = None,
    *,
    output: CodedOutput,
    timeout: float = 4.0,
    **options: Unpack[CaptureKeywords],
) -> Packet: ...


def snapshot(
    settings: Settings | CaptureKeywords | None = None,
    *,
    output: PixelOutput | CodedOutput = "bgr",
    timeout: float = 4.0,
    **options: Unpack[CaptureKeywords],
) -> Frame | Packet:
    """Capture once: what is shown now, or comes within so many seconds.

    It connects, looks, and leaves; who wants more than one opens frames().  Raises Error.
    """
    made = settings_of(settings, options)
    made.check_for_capture()
    check_output(output)
    with Frames[Frame](made, output) as opened:
        found = opened.read(timeout)
        if found is None:
            raise Error(opened.outage or f"no picture came within {timeout:g} s")
        return found
