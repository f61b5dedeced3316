"""The live page plays video: by WebCodecs, and where plain http leaves it none, in a <video>."""

import base64
import contextlib
import itertools
import json
import threading
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from browser import Browser
from eitherbrowser import either
from faltering import faltering
from livepage import AnyBrowser, LivePage
from painter import Painter
from processes import tree
from scene import Scene, staged
from waiting import wait_until, wait_until_still
from xserver import Pixels

from webcapd.encoder.h264.boxes import TIMESCALE, fragment, init_segment, sample_of
from webcapd.encoder.h264.codec import H264Encoder

WIDTH, HEIGHT = 640, 360
AREA = 120, 80, 320, 200
# No secure context: pages of it have no WebCodecs.
NAME = "webcapd.test"

# On average: what JPEG leaves of a picture at rest, and what H.264 does.
JPEG, VIDEO = 2.0, 5.0


class Shown(NamedTuple):
    page: LivePage[AnyBrowser]
    url: str
    is_secure: bool


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with staged(WIDTH, HEIGHT, "--allow-host", NAME) as one:
        one.brush.fill(0x30405A)
        yield one


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, scene: Scene
) -> Iterator[AnyBrowser]:
    """Give a browser; it ends before what it shows, as pages complain of a server that is gone."""
    profile = tmp_path_factory.mktemp("profile")
    with either(request.param, profile, f"--host-resolver-rules=MAP {NAME} 127.0.0.1") as one:
        yield one


@pytest.fixture(params=["webcodecs", "source"])
def shown(browser: AnyBrowser, scene: Scene, request: pytest.FixtureRequest) -> Iterator[Shown]:
    is_secure = request.param == "webcodecs"
    browser.set_window(1000, 700)
    url = scene.program.url if is_secure else scene.program.url.replace("127.0.0.1", NAME)
    yield Shown(LivePage(browser), url, is_secure)
    browser.visit("about:blank")


@contextlib.contextmanager
def film(brush: Painter) -> Iterator[list[Pixels]]:
    """Have an area move, as films do, until the context ends; gives the frames of the film."""
    x, y, width, height = AREA
    random = np.random.default_rng(5)
    # Each frame is new: what pans is copied.
    small = [random.integers(0, 256, (9, 13, 3), np.uint8) for _ in range(7)]
    frames = [
        np.asarray(cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
        for one in small
    ]
    ended = threading.Event()

    def paint() -> None:
        for frame in itertools.cycle(frames):
            brush.image(frame, x, y)
            if ended.wait(0.04):
                return

    thread = threading.Thread(target=paint)
    thread.start()
    try:
        yield frames
    finally:
        ended.set()
        thread.join()


def test_video_of_all_of_it_shows_the_screen(shown: Shown, scene: Scene) -> None:
    shown.page.browser.visit(f"{shown.url}?way=video")
    shown.page.wait_for_live()
    kind = shown.page.browser.evaluate('document.querySelector(".screen > :first-child").tagName')
    assert kind == ("CANVAS" if shown.is_secure else "VIDEO")
    with film(scene.brush):
        shown.page.wait_for_live()
    shown.page.wait_for(scene.server.pixels, VIDEO)
    # A single change after a rest, for which the clock of a player must not wait; of all of the
    # screen, as the bound is of the average.
    scene.brush.fill(0xC04020)
    shown.page.wait_for(scene.server.pixels, VIDEO)


@pytest.mark.parametrize("shown", ["source"], indirect=True)
@pytest.mark.parametrize("browser", ["chromium"], indirect=True)
def test_what_a_busy_browser_had_too_late_is_shown(shown: Shown, scene: Scene) -> None:
    browser = shown.page.browser
    assert isinstance(browser, Browser)
    browser.visit(f"{shown.url}?way=video")
    shown.page.wait_for_live()

    def sent() -> int:
        return sum(int(client["frames"]) for client in scene.program.info()["clients"])

    for colour in (0x20C0A0, 0xA02080, 0x2040C0, 0xC0A020) * 2:
        with faltering(*tree(browser.pid)[1:]):
            before = sent()
            scene.brush.fill(colour)
            wait_until("it is sent", lambda: sent() > before)  # noqa: B023
            wait_until_still("what was sent", sent)
        shown.page.wait_for(scene.server.pixels, VIDEO)


def test_what_moves_is_video_and_sharp_at_rest(shown: Shown, scene: Scene) -> None:
    shown.page.browser.visit(f"{shown.url}?way=mixed")
    shown.page.wait_for_live()
    assert shown.page.browser.evaluate("isSecureContext") == shown.is_secure

    def is_filmed() -> bool:
        return any(form["videoRectangle"] for form in scene.program.info()["encoder"]["updates"])

    with film(scene.brush) as frames:
        wait_until("what moves is sent as video", is_filmed)
        if not shown.is_secure:
            wait_until("a player lies over the picture", lambda: players(shown) == 1)
        scene.brush.rectangle(0x40C020, 500, 30, 40, 40)
        wait_until("the film is seen", lambda: is_seen(shown, frames))
        shown.page.wait_for_live()
    wait_until("the video has ended", lambda: players(shown) == 0)
    shown.page.wait_for(scene.server.pixels, JPEG)


# A video of a profile that there is not.
_PLAY_UNKNOWN = """(async () => {
  const { SourcePlayer } = await import("/page/video/sourceplayer.js");
  const reader = (await fetch("/?video")).body.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  value[String.fromCharCode(...value.subarray(0, 900)).indexOf("avcC") + 5] = 21;
  new SourcePlayer((sentence) => (window.told = sentence)).begin(value);
})(), 0"""


def test_a_player_tells_of_a_video_that_the_browser_cannot_play(
    browser: AnyBrowser, scene: Scene
) -> None:
    browser.visit(scene.program.url)
    wait_until("the page is there", lambda: browser.evaluate("document.body !== null"))
    browser.evaluate(_PLAY_UNKNOWN)
    wait_until("it is told", lambda: browser.evaluate("window.told ?? ''"))
    assert "no player for avc1.15" in browser.evaluate("window.told")


# brightness() tells what is shown.
_PLAY_SHORT = """(async (header, pieces) => {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const { SourcePlayer } = await import("/page/video/sourceplayer.js");
  const player = new SourcePlayer((sentence) => (window.told = sentence));
  document.body.append(player.element);
  window.brightness = () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
    const context = canvas.getContext("2d");
    context.drawImage(player.element, 0, 0, 1, 1);
    return context.getImageData(0, 0, 1, 1).data[1];
  };
  player.begin(bytes(header));
  for (const piece of pieces) player.add(bytes(piece));
})(%s, %s), 0"""


def test_a_player_shows_the_newest_of_frames_that_last_a_millisecond(
    browser: AnyBrowser, scene: Scene
) -> None:
    """As those do that came late: the clock of a player may halt at any of them."""
    encoder = H264Encoder(64, 64, crf=25)
    header, pieces = b"", list[bytes]()
    for number in range(8):
        gray = np.full((64, 64, 4), 20 + 30 * number, np.uint8)
        sample = sample_of(encoder.encode(gray, number / 1000).data)
        header = header or init_segment(64, 64, sample.sps, sample.pps)
        times = number * TIMESCALE // 1000, TIMESCALE // 1000
        pieces.append(fragment(number + 1, *times, sample.data, number == 0))
    encoder.close()
    browser.visit(scene.program.url)
    wait_until("the page is there", lambda: browser.evaluate("document.body !== null"))
    given = [base64.b64encode(piece).decode() for piece in pieces]
    told = json.dumps(base64.b64encode(header).decode()), json.dumps(given)
    browser.evaluate(_PLAY_SHORT % told)
    wait_until("it plays", lambda: browser.evaluate("!!window.brightness"))
    wait_until("the last is shown", lambda: browser.evaluate("brightness()") > 220)


def is_seen(shown: Shown, frames: list[Pixels]) -> bool:
    """Whether the page shows a frame of a film, whole."""
    x, y, width, height = AREA
    pixels = shown.page.pixels()[y : y + height, x : x + width]
    # On a busy machine the page may begin anew, and have no picture for a moment.
    return pixels.shape == frames[0].shape and any(
        float(cv2.absdiff(pixels, frame).mean()) < 2 * VIDEO for frame in frames
    )


def players(shown: Shown) -> int:
    count: int = shown.page.browser.evaluate('document.querySelectorAll("video.moving").length')
    return count
