"""Browsers play ``/?video``: by the script of docs/video.md, and as the source of a <video>."""

import json
import re
import time
from collections.abc import Iterator

import numpy as np
import pytest
from browser import Browser, chromium
from firefox import Firefox, firefox
from motion import moving
from painter import Painter, painter
from program import ROOT, Webcapd, webcapd
from waiting import wait_until
from xserver import XServer, xvfb

# What is shown may be so far from what was drawn, in each colour.
TOLERANCE = 12

_MIDDLE = """
(() => {
  const video = document.querySelector("video");
  if (!video.videoWidth) return null;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  return Array.from(context.getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1).data);
})()
"""

_PAGE = "document.body.innerHTML = '<video id=screen muted autoplay></video>'; 0"


def script() -> str:
    """Give the script of the document, to be run as it is."""
    text = (ROOT / "docs" / "video.md").read_text()
    found = re.search(r'<script type="module">\n(.*?)</script>', text, re.DOTALL)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def server() -> Iterator[XServer]:
    with xvfb(640, 480) as running:
        yield running


@pytest.fixture(scope="module")
def program(server: XServer) -> Iterator[Webcapd]:
    with webcapd("--display", server.name, "--keepalive", "0.5") as running:
        yield running


@pytest.fixture(scope="module", params=["Chromium", "Firefox"])
def browser(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser | Firefox]:
    opened = chromium if request.param == "Chromium" else firefox
    with opened(tmp_path_factory.mktemp("profile")) as running:
        yield running


def shows(browser: Browser | Firefox, colour: int) -> bool:
    """Whether the middle of the video has a colour."""
    pixel = browser.evaluate(_MIDDLE)
    wanted = [colour >> 16, colour >> 8 & 0xFF, colour & 0xFF]
    return bool(pixel) and all(
        abs(one - other) <= TOLERANCE for one, other in zip(pixel, wanted, strict=False)
    )


def rests(program: Webcapd) -> bool:
    """Whether nothing was sent for a while: the finer frame has come, and then nothing."""
    before = [client["frames"] for client in program.info()["clients"]]
    time.sleep(0.5)
    return [client["frames"] for client in program.info()["clients"]] == before


def test_script_of_the_document_shows_each_change_also_after_a_rest(
    server: XServer, program: Webcapd, browser: Browser | Firefox
) -> None:
    browser.visit(f"{program.url}?metrics")
    wait_until("the page is there", lambda: browser.evaluate("document.body !== null"))
    browser.evaluate(_PAGE)
    with painter(server) as brush:
        brush.fill(0x203040)
        run = f"(async () => {{ {script()} }})()"
        browser.evaluate(f"{run}.catch((error) => window.failed = `${{error}}`); 0")
        for colour in (0x203040, 0xC03020, 0x20A0D0, 0xE0E0E0):
            brush.fill(colour)
            wait_until(f"it shows {colour:06x}", lambda: shows(browser, colour))  # noqa: B023
            wait_until("it rests", lambda: rests(program))
    assert browser.evaluate("window.failed ?? ''") == ""


# Firefox waits for the end of what has no length.
@pytest.mark.parametrize("browser", ["Chromium"], indirect=True)
def test_video_plays_as_a_source(
    server: XServer, program: Webcapd, browser: Browser | Firefox
) -> None:
    # Chromium reads some 60 KB before it begins.
    noise = np.random.default_rng(1).integers(0, 256, (2, 128, 128, 3), np.uint8)

    def flash(brush: Painter, number: int) -> None:
        if not number:
            brush.fill(0x30C050)
        brush.image(noise[number % 2])

    browser.visit(f"{program.url}?metrics")
    wait_until("the page is there", lambda: browser.evaluate("document.body !== null"))
    source = json.dumps(f"{program.url}?video")
    browser.evaluate(f"{_PAGE[:-1]} document.querySelector('video').src = {source}; 0")
    with moving(server, flash):
        wait_until("it plays", lambda: shows(browser, 0x30C050))
        began = browser.evaluate("document.querySelector('video').currentTime")
        wait_until(
            "it goes on",
            lambda: browser.evaluate("document.querySelector('video').currentTime") > began + 0.5,
        )
