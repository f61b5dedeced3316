"""Clients of names over HTTP, with the reference reader: they fetch what is named."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator

import numpy as np
from manifestreader import Fetch, ManifestReader, NameReader
from program import TIMEOUT, Webcapd
from updatetruth import TruthReader
from xserver import Pixels


def fetching(program: Webcapd) -> Fetch:
    """Give what fetches groups, each over a connection of its own."""

    def fetch(name: str) -> bytes:
        status, _, body = program.get(f"/tiles/{name}")
        if status != 200:
            raise LookupError(name)
        return body

    return fetch


class NamedTruth(TruthReader):
    """Takes a stream of names as others take updates."""

    def __init__(self, fetch: Fetch) -> None:
        super().__init__()
        self._names = NameReader(fetch, self)
        self._is_inside = False

    def feed(self, data: bytes) -> None:
        if self._is_inside:
            super().feed(data)
            return
        self._is_inside = True
        try:
            self._names.feed(data)
        finally:
            self._is_inside = False


class ManifestClient:
    """Follows manifests until it is closed, pausing before each."""

    def __init__(self, program: Webcapd, pause: float = 0.0) -> None:
        self._program, self._pause, self.marks = program, pause, 0
        self.names = ManifestReader(fetching(program), TruthReader())
        self.reader = self.names.reader
        self.latest: Pixels = np.zeros((0, 0, 3), np.uint8)
        self._failure: BaseException | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="manifests", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            path = "/manifest"
            while not self._stopping.is_set():
                status, body = self._ask(path)
                path = "/manifest"
                if status == 200:
                    # What is named is there for longer than a reader pauses.
                    self.names.read(body)
                    self.latest = self.reader.picture[..., ::-1].copy()
                    self.marks += 1
                    path = f"/manifest/{self.names.run}-{self.names.number}"
                    time.sleep(self._pause)
        except (OSError, http.client.HTTPException):
            pass
        except BaseException as error:
            self._failure = error

    def _ask(self, path: str) -> tuple[int, bytes]:
        with contextlib.closing(self._program.connect()) as self._connection:
            self._connection.request("GET", path)
            with self._connection.getresponse() as response:
                return response.status, response.read()

    def check(self) -> bool:
        """See that all has been well so far; gives True."""
        if self._failure is not None:
            raise self._failure
        return True

    def close(self) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError, AttributeError):
            # It may wait for another state.
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(TIMEOUT)
        self.check()


@contextlib.contextmanager
def manifests(program: Webcapd, pause: float = 0.0) -> Iterator[ManifestClient]:
    """Follow the manifests of a webcapd."""
    client = ManifestClient(program, pause)
    try:
        yield client
    finally:
        client.close()
