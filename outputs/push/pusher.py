"""Sends a variant's newest frame, and again the newest when that has left: never a queue.

While there is no connection nobody asks for pictures, so that nothing is captured for it.
"""

import contextlib
import logging
import math
import select
import threading
import time
from collections.abc import Callable

from webcapd.base.framing.picture import MAX_BYTES
from webcapd.base.waker import Waker
from webcapd.encoder.cell import Closed
from webcapd.encoder.frame import Frame, LatestFrame
from webcapd.encoder.variant import PLAIN
from webcapd.encoder.variants import Variants
from webcapd.outputs.push.sender import Refused, Sender, sentence_of

log = logging.getLogger(__name__)

# Between attempts: doubled each time, until a picture has been sent.
_FIRST_WAIT, _MAX_WAIT = 0.5, 10.0


class Pusher:
    """A thread that sends pictures to one place.

    start() to close() are for the main thread, stop() and the numbers for any.
    """

    def __init__(
        self,
        variants: Variants,
        sender: Sender,
        place: str,
        on_end: Callable[[str], None],
    ) -> None:
        """``on_end`` is called, in the thread, with the sentence why there is no going on."""
        self._variants, self._sender, self._place = variants, sender, place
        self._on_end = on_end
        self._stopping = threading.Event()
        self._waker = Waker()
        self._thread = threading.Thread(target=self._run, name="push", daemon=True)
        # That thread only; single values that others may read:
        self.frames = 0
        self.bytes = 0
        self._told = ""
        """What is known to be wrong."""
        self._is_too_large = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; returns at once."""
        self._stopping.set()
        self._waker.wake()

    def join(self, timeout: float) -> bool:
        """Wait for the end; tells whether it came in time."""
        if self._thread.ident is not None:
            self._thread.join(timeout / 2)
            if self._thread.is_alive():
                # Only the other side can hold it up.
                self._sender.interrupt()
                self._thread.join(timeout / 2)
        return not self._thread.is_alive()

    def close(self) -> None:
        self._waker.close()

    def _run(self) -> None:
        """Connect, and send, again and again until stop()."""
        wait = _FIRST_WAIT
        while not self._stopping.is_set():
            before = self.frames
            try:
                self._sender.connect()
                self._send_all()
            except Refused as refusal:
                if refusal.is_final:
                    self._on_end(f"{self._place}: {refusal}")
                    return
                self._tell(str(refusal))
            except OSError as error:
                self._tell(sentence_of(error))
            finally:
                self._sender.close()
            if self._stopping.is_set():
                return
            wait = _FIRST_WAIT if self.frames > before else min(2 * wait, _MAX_WAIT)
            self._waker.wait(wait)

    def _tell(self, sentence: str) -> None:
        if sentence != self._told and not self._stopping.is_set():
            log.warning("%s: %s; trying again", self._place, sentence)
        self._told = sentence

    def _send_all(self) -> None:
        """Send what there is until stop(), or an error: OSError, Refused."""
        with contextlib.suppress(Closed), self._variants.lease(PLAIN) as variant:
            latest = variant.latest
            latest.listen(self._waker.wake)
            try:
                with latest.subscribed():
                    self._follow(latest)
            finally:
                latest.unlisten(self._waker.wake)
        self._sender.finish()

    def _follow(self, latest: LatestFrame) -> None:
        """Send each frame that there is time for; raises OSError, Refused, Closed."""
        # Nothing from before.
        wanted, sent, sent_at = latest.request_fresh(), -1, -math.inf
        while not self._stopping.is_set():
            self._sender.check()
            frame, as_of = latest.poll()
            again = sent_at + self._sender.repeat_seconds - time.monotonic()
            is_due = frame is not None and (frame.sequence != sent or again <= 0)
            if frame is not None and is_due and as_of >= wanted and self._can_send():
                self._send(frame)
                wanted, sent, sent_at = -math.inf, frame.sequence, time.monotonic()
                continue
            self._wait(is_due and as_of >= wanted, again if math.isfinite(again) else 1.0)

    def _can_send(self) -> bool:
        """Whether what was sent before is on its way: else a newer one may come meanwhile."""
        poll = select.poll()
        poll.register(self._sender.fileno(), select.POLLOUT)
        return bool(poll.poll(0))

    def _send(self, frame: Frame) -> None:
        if len(frame.data) > MAX_BYTES:
            if not self._is_too_large:
                log.warning("a picture has more than %d bytes, and is not sent", MAX_BYTES)
            self._is_too_large = True
            return
        self._sender.send(frame)
        self._is_too_large = False
        self.frames += 1
        self.bytes += len(frame.data)
        if self._told or self.frames == 1:
            again = " again" if self._told else ""
            log.info("sending %dx%d to %s%s", frame.width, frame.height, self._place, again)
            self._told = ""

    def _wait(self, for_room: bool, seconds: float) -> None:
        """Sleep until there is news: a frame, stop(), an answer, or room to send, if wanted."""
        poll = select.poll()
        poll.register(self._waker.fileno(), select.POLLIN)
        events = select.POLLIN | (select.POLLOUT if for_room else 0)
        poll.register(self._sender.fileno(), events)
        poll.poll(1000 * max(0.01, seconds))
        self._waker.clear()
