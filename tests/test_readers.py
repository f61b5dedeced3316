"""Programs and libraries that read the stream: one frame is enough to show them a change."""

import asyncio
import contextlib
import os
import select
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import aiohttp
import cv2
import mjpeg
import numpy as np
import pytest
from motion import moving, scatter
from program import TIMEOUT, Webcapd, webcapd
from resting import HEIGHT, WIDTH, Resting, is_full_of, resting
from strictparts import PartParser, StrictPart
from waiting import wait_until
from xserver import Pixels, XServer, xvfb

FRAME = WIDTH * HEIGHT * 3
# As http/streaming/quirks.py has it: each frame, and its repeats.
FFMPEG_TIMES = 4
# How long the proxy of Home Assistant waits for more.
HOME_ASSISTANT_SECONDS = 10
STREAM_KIND = "multipart/x-mixed-replace;boundary=webcapd-part"


@pytest.fixture
def scene() -> Iterator[Resting]:
    with resting() as running:
        yield running


class Command:
    """A program that writes what it reads to its standard output."""

    def __init__(self, *command: str, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )
        assert self.process.stdout is not None
        self._output = self.process.stdout.fileno()

    def some(self) -> bytes:
        """Wait for some of its output."""
        assert select.select([self._output], [], [], TIMEOUT)[0], "it shows nothing"
        data = os.read(self._output, 1 << 16)
        assert data, "it has ended"
        return data

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextlib.contextmanager
def command(
    *words: str, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Command]:
    running = Command(*words, environment=environment)
    try:
        yield running
    finally:
        running.end()


class StreamSaver:
    """A program that passes the stream's body on."""

    def __init__(self, process: Command) -> None:
        self._process = process
        self._parser = PartParser(STREAM_KIND)

    def wait_for(self, colour: int) -> None:
        """Read until a part is complete that is full of a colour."""
        shown = False
        while not shown:
            # All that has come is looked at: the next boundary too, as far as it is there.
            for part in filter(None, map(self._parser.feed, self._process.some())):
                shown = is_full_of(colour, mjpeg.decode(part.jpeg))


@pytest.mark.parametrize(
    "words",
    [
        ("curl", "-sSN"),
        ("curl", "-sSN", "--http1.0"),
        ("wget", "-qO-"),
    ],
    ids=" ".join,
)
def test_downloader_passes_a_change_on(scene: Resting, words: tuple[str, ...]) -> None:
    with command(*words, f"{scene.program.url}?stream") as process:
        saver = StreamSaver(process)
        saver.wait_for(scene.colour)
        for _ in range(2):
            with scene.one_change() as colour:
                saver.wait_for(colour)


def test_ffmpeg_decodes_a_change(scene: Resting) -> None:
    """One thread at either end: with more of them it keeps frames back for each."""
    with command(
        *("ffmpeg", "-nostdin", "-loglevel", "error", "-threads", "1"),
        *("-f", "mpjpeg", "-i", f"{scene.program.url}?stream", "-fps_mode", "passthrough"),
        *("-threads", "1", "-f", "rawvideo", "-pix_fmt", "bgr24", "-flush_packets", "1", "-"),
    ) as process:
        unread = b""

        def wait_for(colour: int) -> None:
            nonlocal unread
            shown = False
            while not shown:
                while len(unread) < FRAME:
                    unread += process.some()
                frame, unread = unread[:FRAME], unread[FRAME:]
                shown = is_full_of(colour, np.frombuffer(frame, np.uint8).reshape(-1, 3))

        wait_for(scene.colour)
        for _ in range(3):
            with scene.one_change(times=FFMPEG_TIMES) as colour:
                wait_for(colour)


def test_ffplay_paints_a_change(scene: Resting) -> None:
    with xvfb(640, 480) as desk:
        environment = {"DISPLAY": desk.name, "SDL_VIDEODRIVER": "x11", "SDL_AUDIODRIVER": "dummy"}
        words = ("ffplay", "-loglevel", "error", "-f", "mpjpeg", f"{scene.program.url}?stream")

        def wait_for(colour: int) -> None:
            # Its window is in the middle of the screen.
            wanted = f"ffplay shows {colour:06x}"
            wait_until(wanted, lambda: is_full_of(colour, desk.pixels()[200:280, 280:360]))

        with command(*words, environment=environment):
            wait_for(scene.colour)
            for _ in range(3):
                with scene.one_change(times=FFMPEG_TIMES) as colour:
                    wait_for(colour)


class Capture:
    """OpenCV's reader, in a thread that is always about to read the next frame."""

    def __init__(self, url: str) -> None:
        self._capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG)
        assert self._capture.isOpened()
        self._latest: Pixels = np.zeros((0, 0, 3), np.uint8)
        self._thread = threading.Thread(target=self._run, name="opencv", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            success, pixels = self._capture.read()
            if not success:
                return
            self._latest = np.asarray(pixels, np.uint8)

    def wait_for(self, colour: int) -> None:
        wanted = f"OpenCV shows {colour:06x}"
        wait_until(wanted, lambda: self._latest.size and is_full_of(colour, self._latest))

    def wait_for_end(self) -> None:
        self._thread.join(TIMEOUT)
        assert not self._thread.is_alive()
        self._capture.release()


def test_opencv_reads_a_change() -> None:
    with resting() as scene:
        capture = Capture(f"{scene.program.url}?stream")
        capture.wait_for(scene.colour)
        for _ in range(3):
            with scene.one_change(times=FFMPEG_TIMES) as colour:
                capture.wait_for(colour)
        # The end of the stream is the end of its frames, and not of the program.
        scene.program.stop()
        capture.wait_for_end()


def test_curl_that_has_enough_is_forgotten(server: XServer) -> None:
    with (
        webcapd("--display", server.name, "--keepalive", "0.5") as program,
        moving(server, scatter),
    ):
        for length in (1, 300, 20_000):
            # curl ends when nobody takes what it writes, as with a file that is full.
            words = f"curl -sSN '{program.url}?stream' | head -c {length}"
            done = subprocess.run(["bash", "-c", words], capture_output=True, timeout=TIMEOUT)
            assert len(done.stdout) == length
        wait_until("nobody streams", lambda: not program.info()["clients"])


def test_wget_saves_a_snapshot_and_asks_for_heads(server: XServer, tmp_path: Path) -> None:
    with webcapd("--display", server.name) as program:
        path = tmp_path / "screen.jpg"
        run = ["wget", "-qO", str(path), f"{program.url}?snapshot"]
        subprocess.run(run, check=True, timeout=TIMEOUT)
        seen = mjpeg.decode(path.read_bytes())
        assert np.array_equal(seen, mjpeg.decode(mjpeg.encode(server.pixels())))
        for page in ("", "?stream", "?snapshot", "?info", "?health"):
            run = ["wget", "-q", "--spider", program.url + page]
            subprocess.run(run, check=True, timeout=TIMEOUT)
        assert not program.info()["clients"]


@contextlib.asynccontextmanager
async def fetched(
    program: Webcapd, target: str = "?stream", seconds: float = TIMEOUT
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Ask by aiohttp, as Home Assistant does; it waits for some seconds at a time."""
    patience = aiohttp.ClientTimeout(total=None, sock_read=seconds)
    async with (
        aiohttp.ClientSession(timeout=patience) as session,
        session.get(program.url + target) as response,
    ):
        assert response.status == 200
        yield response


def test_multipart_reader_of_aiohttp_gets_a_change(scene: Resting) -> None:
    async def picture(parts: aiohttp.MultipartReader) -> Pixels:
        part = await parts.next()
        assert isinstance(part, aiohttp.BodyPartReader)
        assert part.headers["Content-Type"] == "image/jpeg"
        return mjpeg.decode(bytes(await part.read()))

    async def watch() -> None:
        async with fetched(scene.program) as response:
            parts = aiohttp.MultipartReader(response.headers, response.content)
            assert is_full_of(scene.colour, await picture(parts))
            for _ in range(3):
                with scene.one_change() as colour:
                    assert is_full_of(colour, await picture(parts))

    asyncio.run(watch())


async def first_jpeg(content: aiohttp.StreamReader) -> bytes:
    """Cut out what Home Assistant takes for the picture: the first end there is, and the start."""
    data = b""
    while (end := data.find(b"\xff\xd9")) < 0 or (start := data.find(b"\xff\xd8")) < 0:
        data += await content.read(102400)
    return data[start : end + 2]


@pytest.mark.parametrize("advance", ["", "&advance=1"], ids=["exact", "advance"])
def test_reader_that_looks_for_markers_gets_a_picture(scene: Resting, advance: str) -> None:
    async def watch() -> None:
        for _ in range(3):
            colour = scene.change()
            async with fetched(scene.program, "?stream" + advance) as response:
                assert is_full_of(colour, mjpeg.decode(await first_jpeg(response.content)))

    asyncio.run(watch())


def test_proxy_with_a_read_timeout_goes_on_at_rest(server: XServer) -> None:
    """Home Assistant's ends the stream after ten silent seconds: takes one heartbeat's time."""

    async def watch() -> None:
        # Longer than it would wait, by what a busy machine may take; less than two heartbeats.
        async with fetched(program, seconds=2 * HOME_ASSISTANT_SECONDS - 3) as response:
            parts = PartParser(response.headers["Content-Type"])
            seen: list[StrictPart] = []
            while len(seen) < 2:
                seen += filter(None, map(parts.feed, await response.content.read(102400)))
            assert seen[0] == seen[1]

    with webcapd("--display", server.name) as program:
        assert program.info()["config"]["keepalive"] <= HOME_ASSISTANT_SECONDS - 1
        asyncio.run(watch())
