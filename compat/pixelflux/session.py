"""One capture from its start to its end: source, encoder thread, and the thread that delivers."""

import contextlib
import logging
import os
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace

from webcapd.capture.open import open_source
from webcapd.compat.pixelflux.cursor import OnCursor, cursor_of
from webcapd.compat.pixelflux.plan import MAX_FPS, Plan
from webcapd.compat.pixelflux.statistics import Statistics
from webcapd.encoder.cell import Closed
from webcapd.encoder.loop import Encoder
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.stripes.factory import h264_stripes, jpeg_stripes
from webcapd.encoder.stripes.pointer import PointerImages
from webcapd.encoder.stripes.stripe import Stripe, StripedFrame

log = logging.getLogger(__name__)

# How often it is seen to what may hang.
_TICK_SECONDS = 1.0

# The encoder thread ends at once, unless its source hangs.  A callback may wait for whoever
# waits for the end here; it is not waited for without end.
_STOP_SECONDS, _CALLBACK_SECONDS = 2.0, 5.0


class Session:
    """Captures, and gives stripes to somebody in a thread of its own.

    start() comes first; stop() last, from any thread, the one that delivers too.
    """

    def __init__(
        self,
        plan: Plan,
        give: Callable[[Stripe, StripedFrame], None],
        number: int = 0,
        on_cursor: OnCursor | None = None,
    ) -> None:
        """Prepare; ``number`` is the first frame's.  Raises RuntimeError with a sentence.

        ``on_cursor`` is told of the pointer's image, too, whether stripes show it or not.
        """
        if not os.environ.get("DISPLAY"):
            raise RuntimeError("there is no X display to capture: DISPLAY is not set")
        self.plan = plan
        self.statistics = Statistics()
        self._give = give
        self.on_cursor = on_cursor
        capture = replace(plan.capture, capture_cursor=True) if on_cursor else plan.capture
        self._source = open_source(capture, plan.fps)
        self._begun = threading.Event()
        self.failure = ""
        """Why it ended by itself, in one sentence."""
        # Consumers have a rate of their own, which may change.
        options = EncoderOptions(target_fps=MAX_FPS)
        self._encoder = Encoder(self._source, options, self._begun.set, self._on_failure)
        wake = self._encoder.wake
        if plan.codec == "jpeg":
            self.consumer = jpeg_stripes(plan.stripes, plan.subsampling, wake, number)
        else:
            self.consumer = h264_stripes(
                plan.stripes, plan.full_frame, plan.full_color, wake, number
            )
        self.consumer.takes_pointer = plan.capture.capture_cursor
        self._encoder.consumers.add(self.consumer, needed=True)
        self._pointer = PointerImages(self.consumer.slot.nudge)
        self.follow(plan)
        if on_cursor is not None:
            self._encoder.consumers.add(self._pointer)
        self._stopping = False
        self._thread = threading.Thread(target=self._deliver, name="stripes", daemon=True)

    def follow(self, plan: Plan) -> None:
        """Go on by the rate and the qualities of another plan, in all else the same; any thread."""
        self.plan = plan
        self.consumer.settings = plan.stripes
        self.consumer.fps = self._pointer.fps = plan.fps
        self._encoder.wake()

    @property
    def is_alive(self) -> bool:
        """Whether it was neither stopped nor ended by itself."""
        return not self._stopping and not self.failure

    def start(self) -> None:
        """Start, and wait until it is known whether there is a picture.

        Raises RuntimeError with a sentence where there is none.
        """
        try:
            self._encoder.start()
            while not self._begun.wait(_TICK_SECONDS):
                self._encoder.abort_if_stuck()
            self._encoder.picture_size()
            self._thread.start()
        except BaseException as error:
            self.stop()
            if isinstance(error, Exception):
                raise RuntimeError(str(error)) from error
            raise

    def stop(self) -> None:
        """End it, and wait for the end; afterwards nothing more is delivered.

        A callback that is under way is waited for some seconds, but not by itself.
        """
        self._stopping = True
        self._encoder.stop()
        self.consumer.close()
        has_ended = self._encoder.join(_STOP_SECONDS)
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(_CALLBACK_SECONDS)
            if self._thread.is_alive():
                log.warning("the callback of a capture that was stopped has not returned")
        if has_ended:
            self.consumer.dispose()
            self._encoder.close()
            self._source.dispose()

    def report(self) -> dict[str, object]:
        """Say how it is captured and encoded, under the names of 2.x."""
        return {
            "backend": "x11",
            "capture": "XShm",
            "zero_copy": False,
            "zero_copy_available": False,
            "capture_reason": "",
            "encoder": "turbojpeg" if self.plan.codec == "jpeg" else "x264",
            "hardware": False,
            "encoder_reason": "",
            "codec": self.plan.codec,
            "fullcolor": self.plan.full_color,
            "bit_depth": 8,
            "full_range": self.plan.codec == "jpeg" or self.plan.full_color,
            "striped": not self.plan.full_frame,
            **dict.fromkeys(("gpu", "driver", "encode_node"), ""),
        }

    def _on_failure(self, error: Exception) -> None:
        self.failure = str(error) or type(error).__name__
        log.error("the capture ended: %s", self.failure, exc_info=error)

    def _deliver(self) -> None:
        """Give what there is, until stopped; a callback that fails is called again."""
        looked = time.monotonic()
        with contextlib.suppress(Closed):
            while True:
                if (frame := self.consumer.slot.take(_TICK_SECONDS)) is not None:
                    self.statistics.note(frame)
                    self._deliver_frame(frame)
                self._deliver_pointer()
                if (now := time.monotonic()) - looked >= _TICK_SECONDS:
                    looked = now
                    self._encoder.abort_if_stuck()

    def _deliver_frame(self, frame: StripedFrame) -> None:
        for stripe in frame.stripes:
            # The callback itself may have stopped it.
            if self._stopping:
                return
            try:
                self._give(stripe, frame)
            except BaseException:
                traceback.print_exc()

    def _deliver_pointer(self) -> None:
        # May be withdrawn at any time.
        pointer, on_cursor = self._pointer.take(), self.on_cursor
        if pointer is None or on_cursor is None or self._stopping:
            return
        try:
            on_cursor(*cursor_of(pointer, self.plan.cursor_cap))
        except BaseException:
            traceback.print_exc()
