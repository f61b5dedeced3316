"""Browsers play ``/?video``: by the script of docs/video.md, and as the source of a <video>."""

import contextlib
import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
from browser import Browser, chromium
from faltering import faltering
from firefox import Firefox, firefox
from motion import moving
from painter import Painter, painter
from processes import tree
from program import ROOT, Webcapd, webcapd
from waiting import wait_until, wait_until_still
from xserver import XServer, xvfb

# What is shown may be so far from what was drawn, in each colour.
TOLERANCE = 12

COLOURS = 0x203040, 0xC03020, 0x20A0D0, 0xE0E0E0

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


def frames(program: Webcapd) -> int:
    """How many frames the only client was sent."""
    (client,) = program.info()["clients"]
    return int(client["frames"])


def wait_for_rest(program: Webcapd) -> None:
    """Wait until nothing more is sent: the finer frame has come, too."""
    wait_until_still("what was sent", lambda: frames(program))


@contextlib.contextmanager
def played(server: XServer, program: Webcapd, browser: Browser | Firefox) -> Iterator[Painter]:
    """Have a page run the script of the document."""
    browser.visit(f"{program.url}?metrics")
    wait_until("the page is there", lambda: browser.evaluate("document.body !== null"))
    browser.evaluate(_PAGE)
    with painter(server) as brush:
        brush.fill(COLOURS[0])
        run = f"(async () => {{ {script()} }})()"
        browser.evaluate(f"{run}.catch((error) => window.failed = `${{error}}`); 0")
        wait_for_colour(browser, COLOURS[0])
        wait_until("the page before has gone", lambda: len(program.info()["clients"]) == 1)
        yield brush
    assert browser.evaluate("window.failed ?? ''") == ""


def wait_for_colour(browser: Browser | Firefox, colour: int) -> None:
    wait_until(f"it shows {colour:06x}", lambda: shows(browser, colour))


def test_script_of_the_document_shows_each_change_also_after_a_rest(
    server: XServer, program: Webcapd, browser: Browser | Firefox
) -> None:
    with played(server, program, browser) as brush:
        for colour in COLOURS[1:]:
            wait_for_rest(program)
            brush.fill(colour)
            wait_for_colour(browser, colour)


@pytest.mark.parametrize("browser", ["Chromium"], indirect=True)
def test_script_of_the_document_shows_what_a_busy_browser_had_too_late(
    server: XServer, program: Webcapd, browser: Browser
) -> None:
    with played(server, program, browser) as brush:
        for colour in COLOURS[1:] + COLOURS:
            with faltering(*tree(browser.pid)[1:]):
                before = frames(program)
                brush.fill(colour)
                wait_until("it is sent", lambda: frames(program) > before)  # noqa: B023
                wait_until_still("what is shown", lambda: browser.evaluate(_MIDDLE))
            wait_for_colour(browser, colour)


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
