"""A multipart/x-mixed-replace body taken in byte by byte; nothing that RFC 2046 forbids passes.

Unlike ``mjpeg`` it knows both framings, never asks for more than has come, and looks into
the JPEGs too: each has to be exactly one, by its markers and for two decoders.
"""

import io
import re
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image
from xserver import Pixels

# RFC 2046, 5.1.1: what a boundary may be made of.
_KIND = re.compile(r"multipart/x-mixed-replace;boundary=([0-9A-Za-z'()+_,./:=?-]{1,70})")
# RFC 9110, 5.6.2: a token, and a value without blanks around it.
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([!-~](?:[ -~]*[!-~])?)\r\n")
_LONGEST_LINE = 998

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_RESTARTS = range(0xD0, 0xD8)


class StrictPart(NamedTuple):
    """One part: its headers, names in lower case, and its JPEG."""

    headers: dict[str, str]
    jpeg: bytes


class PartParser:
    """What has come of a body, and what may come next.

    A part without a length ends where the boundary stands, as the RFC has it; one with a
    length must end by it *and* by the boundary.
    """

    def __init__(self, content_type: str) -> None:
        match = _KIND.fullmatch(content_type)
        assert match, content_type
        self._line = f"--{match[1]}\r\n".encode()
        # The body begins with a boundary line; every other one has its CRLF before it.
        self._expect = bytearray(self._line)
        self._state: Callable[[int], None] = self._in_boundary
        self._taken = bytearray()
        self._headers: dict[str, str] = {}
        self._finished: StrictPart | None = None

    def feed(self, byte: int) -> StrictPart | None:
        """Take one byte; gives the part that it completes."""
        self._state(byte)
        finished, self._finished = self._finished, None
        return finished

    def _in_boundary(self, byte: int) -> None:
        assert byte == self._expect.pop(0), "something else than the boundary line"
        if not self._expect:
            self._state = self._in_headers

    def _in_headers(self, byte: int) -> None:
        self._taken.append(byte)
        assert len(self._taken) <= _LONGEST_LINE
        if byte != ord("\n"):
            return
        line, self._taken = bytes(self._taken), bytearray()
        if line == b"\r\n":
            assert self._headers.get("content-type") == "image/jpeg", self._headers
            self._state = self._in_body
            return
        match = _HEADER.fullmatch(line)
        assert match, line
        name = match[1].decode().lower()
        assert name not in self._headers, f"{name} came twice"
        self._headers[name] = match[2].decode()

    def _in_body(self, byte: int) -> None:
        self._taken.append(byte)
        length = self._headers.get("content-length")
        if length is None:
            delimiter = b"\r\n" + self._line
            if self._taken.endswith(delimiter):
                self._finish(self._taken[: -len(delimiter)])
                self._state = self._in_headers
        else:
            assert re.fullmatch("[1-9][0-9]*", length), length
            if len(self._taken) == int(length):
                # The boundary must follow: that is seen byte by byte from here on.
                self._finish(self._taken)
                self._expect += b"\r\n" + self._line
                self._state = self._in_boundary

    def _finish(self, body: bytearray) -> None:
        assert_one_jpeg(bytes(body))
        self._finished = StrictPart(self._headers, bytes(body))
        self._taken, self._headers = bytearray(), {}


def assert_one_jpeg(data: bytes) -> None:
    """See that data is one JPEG from SOI to EOI, and has no other within.

    Viewers cut it out of the stream by the first of these markers, wherever they stand.
    """
    assert data.startswith(bytes([0xFF, _SOI])), data[:4].hex()
    assert data.endswith(bytes([0xFF, _EOI])), data[-4:].hex()
    assert data.find(bytes([0xFF, _EOI])) == len(data) - 2, "an EOI in the middle"
    assert data.rfind(bytes([0xFF, _SOI])) == 0, "an SOI in the middle"
    at = 2
    while (marker := _marker(data, at)) != _SOS:
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    assert marker == _SOS
    at += 2 + int.from_bytes(data[at + 2 : at + 4])
    # Within the scan a marker byte is either stuffed or a restart.
    while (at := data.index(b"\xff", at)) != len(data) - 2:
        assert data[at + 1] == 0 or data[at + 1] in _RESTARTS, hex(data[at + 1])
        at += 2


def _marker(data: bytes, at: int) -> int:
    assert data[at] == 0xFF, f"no marker at {at}"
    assert data[at + 1] not in (0, 0xFF, _SOI, _EOI, *_RESTARTS), hex(data[at + 1])
    return data[at + 1]


def decoded_by_both(jpeg: bytes) -> Pixels:
    """Decode a JPEG by Pillow and by OpenCV, which must agree on its size; gives B, G, R."""
    with Image.open(io.BytesIO(jpeg)) as image:
        assert image.format == "JPEG"
        image.load()
        size = image.size
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    assert pixels.shape == (size[1], size[0], 3)
    return np.asarray(pixels, np.uint8)
