"""The page reads as strictly as the reference, and goes on where lines are slow or hold back."""

import base64
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from browser import Browser, chromium
from line import line
from livepage import LivePage
from painter import painter
from program import Webcapd, webcapd
from updatepixels import UpdateError
from updatereader import UpdateReader
from waiting import wait_until
from xserver import Pixels, XServer, xvfb

RECORDED = (Path(__file__).parent / "updates-1.bin").read_bytes()

# Reads streams in pieces of a size; gives the last picture and the error of each.
READ = """
(async (streams, size) => {
  const [{ Framing }, { UpdateReader }, { Painter }, { decoded }] = await Promise.all(
    ["framing", "reader", "painter", "pixels"].map((name) => import(`/page/stream/${name}.js`)));
  const read = async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const canvas = document.createElement("canvas");
    const [framing, reader, painter] = [new Framing(), new UpdateReader(), new Painter(canvas)];
    let marks = 0;
    try {
      for (let at = 0; at < bytes.length; at += size) {
        const block = framing.take(bytes.subarray(at, at + size));
        for (const event of reader.take(block)) {
          if (event.kind === "size") painter.resize(event.width, event.height);
          if (event.kind === "pointerImage") await decoded(event.image.png, "image/png");
          if (event.kind !== "update") continue;
          await painter.show(event.parts);
          marks++;
        }
      }
    } catch (error) {
      return { marks, error: `${error.constructor.name}: ${error.message}` };
    }
    return { marks, error: "", picture: canvas.toDataURL("image/png") };
  };
  const results = [];
  for (const stream of streams) results.push(await read(stream));
  return results;
})(%s, %d)
"""

# Behind these fields a change is the business of decoders of pictures.
_FIELDS = {"Q": 5, "J": 11, "N": 8, "I": 5}


@pytest.fixture(scope="module")
def server() -> Iterator[XServer]:
    with xvfb(640, 480) as running:
        yield running


@pytest.fixture(scope="module")
def program(server: XServer) -> Iterator[Webcapd]:
    with webcapd("--display", server.name) as running:
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


def read(browser: Browser, program: Webcapd, streams: list[bytes], size: int) -> list[Any]:
    """Have the page's modules read streams."""
    browser.visit(f"{program.url}?health")
    here = "location.search === '?health' && document.readyState === 'complete'"
    wait_until("the page", lambda: browser.evaluate(here))
    texts = [base64.b64encode(stream).decode() for stream in streams]
    results: list[Any] = browser.promised(READ % (json.dumps(texts), size))
    return results


def picture(result: Any) -> Pixels:
    data = base64.b64decode(result["picture"].partition(",")[2])
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(pixels, np.uint8)


def records(stream: bytes) -> Iterator[tuple[str, int, int]]:
    """List the records: type, where it begins, length of the payload."""
    at = 0
    while at < len(stream):
        length = int.from_bytes(stream[at + 1 : at + 4], "big")
        yield chr(stream[at]), at, length
        at += 4 + length


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_recorded_stream_gives_the_same_picture(
    browser: Browser, program: Webcapd, size: int
) -> None:
    reader = UpdateReader()
    reader.feed(RECORDED)
    (result,) = read(browser, program, [RECORDED], size)
    assert result["error"] == ""
    # Decoders of JPEG differ by a level here and there.
    assert cv2.absdiff(picture(result), reader.picture[..., ::-1]).mean() < 0.5


def test_changed_bytes_are_refused_wherever_the_reference_refuses(
    browser: Browser, program: Webcapd
) -> None:
    chance = random.Random(14)
    places = [
        place
        for kind, at, length in records(RECORDED)
        for place in range(at, at + 4 + min(length, _FIELDS.get(kind, 14)))
    ]
    streams = []
    for place in chance.sample(places, min(250, len(places))):
        changed = bytearray(RECORDED)
        changed[place] ^= 1 << chance.randrange(8)
        streams.append(bytes(changed))
    results = read(browser, program, streams, 1 << 20)
    refused = 0
    for stream, result in zip(streams, results, strict=True):
        reader = UpdateReader()
        try:
            reader.feed(stream)
            expected = ""
        except UpdateError as error:
            expected = str(error)
        assert bool(result["error"]) == bool(expected), (result["error"], expected)
        assert not expected or result["error"].startswith("UpdateError: "), result["error"]
        refused += bool(expected)
    assert 20 < refused < len(streams) - 20


def meter(page: LivePage[Browser]) -> str:
    return str(page.browser.evaluate("document.getElementById('meter-way').textContent"))


def test_slow_line_is_read_one_update_after_the_other(
    browser: Browser, server: XServer, program: Webcapd
) -> None:
    """Nothing but the page sees that it lags: what is between takes all that it is sent."""
    page = LivePage(browser)
    with line(program.port) as slow, painter(server) as brush:
        browser.visit(slow.url)
        page.wait_for_live()
        page.click("#open")
        wait_until("it is a stream", lambda: "as a stream" in meter(page))
        slow.rate = 200_000.0
        seeds = iter(range(1000))

        def polls() -> bool:
            brush.noise(next(seeds))
            return "one by one" in meter(page)

        def films() -> bool:
            polls()
            return "video where it moves" in meter(page)

        wait_until("it asks for one after the other", polls)
        wait_until("it asks for video, as the screen goes on moving", films)
        brush.fill(0x2060C0)
        page.wait_for(server.pixels, 2)
        slow.rate = 0
        # Where all that took longer than the page waits to try it again, it tries in a minute.
        wait_until("it takes the stream again", lambda: "as a stream" in meter(page), 90)
        page.wait_for_live()


def test_line_that_holds_streams_back_is_read_one_update_after_the_other(
    browser: Browser, server: XServer, program: Webcapd
) -> None:
    page = LivePage(browser)
    with line(program.port) as holding, painter(server) as brush:
        holding.holds = True
        browser.visit(holding.url)
        page.wait_for_live()
        page.count_alarms()
        brush.fill(0xC02020)
        page.wait_for(server.pixels, 2)
        page.click("#open")
        wait_until("the menu says so", lambda: "one by one" in meter(page))
        assert page.alarms() == []


def test_updates_that_cannot_be_read_are_given_up_for_pictures(
    browser: Browser, server: XServer, program: Webcapd
) -> None:
    page = LivePage(browser)
    with line(program.port) as spoiling, painter(server) as brush:
        spoiling.spoils = True
        browser.visit(spoiling.url)
        page.wait_for_veil("No connection", "cannot be read")
        brush.fill(0x2060C0)
        page.wait_for(server.pixels, 3)
        page.click("#open")
        wait_until("the menu says so", lambda: "image stream" in meter(page))


@pytest.mark.parametrize(
    ("lacks", "way"),
    [
        ("globalThis.SharedWorker", "one tab reads for all"),
        ("globalThis.SharedWorker, globalThis.BroadcastChannel", "a connection of its own"),
        ("HTMLCanvasElement.prototype.transferControlToOffscreen", "one connection for all tabs"),
        ("globalThis.DecompressionStream", "image stream"),
    ],
)
def test_browser_that_lacks_something_shows_the_screen_all_the_same(
    browser: Browser, server: XServer, program: Webcapd, lacks: str, way: str
) -> None:
    tab = browser.tab()
    page = LivePage(tab)
    tab.call("Page.enable")
    script = "".join(f"delete {name};" for name in lacks.split(", "))
    tab.call("Page.addScriptToEvaluateOnNewDocument", source=script)
    with painter(server) as brush:
        tab.visit(program.url)
        page.wait_for_live()
        for colour in (0x2060C0, 0xC02020):
            brush.fill(colour)
            page.wait_for(server.pixels, 3)
        page.click("#open")
        wait_until("the menu says so", lambda: way in meter(page))
    tab.close()
