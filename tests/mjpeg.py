"""A strict reader of multipart/x-mixed-replace, written from RFC 2046 and nothing of ours."""

import contextlib
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import BinaryIO

import cv2
import numpy as np
import turbojpeg
from program import NO_PICTURE, TIMEOUT, Webcapd, dashed
from xserver import Pixels

_TURBOJPEG = turbojpeg.TurboJPEG()

SAMPLING = {
    "444": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "422": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "420": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
}


def decode(jpeg: bytes) -> Pixels:
    """Decode a JPEG to B, G, R; any irregularity is an error."""
    pixels: Pixels = _TURBOJPEG.decode(jpeg, flags=turbojpeg.TJFLAG_STOPONWARNING)
    return pixels


def encode(pixels: Pixels, quality: int = 75, subsampling: str = "420") -> bytes:
    """Encode a whole B, G, R picture at once: the reference for the incremental encoder."""
    parameters = [cv2.IMWRITE_JPEG_QUALITY, quality]
    parameters += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLING[subsampling]]
    done, jpeg = cv2.imencode(".jpg", np.ascontiguousarray(pixels), parameters)
    assert done
    return jpeg.tobytes()


class Part:
    """One part: its headers, names in lower case, and its body."""

    def __init__(self, headers: dict[str, str], body: bytes) -> None:
        self.headers = headers
        self.body = body


class Stream:
    """A stream being read, part by part, with exact lengths."""

    def __init__(self, response: HTTPResponse) -> None:
        self.response = response
        self._file: BinaryIO = response
        kind = response.getheader("Content-Type", "")
        assert kind.startswith("multipart/x-mixed-replace;boundary="), kind
        self._boundary = b"--" + kind.partition("boundary=")[2].encode() + b"\r\n"
        assert self._file.readline() == self._boundary

    def part(self) -> Part:
        """Read one part and the boundary line behind it."""
        headers = {}
        while (line := self._file.readline()) != b"\r\n":
            assert line.endswith(b"\r\n"), line
            name, colon, value = line.decode().rstrip().partition(": ")
            assert colon, line
            headers[name.lower()] = value
        assert headers["content-type"] == "image/jpeg"
        length = int(headers["content-length"])
        assert length > 0
        body = self._file.read(length)
        assert len(body) == length, "the stream ended within a part"
        assert self._file.readline() == b"\r\n"
        assert self._file.readline() == self._boundary
        return Part(headers, body)

    def until(self, wanted: Pixels) -> int:
        """Read until a part decodes to these very pixels; returns how many parts it took."""
        deadline = time.monotonic() + TIMEOUT
        parts = 0
        while time.monotonic() < deadline:
            parts += 1
            if np.array_equal(decode(self.part().body), wanted):
                return parts
        raise AssertionError(f"the picture did not come, in {parts} parts")


@contextlib.contextmanager
def stream(program: Webcapd, path: str = "/?stream", **headers: str) -> Iterator[Stream]:
    """Open a stream of a running webcapd."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        with contextlib.closing(program.connect()) as connection:
            connection.request("GET", path, headers=dashed(headers))
            response = connection.getresponse()
            if response.status == 200:
                with response:
                    yield Stream(response)
                return
            refusal = response.read()
            assert refusal == NO_PICTURE and time.monotonic() < deadline, refusal
