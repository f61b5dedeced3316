"""Programs that people really watch with, each on a real screen that changes."""

import itertools
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import mjpeg
import numpy as np
import pytest
from browser import Browser, chromium
from motion import moving
from painter import Painter, painter
from program import TIMEOUT, Webcapd, webcapd
from waiting import wait_until
from xserver import Pixels, XServer, xvfb

# Far enough from each other to be told apart after JPEG.
COLOURS = [r << 16 | g << 8 | b for r, g, b in itertools.product((0, 120, 240), repeat=3)]
TOLERANCE = 12


def colour_of(pixels: Pixels) -> int | None:
    """Tell which of COLOURS a B, G, R picture is full of, if it is of one."""
    for colour in COLOURS:
        wanted = [colour & 0xFF, colour >> 8 & 0xFF, colour >> 16]
        if np.abs(pixels.astype(int) - wanted).max() <= TOLERANCE:
            return colour
    return None


def walk_through_colours(brush: Painter, number: int) -> None:
    brush.fill(COLOURS[number % len(COLOURS)])


def run(*command: str | Path) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(command, capture_output=True, timeout=2 * TIMEOUT, check=False)


@pytest.fixture
def small() -> Iterator[XServer]:
    """Run an X server of 160x120 for one test."""
    with xvfb(160, 120) as running:
        yield running


def test_curl_saves_a_snapshot_of_the_screen(server: XServer, tmp_path: Path) -> None:
    with webcapd("--display", server.name) as program, painter(server) as brush:
        brush.noise(1)
        done = run("curl", "-sSfo", tmp_path / "screen.jpg", f"{program.url}?snapshot")
        assert done.returncode == 0, done.stderr
        seen = mjpeg.decode((tmp_path / "screen.jpg").read_bytes())
        assert np.array_equal(seen, mjpeg.decode(mjpeg.encode(server.pixels())))


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        ("?snapshot", "image/jpeg"),
        ("?stream", "multipart/x-mixed-replace;boundary="),
        ("?info", "application/json"),
        ("", "text/html"),
    ],
)
def test_curl_gets_the_headers_alone(server: XServer, page: str, kind: str) -> None:
    with webcapd("--display", server.name) as program:
        done = run("curl", "-sSI", program.url + page)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.decode().split("\r\n")
        assert lines[0] == "HTTP/1.1 200 OK"
        assert any(line.startswith(f"Content-Type: {kind}") for line in lines), lines
        assert lines[-2:] == ["", ""]
        assert program.info()["stats"]["sessionCount"] == 0


def test_curl_reads_the_stream_for_a_while(small: XServer) -> None:
    with (
        webcapd("--display", small.name) as program,
        moving(small, walk_through_colours),
    ):
        command = ("curl", "-sSN", "--max-time", str(2 * TIMEOUT), f"{program.url}?stream")
        pipe = subprocess.PIPE
        with subprocess.Popen(command, bufsize=0, stdout=pipe, stderr=pipe) as curl:
            assert curl.stdout is not None and curl.stderr is not None
            boundary, body = curl.stdout.readline(), b""
            while body.count(boundary) < 20:
                piece = curl.stdout.read(1 << 16)
                assert piece, curl.stderr.read()
                body += piece
            curl.terminate()
            assert not curl.stderr.read()
        # The last one may be cut off.
        parts = body.split(boundary)[:-1]
        pictures = [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts]
        assert None not in [colour_of(mjpeg.decode(picture)) for picture in pictures]


def test_ffmpeg_sees_the_colours_drawn(small: XServer) -> None:
    with (
        # If nothing is drawn for a while, no frame is sent again all the same.
        webcapd("--display", small.name, "--keepalive", "9") as program,
        moving(small, walk_through_colours),
    ):
        done = run(
            *("ffmpeg", "-nostdin", "-loglevel", "error"),
            *("-f", "mpjpeg", "-i", f"{program.url}?stream", "-frames:v", "20"),
            *("-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "bgr24", "-"),
        )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    frames = np.frombuffer(done.stdout, np.uint8).reshape(20, 120, 160, 3)
    colours = [colour_of(frame) for frame in frames]
    assert None not in colours
    # ffmpeg is sent a frame three times more where the next one comes late.
    assert len(list(itertools.groupby(colours))) >= 3


def test_opencv_follows_the_screen(small: XServer) -> None:
    with webcapd("--display", small.name, "--keepalive", "0.5") as program:
        # It looks at some frames before it gives the first.
        with moving(small, walk_through_colours):
            capture = cv2.VideoCapture(f"{program.url}?stream", cv2.CAP_FFMPEG)
        try:
            assert capture.isOpened()
            with painter(small) as brush:
                for colour in (0xF00000, 0x00F000, 0x0000F0):
                    brush.fill(colour)

                    def shown(wanted: int = colour) -> bool:
                        success, pixels = capture.read()
                        assert success
                        return colour_of(np.asarray(pixels, np.uint8)) == wanted

                    wait_until(f"a frame of {colour:06x}", shown)
        finally:
            capture.release()


# Of the stream's own origin: else its pixels could not be read.  It asks for nothing by itself.
_BARE_PAGE = "page/index.css"

_WITH_IMAGE = """
    const image = document.createElement("img");
    image.id = "screen";
    image.src = "/?stream";
    document.body.append(image);
"""


class Page:
    """A page with an image that is the stream, in a browser."""

    def __init__(self, browser: Browser, program: Webcapd) -> None:
        self._browser, self._program = browser, program
        browser.visit(f"{program.url}{_BARE_PAGE}")
        wait_until(
            "the page",
            lambda: browser.evaluate(
                "location.pathname.startsWith('/page/') && document.body !== null"
            ),
        )
        browser.evaluate(_WITH_IMAGE)

    def wait_for(self, colour: int) -> None:
        """Wait until the middle of the screen's image has a colour."""
        wanted = np.array((colour >> 16, colour >> 8 & 0xFF, colour & 0xFF))

        def shown() -> bool:
            pixel = self._browser.middle_pixel("#screen")
            return pixel is not None and bool(np.abs(wanted - pixel).max() <= TOLERANCE)

        wait_until(f"the browser shows {colour:06x}", shown)

    def frames_sent(self, least: int) -> int:
        """Give how many there were; what has come is counted a little later."""

        def counted() -> int:
            (client,) = self._program.info()["clients"]
            frames: int = client["frames"]
            return frames if frames >= least else 0

        return wait_until("it is counted", counted)


@contextmanager
def page_of(server: XServer, profile: Path) -> Iterator[Page]:
    with (
        webcapd("--display", server.name, "--keepalive", "9") as program,
        chromium(profile) as browser,
    ):
        yield Page(browser, program)


def test_browser_paints_each_change_without_another_frame(server: XServer, tmp_path: Path) -> None:
    with painter(server) as brush:
        brush.fill(0xF00000)
        with page_of(server, tmp_path) as page:
            page.wait_for(0xF00000)
            sent = page.frames_sent(1)
            for colour in (0x00F000, 0x0000F0, 0xF0F000):
                brush.fill(colour)
                page.wait_for(colour)
                before, sent = sent, page.frames_sent(sent + 1)
                assert sent == before + 1
