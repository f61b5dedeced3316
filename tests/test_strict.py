"""The whole body of a stream, byte by byte, through all that can happen to a screen."""

import time
from collections.abc import Iterator

import mjpeg
import numpy as np
import pytest
from mortal import MortalServer, mortal_server
from motion import moving, scatter
from painter import painter
from program import TIMEOUT, webcapd
from rawhttp import RawClient, raw
from resizing import resize
from strictparts import PartParser, StrictPart, decoded_by_both
from xserver import Pixels, XServer

BOUNDARY = b"--cut\r\n"
KIND = "multipart/x-mixed-replace;boundary=cut"
JPEG = mjpeg.encode(np.zeros((8, 8, 3), np.uint8))
LENGTH = b"Content-Length: %d\r\n" % len(JPEG)
TYPE = b"Content-Type: image/jpeg\r\n"


class StrictViewer:
    """Follows a stream by the byte."""

    def __init__(self, client: RawClient, target: str) -> None:
        self._client = client
        client.request(target)
        head = client.head()
        assert head.code == 200
        self._parser = PartParser(head.headers["content-type"])

    def part(self) -> StrictPart:
        while (part := self._parser.feed(self._client.exactly(1)[0])) is None:
            pass
        return part

    def until(self, wanted: Pixels) -> None:
        """Read until a part is this very picture."""
        deadline = time.monotonic() + TIMEOUT
        while not np.array_equal(self.picture(), wanted):
            assert time.monotonic() < deadline, "the picture did not come"

    def picture(self) -> Pixels:
        part = self.part()
        pixels = mjpeg.decode(part.jpeg)
        assert decoded_by_both(part.jpeg).shape == pixels.shape
        return pixels


def expected(server: XServer) -> Pixels:
    return mjpeg.decode(mjpeg.encode(server.pixels()))


@pytest.fixture
def mortal() -> Iterator[MortalServer]:
    with mortal_server() as server:
        server.start_xvfb(160, 120)
        yield server


@pytest.mark.parametrize("advance", [0, 1], ids=["exact", "advance"])
def test_every_byte_is_right_whatever_happens_to_the_screen(
    mortal: MortalServer, advance: int
) -> None:
    with (
        webcapd("--display", mortal.name, "--keepalive", "0.5", "--fps", "120") as program,
        raw(program) as client,
    ):
        viewer = StrictViewer(client, f"/?stream&advance={advance}")
        with moving(mortal, scatter):
            for _ in range(20):
                viewer.picture()
        with painter(mortal) as brush:
            brush.noise(1)
            viewer.until(expected(mortal))
            # The screen rests: what comes now is the heartbeat.
            assert viewer.part().jpeg == viewer.part().jpeg
            for width, height in ((97, 33), (160, 120), (1, 1), (160, 119)):
                resize(brush.display, width, height)
                brush.noise(width)
                viewer.until(expected(mortal))
        live = viewer.picture()
        mortal.kill()
        while np.array_equal(placeholder := viewer.picture(), live):
            pass
        assert placeholder.shape == live.shape
        mortal.start_xvfb(64, 48)
        with painter(mortal) as brush:
            brush.noise(2)
            viewer.until(expected(mortal))


def parts_of(body: bytes) -> list[StrictPart]:
    parser = PartParser(KIND)
    return [part for part in map(parser.feed, body) if part]


@pytest.mark.parametrize("length", [b"", LENGTH], ids=["without length", "with length"])
def test_right_bodies_pass(length: bytes) -> None:
    body = BOUNDARY + (TYPE + length + b"\r\n" + JPEG + b"\r\n" + BOUNDARY) * 3
    assert [part.jpeg for part in parts_of(body)] == [JPEG] * 3


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n" + BOUNDARY,
        b"--cut \r\n",
        b"--other\r\n",
        b"--cut\n",
        BOUNDARY + b"Content-Type: image/jpeg\n\r\n",
        BOUNDARY + b"Content-Type : image/jpeg\r\n\r\n",
        BOUNDARY + b"Content-Type:image/jpeg\r\n\r\n",
        BOUNDARY + b"Content-Type: image/jpeg; q=1\r\n\r\n",
        BOUNDARY + TYPE + b"no colon\r\n\r\n",
        BOUNDARY + TYPE + TYPE + b"\r\n",
        BOUNDARY + LENGTH + b"\r\n",
        BOUNDARY + TYPE + b"Content-Length: 0\r\n\r\n" + JPEG,
        BOUNDARY + TYPE + LENGTH + b"\r\n" + JPEG + BOUNDARY,
        BOUNDARY + TYPE + LENGTH + b"\r\n" + JPEG + b"\n" + BOUNDARY,
        BOUNDARY + TYPE + LENGTH + b"\r\n" + JPEG[:-1] + b"\r\n" + BOUNDARY,
        BOUNDARY + TYPE + LENGTH + b"\r\n" + JPEG + b"\0\r\n" + BOUNDARY,
        BOUNDARY + TYPE + b"\r\n" + JPEG + b"\0\r\n" + BOUNDARY,
        BOUNDARY + TYPE + b"\r\n" + JPEG[:-2] + b"\r\n" + BOUNDARY,
        BOUNDARY + TYPE + b"\r\n" + JPEG + JPEG + b"\r\n" + BOUNDARY,
        BOUNDARY + TYPE + b"\r\n" + JPEG[:2] + JPEG + b"\r\n" + BOUNDARY,
        BOUNDARY + TYPE + b"\r\n\r\n" + BOUNDARY,
    ],
)
def test_wrong_bodies_are_told(body: bytes) -> None:
    """Else the tests above would see nothing."""
    with pytest.raises(AssertionError):
        parts_of(body)
