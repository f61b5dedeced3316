"""Chromium with pages of other people's: images of the stream, and scripts that read it."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from browser import Browser, chromium
from resting import WIDTH, Resting, is_full_of, resting
from waiting import wait_until

# Chromium keeps six connections to a host, by its name.
HOSTS = ("a.localhost", "b.localhost")
STREAMS_A_HOST = 5

PAGES = ("/", "/?stream", "/?snapshot", "/?info", "/?health", "/?action=stream", "/snapshot")

# As Mainsail does it: whatever stands before the start of a JPEG is its header, which must
# tell a length; the picture is shown when the first byte behind it comes.
READER = """
(async () => {
  window.failure = null;
  document.body.innerHTML = '<img id="screen">';
  const image = document.getElementById("screen");
  try {
    const response = await fetch("/?stream=&timestamp=1700000000000", { mode: "cors" });
    const reader = response.body.getReader();
    let head = "", jpeg = null, got = 0, last = -1;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      for (const byte of value) {
        if (jpeg === null) {
          head += String.fromCharCode(byte);
          if (!(last === 0xff && byte === 0xd8)) { last = byte; continue; }
          const length = /content-length: *([0-9]+)/i.exec(head);
          if (!length) throw new RangeError("no length in " + head);
          jpeg = new Uint8Array(Number(length[1]));
          jpeg[0] = 0xff; jpeg[1] = 0xd8;
          got = 2;
        } else if (got < jpeg.length) {
          jpeg[got++] = byte;
        } else {
          image.src = URL.createObjectURL(new Blob([jpeg], { type: "image/jpeg" }));
          head = ""; jpeg = null; last = byte;
        }
      }
    }
  } catch (error) { window.failure = String(error); }
})();
0
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def scene(browser: Browser) -> Iterator[Resting]:
    with resting() as running:
        yield running
        browser.visit("about:blank")


def address(scene: Resting, host: str) -> str:
    return f"http://{host}:{scene.program.port}"


def open_page(browser: Browser, scene: Resting) -> None:
    """Go to a page of the server's that shows no stream."""
    browser.visit(f"{address(scene, HOSTS[0])}/?health")
    here = "location.search === '?health' && document.readyState === 'complete'"
    wait_until("the page", lambda: browser.evaluate(here))


class Wall:
    """A page with images, each from one address; only what is painted counts."""

    SIZE = 64

    def __init__(self, browser: Browser, addresses: list[str]) -> None:
        self._browser = browser
        self._places = [(index % 6 * 80, index // 6 * 80) for index in range(len(addresses))]
        style = "position:absolute;width:64px;height:64px"
        images = [
            f'<img style="{style};left:{left}px;top:{top}px" src="{source}">'
            for (left, top), source in zip(self._places, addresses, strict=True)
        ]
        browser.evaluate(f"document.body.innerHTML = {json.dumps(''.join(images))}; 0")

    def wait_for(self, colour: int) -> None:
        """Wait until all images are painted in one colour."""
        wait_until(f"all images are {colour:06x}", lambda: self._all_show(colour))

    def _all_show(self, colour: int) -> bool:
        page = self._browser.screenshot()
        size = self.SIZE
        return all(
            is_full_of(colour, page[y + 4 : y + size - 4, x + 4 : x + size - 4])
            for x, y in self._places
        )


def test_image_on_a_page_of_another_origin_paints_a_change(
    browser: Browser, scene: Resting
) -> None:
    open_page(browser, scene)
    wall = Wall(browser, [f"{address(scene, HOSTS[1])}/?action=stream"])
    wall.wait_for(scene.colour)
    for _ in range(3):
        with scene.one_change() as colour:
            wall.wait_for(colour)


def test_ten_streams_on_one_page_all_paint_a_change(browser: Browser, scene: Resting) -> None:
    open_page(browser, scene)
    streams = [f"{address(scene, h)}/?stream&n={n}" for h in HOSTS for n in range(STREAMS_A_HOST)]
    wall = Wall(browser, streams)
    wall.wait_for(scene.colour)
    for _ in range(3):
        with scene.one_change(len(streams)) as colour:
            wall.wait_for(colour)


def test_script_that_needs_lengths_shows_a_change(browser: Browser, scene: Resting) -> None:
    open_page(browser, scene)
    browser.evaluate(READER)

    def wait_for(colour: int) -> None:
        def shown() -> bool:
            assert browser.evaluate("window.failure") is None
            pixel = browser.middle_pixel("#screen")
            return pixel is not None and is_full_of(colour, np.array([[pixel[::-1]]], np.uint8))

        wait_until(f"the script shows {colour:06x}", shown)

    wait_for(scene.colour)
    for _ in range(3):
        with scene.one_change() as colour:
            wait_for(colour)


def test_script_asks_whether_its_snapshot_is_still_right(browser: Browser, scene: Resting) -> None:
    open_page(browser, scene)
    script = """
      (async () => {
        const headers = %s ? { "If-None-Match": %s } : {};
        const response = await fetch("/?snapshot", { headers });
        const body = await response.blob();
        const size = body.size ? (await createImageBitmap(body)).width : 0;
        return [response.status, response.headers.get("ETag"), size];
      })()
    """

    def ask(tag: str | None) -> tuple[int, str, int]:
        status, told, width = browser.promised(script % (json.dumps(tag), json.dumps(tag)))
        return status, told, width

    status, tag, width = ask(None)
    assert (status, width) == (200, WIDTH)
    assert ask(tag) == (304, tag, 0)
    scene.change()
    status, other, width = ask(tag)
    assert (status, width) == (200, WIDTH)
    assert other != tag
    assert ask(other) == (304, other, 0)


def test_script_gets_the_heads_of_all_pages(browser: Browser, scene: Resting) -> None:
    open_page(browser, scene)
    script = """
      (async () => {
        const headersOf = (response) => [
          response.status, response.headers.get("Content-Type"), response.headers.get("ETag"),
        ];
        const head = await fetch(%s, { method: "HEAD" });
        const abort = new AbortController();
        const whole = await fetch(%s, { signal: abort.signal });
        abort.abort();
        return [headersOf(head), headersOf(whole), (await head.arrayBuffer()).byteLength];
      })()
    """
    for page in PAGES:
        head, whole, size = browser.promised(script % (json.dumps(page), json.dumps(page)))
        assert head == whole
        assert head[0] == 200
        assert size == 0
