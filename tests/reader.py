"""A viewer in a thread of its own: it looks at all that comes while a test does other things."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import mjpeg
import numpy as np
from program import TIMEOUT, Webcapd
from waiting import wait_until
from xserver import Pixels


class Reader:
    """Decodes every part of a stream, strictly."""

    def __init__(self, stream: mjpeg.Stream, inspect: Callable[[Pixels], None]) -> None:
        self._stream = stream
        self._inspect = inspect
        self.parts = 0
        self.sizes: set[tuple[int, int]] = set()
        """Width and height of all pictures so far."""
        self.latest = np.zeros((0, 0, 3), np.uint8)
        self._failure: BaseException | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                picture = mjpeg.decode(self._stream.part().body)
                self._inspect(picture)
                height, width = picture.shape[:2]
                self.sizes.add((width, height))
                self.latest = picture
                self.parts += 1
        except BaseException as error:
            self._failure = error

    def check(self) -> bool:
        """See that all has been well so far; gives True."""
        if self._failure is not None:
            raise self._failure
        return True

    def wait_for(self, wanted: Pixels) -> None:
        """Wait until the newest picture is this very one."""
        wait_until(
            f"the picture, after {self.parts} parts",
            lambda: self.check() and np.array_equal(self.latest, wanted),
        )

    def end(self) -> None:
        """Stop reading, at the next part: a screen that rests sends one now and then."""
        self._ended.set()
        self._thread.join(TIMEOUT)
        assert not self._thread.is_alive(), "the stream fell silent"
        self.check()


@contextmanager
def reader(
    program: Webcapd, inspect: Callable[[Pixels], None] = lambda picture: None
) -> Iterator[Reader]:
    """Read the stream of a webcapd that runs with a short --keepalive.

    ``inspect`` gets each picture, in the reader's thread.
    """
    with mjpeg.stream(program) as stream:
        reading = Reader(stream, inspect)
        yield reading
        reading.end()
