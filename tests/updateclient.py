"""A client of updates over HTTP, with the reference reader, in a thread of its own."""

import contextlib
import http.client
import threading
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from program import TIMEOUT, Webcapd, dashed
from updatereader import UpdateReader
from waiting import wait_until
from xserver import Pixels

TYPE = "application/vnd.webcapd.updates"


class UpdateClient:
    """Reads updates, strictly, until it is closed or they end."""

    def __init__(
        self,
        connection: http.client.HTTPConnection,
        query: str = "",
        on_mark: Callable[[UpdateReader], None] = lambda reader: None,
        path: str = "/",
        reader: UpdateReader | None = None,
        **headers: str,
    ) -> None:
        """Ask; ``on_mark`` is called in the reader's thread.

        ``reader`` is one that goes on.
        """
        self.reader = reader or UpdateReader()
        self.reader.on_mark = lambda: self._mark(on_mark)
        self.reader.begin()
        self.marks = self.bytes = 0
        self.lags: list[float] = []
        """Arrival of each mark less its capture, in seconds."""
        self.latest: Pixels = np.zeros((0, 0, 3), np.uint8)
        """B, G, R as of the last mark."""
        self._failure: BaseException | None = None
        self._connection = connection
        connection.request("GET", f"{path}?updates{query}", headers=dashed(headers))
        self._socket = connection.sock
        self._response = connection.getresponse()
        self.status, self.headers = self._response.status, self._response.headers
        assert self.status == 200, self._response.read()
        self._thread = threading.Thread(target=self._run, name="updates", daemon=True)
        self._thread.start()

    def _mark(self, on_mark: Callable[[UpdateReader], None]) -> None:
        self.lags.append(time.time() - self.reader.captured / 1e6)
        self.latest = self.reader.picture[..., ::-1].copy()
        on_mark(self.reader)
        # Last: whoever waits for it finds all the rest.
        self.marks += 1

    def _run(self) -> None:
        try:
            while data := self._response.read1(1 << 16):
                self.bytes += len(data)
                self.reader.feed(data)
        except (OSError, http.client.HTTPException):
            pass
        except BaseException as error:
            self._failure = error

    def check(self) -> bool:
        """See that all has been well so far; gives True."""
        if self._failure is not None:
            raise self._failure
        return True

    def wait_for(self, wanted: Callable[[], Pixels], tolerance: float = 0.0) -> None:
        """Wait until what it shows is this, or near that on average."""

        def shows() -> bool:
            self.check()
            pixels, latest = wanted(), self.latest
            if latest.shape != pixels.shape:
                return False
            return float(cv2.absdiff(latest, pixels).mean()) <= tolerance

        wait_until(f"the picture, after {self.marks} marks", shows)

    def wait_for_mark(self, after: int) -> None:
        """Wait until there have been more marks than so many."""
        wait_until("another mark", lambda: self.check() and self.marks > after)

    def wait_for_end(self) -> str:
        """Wait for the end; gives the reason."""
        self._thread.join(TIMEOUT)
        assert not self._thread.is_alive(), "the updates do not end"
        self.check()
        return str(self.reader.end.get("reason", ""))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(2)
        self._thread.join(TIMEOUT)
        self._response.close()
        self._socket.close()
        self._connection.close()
        self.check()


@contextlib.contextmanager
def updates(
    program: Webcapd,
    query: str = "",
    on_mark: Callable[[UpdateReader], None] = lambda reader: None,
    reader: UpdateReader | None = None,
    **headers: str,
) -> Iterator[UpdateClient]:
    """Read the updates of a webcapd."""
    client = UpdateClient(program.connect(), query, on_mark, reader=reader, **headers)
    try:
        yield client
    finally:
        client.close()
