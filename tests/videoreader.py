"""Reads ``/?video``: takes the boxes apart, and decodes what is in them."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from typing import NamedTuple

import av
import numpy as np
from program import TIMEOUT, Webcapd
from rawhttp import Head
from waiting import wait_until
from xserver import Pixels

CHUNK = 4096


class Fragment(NamedTuple):
    """A frame, as it came."""

    sequence: int
    time: int
    duration: int
    is_key: bool


class VideoReader:
    """Reads a video at a bounded rate, in a thread of its own, which check() looks after."""

    def __init__(self, program: Webcapd, query: str = "", bytes_per_second: float = 0) -> None:
        self._socket = socket.socket()
        if bytes_per_second:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        self._socket.connect((program.host, program.port))
        self._socket.settimeout(TIMEOUT)
        self._socket.sendall(f"GET /?video{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self.bytes_per_second = bytes_per_second
        """0 for as many as come."""
        self._unread = b""
        self._closing = threading.Event()
        self.head = Head(self._until(b"\r\n\r\n"))
        self.fragments: list[Fragment] = []
        self.empty = 0
        """How many boxes without content came."""
        self.init: dict[str, bytes] = {}
        self.picture: Pixels | None = None
        """B, G, R."""
        self.failure: BaseException | None = None
        self.ended = threading.Event()
        self._decoder = av.CodecContext.create("h264", "r")
        self._decoder.thread_count = 1
        self._thread = threading.Thread(target=self._run, name="video-reader")
        if self.head.code == 200:
            self._thread.start()

    def close(self) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread.ident is not None:
            self._thread.join(TIMEOUT)
        self._socket.close()

    def check(self) -> None:
        """Raise what the thread ended by, if that was no end of the response."""
        if self.failure is not None:
            raise self.failure

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns and 3; empty while there is no picture."""
        self.check()
        return () if self.picture is None else self.picture.shape

    def picture_bytes(self) -> bytes:
        """Give all of the picture, to be compared."""
        self.check()
        return b"" if self.picture is None else self.picture.tobytes()

    def wait_for(self, what: Pixels, least: float = 30) -> None:
        """Wait until the picture is like another, by so many dB."""
        wait_until(f"the video shows it within {least} dB", lambda: self._is_like(what, least))

    def _is_like(self, what: Pixels, least: float) -> bool:
        self.check()
        return self.picture is not None and psnr(self.picture, what) >= least

    def _run(self) -> None:
        try:
            while True:
                self._read_box()
        except (EOFError, OSError):
            pass
        except BaseException as error:
            self.failure = error
        finally:
            self.ended.set()

    def _receive(self) -> None:
        if self.bytes_per_second:
            # This pause is what a slow line is; nothing is synchronised by it.
            self._closing.wait(CHUNK / self.bytes_per_second)
        data = self._socket.recv(CHUNK if self.bytes_per_second else 1 << 20)
        if not data:
            raise EOFError
        self._unread += data

    def _until(self, end: bytes) -> bytes:
        while end not in self._unread:
            self._receive()
        head, _, self._unread = self._unread.partition(end)
        return head + end

    def _exactly(self, size: int) -> bytes:
        while len(self._unread) < size:
            self._receive()
        found, self._unread = self._unread[:size], self._unread[size:]
        return found

    def _read_box(self) -> None:
        size, name = struct.unpack(">I4s", self._exactly(8))
        content = self._exactly(size - 8)
        if name == b"free":
            self.empty += 1
        elif name == b"moof":
            sequence = struct.unpack_from(">I", content, 12)[0]
            time = struct.unpack_from(">Q", content, content.index(b"tfdt") + 8)[0]
            duration, _, flags = struct.unpack_from(">3I", content, content.index(b"trun") + 16)
            self._next = Fragment(sequence, time, duration, not flags & 0x10000)
        elif name == b"mdat":
            self._decode(content)
            self.fragments.append(self._next)
        else:
            self.init[name.decode()] = content
            if name == b"moov":
                self._decoder.extradata = _content_of(content, b"avcC")

    def _decode(self, sample: bytes) -> None:
        (frame,) = self._decoder.decode(av.Packet(sample))
        self.picture = frame.to_ndarray(format="bgr24").astype(np.uint8)


def _content_of(boxes: bytes, name: bytes) -> bytes:
    at = boxes.index(name)
    size = struct.unpack_from(">I", boxes, at - 4)[0]
    return boxes[at + 4 : at - 4 + size]


def psnr(one: Pixels, other: Pixels) -> float:
    """Give the likeness of two pictures in dB; of pictures of different sizes, minus infinity."""
    if one.shape[:2] != other.shape[:2]:
        return -np.inf
    error = np.square(one[:, :, :3].astype(float) - other[:, :, :3]).mean()
    return float("inf") if not error else float(10 * np.log10(255**2 / error))


@contextlib.contextmanager
def video(program: Webcapd, query: str = "", bytes_per_second: float = 0) -> Iterator[VideoReader]:
    reader = VideoReader(program, query, bytes_per_second)
    try:
        yield reader
        reader.check()
    finally:
        reader.close()
