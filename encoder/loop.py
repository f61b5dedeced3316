"""The encoder thread: it owns everything that touches pixels.

It sleeps until there is damage, demand or a moment due; looks; encodes what
changed; publishes.  When nobody watches it sleeps through all damage: the X
server gathers that up, and the first look afterwards catches up at once.
"""

import contextlib
import logging
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping

from webcapd.capture.source import Source, SourceChanged
from webcapd.encoder.bandcoder import BandCoder
from webcapd.encoder.bandedjpeg import BandedJpeg
from webcapd.encoder.frame import Frame
from webcapd.encoder.latest import LatestFrame
from webcapd.encoder.options import EncoderOptions
from webcapd.encoder.pace import Pace
from webcapd.encoder.rate import Rate

log = logging.getLogger(__name__)


class Encoder:
    """Turns a source into the newest frame, for as long as somebody wants it.

    start(), stop() and join() are for the main thread; latest, rate and
    status() for any.
    """

    def __init__(
        self,
        source: Source,
        options: EncoderOptions,
        on_failure: Callable[[Exception], None],
    ) -> None:
        """``on_failure`` is called in the encoder thread when it ends by an error.

        Raises CoderError.
        """
        self._source = source
        self._coder = BandCoder()
        self._on_failure = on_failure
        self._jpeg = BandedJpeg(self._coder, options.jpeg_quality, options.subsampling)
        self._pace = Pace(options.target_fps)
        self._sequence = 0  # Encoder thread only.
        self._size = (0, 0)  # Written by the encoder thread only, replaced whole.
        self._stopping = threading.Event()
        self._opened = threading.Event()
        self._failure: Exception | None = None  # Set before _opened.
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self._ear, self._bell = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)
        self.latest = LatestFrame(self._wake)
        self.rate = Rate()

    def start(self) -> tuple[int, int]:
        """Start the thread; returns the size of the screen once it is open.

        Raises SourceError if it cannot be opened.
        """
        self._thread.start()
        self._opened.wait()
        if self._failure is not None:
            raise self._failure
        return self._size

    def stop(self) -> None:
        """Ask the thread to end; returns at once."""
        self._stopping.set()
        self._wake()

    def join(self, timeout: float) -> bool:
        """Wait for the end; tells whether it came in time."""
        if self._thread.ident is not None:
            self._thread.join(timeout / 2)
            if self._thread.is_alive():
                # Only a server that does not answer can hold it up.
                self._source.interrupt()
                self._thread.join(timeout / 2)
        return not self._thread.is_alive()

    def status(self) -> Mapping[str, object]:
        """Tell what ``/?info`` says of the encoder."""
        return {"bandsCoded": self._jpeg.bands_coded, "frames": self._sequence}

    def _wake(self) -> None:
        """Wake the thread from its sleep; from any thread."""
        # It fails when the pair is full: then the thread is waking already.
        with contextlib.suppress(OSError):
            self._bell.send(b"\0")

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._serve_source()
        except Exception as error:
            self._failure = error
            self._on_failure(error)
        finally:
            self._opened.set()
            self.latest.close()
            self._coder.close()

    def _serve_source(self) -> None:
        """Serve from one opening of the source until it changes or all ends."""
        try:
            self._source.open()
            frame_buffer = self._source.frame_buffer
            self._size = (frame_buffer.width, frame_buffer.height)
            self._opened.set()
            self._serve()
        except SourceChanged:
            log.info("the screen has a new size")
        finally:
            self._source.close()

    def _serve(self) -> None:
        news = True
        poller = select.poll()
        poller.register(self._ear, select.POLLIN)
        poller.register(self._source.fileno(), select.POLLIN)
        while not self._stopping.is_set():
            news = self._source.pending() or news
            followed, awaited = self.latest.demand()
            now = time.monotonic()
            wait = self._pace.wait(now) if awaited or (followed and news) else None
            if wait == 0:
                self._pace.looked(now)
                self._look(now)
                news = False
            else:
                self._sleep(poller, wait)

    def _sleep(self, poller: "select.poll", seconds: float | None) -> None:
        """Sleep until something happens, or for some seconds at most."""
        poller.poll(None if seconds is None else seconds * 1000)
        with contextlib.suppress(BlockingIOError):
            self._ear.recv(4096)

    def _look(self, now: float) -> None:
        """Bring the frame up to date with the screen."""
        captured = time.time()
        changed = self._source.look()
        if not changed:
            self.latest.confirm(as_of=now)
            return
        jpeg = self._jpeg.update(self._source.frame_buffer)
        self._sequence += 1
        width, height = self._size
        frame = Frame(self._sequence, jpeg, width, height, captured, time.monotonic() - now)
        self.rate.tick()
        self.latest.publish(frame, as_of=now)
