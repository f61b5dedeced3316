"""The stream's body, byte by byte."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.encoder.frame import Frame
from webcapd.http.streaming.multipart import (
    CONTENT_TYPE,
    EagerHeaderFraming,
    ExactFraming,
    Framing,
    framing_for,
)

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)
HEADLESS = CHROME.replace("Chrome/", "HeadlessChrome/")
EDGE = CHROME + " Edg/131.0.0.0"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.6 Safari/605.1.15"
)
CHROME_OF_IOS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1"
)

CHROME_IMAGE = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
FIREFOX_IMAGE = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
SAFARI_IMAGE = "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8"

# JPEGs may hold anything, a boundary too: exact lengths lead past it.
bodies = st.lists(
    st.binary(max_size=60) | st.just(b"\r\n--webcapd-part\r\n\r\n"), min_size=1, max_size=5
)


def frames_of(jpegs: list[bytes]) -> list[Frame]:
    return [
        Frame(n + 1, jpeg, "image/jpeg", 8, 8, 75, 1700000000.25 + n, 1700000000.5 + n)
        for n, jpeg in enumerate(jpegs)
    ]


def body_of(framing: Framing, frames: list[Frame]) -> bytes:
    """Give the body as the stream writes it."""
    parts = (framing.header(frame) + frame.data + framing.closing for frame in frames)
    return framing.opening + b"".join(parts)


class Reader:
    """Takes from the front of some bytes only what it expects there."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, length: int) -> bytes:
        assert length <= len(self.data)
        taken, self.data = self.data[:length], self.data[length:]
        return taken

    def expect(self, wanted: bytes) -> None:
        assert self.take(len(wanted)) == wanted

    def headers(self) -> dict[str, str]:
        head, blank, self.data = self.data.partition(b"\r\n\r\n")
        assert blank
        lines = [re.fullmatch(r"([A-Za-z-]+): (\S+)", line) for line in head.decode().split("\r\n")]
        return {line[1].lower(): line[2] for line in lines if line or pytest.fail(repr(head))}


def test_boundary_is_the_only_parameter_and_has_no_dashes_or_quotes() -> None:
    assert re.fullmatch(r"multipart/x-mixed-replace;boundary=[a-z][a-z-]*", CONTENT_TYPE)


def boundary_line() -> bytes:
    return b"--" + CONTENT_TYPE.partition("boundary=")[2].encode() + b"\r\n"


@settings(deadline=None)
@given(bodies)
def test_exact_body_is_read_by_lengths_alone(jpegs: list[bytes]) -> None:
    frames = frames_of(jpegs)
    reader = Reader(body_of(ExactFraming(), frames))
    reader.expect(boundary_line())
    for frame in frames:
        headers = reader.headers()
        assert headers["content-type"] == "image/jpeg"
        assert headers["x-timestamp"] == f"{frame.captured:.6f}"
        assert reader.take(int(headers["content-length"])) == frame.data
        reader.expect(b"\r\n" + boundary_line())
    assert reader.data == b""


@settings(deadline=None)
@given(bodies)
def test_advance_body_has_the_next_headers_right_behind_each_frame(jpegs: list[bytes]) -> None:
    frames = frames_of(jpegs)
    reader = Reader(body_of(EagerHeaderFraming(), frames))
    reader.expect(boundary_line())
    assert reader.headers() == {"content-type": "image/jpeg"}
    for frame in frames:
        reader.expect(frame.data + b"\r\n" + boundary_line())
        assert reader.headers() == {"content-type": "image/jpeg"}
    assert reader.data == b""


@pytest.mark.parametrize(
    ("accept", "agent", "framing"),
    [
        pytest.param(CHROME_IMAGE, CHROME, EagerHeaderFraming, id="Chrome img"),
        pytest.param(CHROME_IMAGE, HEADLESS, EagerHeaderFraming, id="headless Chrome img"),
        pytest.param(CHROME_IMAGE, EDGE, EagerHeaderFraming, id="Edge img"),
        pytest.param(" " + CHROME_IMAGE, CHROME, EagerHeaderFraming, id="blank before"),
        pytest.param("*/*", CHROME, ExactFraming, id="Chrome fetch"),
        pytest.param("text/html,image/webp,*/*;q=0.8", CHROME, ExactFraming, id="Chrome page"),
        pytest.param(FIREFOX_IMAGE, FIREFOX, ExactFraming, id="Firefox img"),
        pytest.param("*/*", FIREFOX, ExactFraming, id="Firefox fetch"),
        pytest.param(SAFARI_IMAGE, SAFARI, ExactFraming, id="Safari img"),
        pytest.param(SAFARI_IMAGE, CHROME_OF_IOS, ExactFraming, id="Chrome of iOS img"),
        pytest.param("*/*", "curl/7.88.1", ExactFraming, id="curl"),
        pytest.param("*/*", "Lavf/59.27.100", ExactFraming, id="ffmpeg"),
        pytest.param("", "", ExactFraming, id="nothing told"),
    ],
)
def test_framing_suits_the_client(
    accept: str, agent: str, framing: type[ExactFraming] | type[EagerHeaderFraming]
) -> None:
    assert isinstance(framing_for(accept, agent), framing)
    assert isinstance(framing_for(accept, agent, advance=True), EagerHeaderFraming)
    assert isinstance(framing_for(accept, agent, advance=False), ExactFraming)
