"""The live page reads the screen out of what caches keep: manifests, and streams of names."""

import contextlib
import http.server
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import chromium
from eitherbrowser import either
from front import make_certificate
from livepage import AnyBrowser, LivePage
from painter import Painter
from program import Webcapd
from scene import Scene, staged
from waiting import wait_until
from xserver import Pixels

from scale import fronts

WIDTH, HEIGHT = 480, 300

# On average: what JPEG leaves of a picture at rest.
JPEG = 2.0


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with staged(WIDTH, HEIGHT, "--announce", "cache") as one:
        yield one


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def page(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, scene: Scene
) -> Iterator[LivePage[AnyBrowser]]:
    """Give a page, which ends before what it shows: it complains of a server that is gone."""
    profile = tmp_path_factory.mktemp("profile")
    with either(request.param, profile) as one:
        yield LivePage(one)


def photograph(seed: int) -> Pixels:
    """Give what goes as JPEG."""
    small = np.random.default_rng(seed).integers(0, 256, (7, 11, 3), np.uint8)
    large = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.uint8)


def scroll(brush: Painter, times: int) -> None:
    """Scroll what is mostly copied, faster than who asks for each state may follow."""
    generator = np.random.default_rng(9)
    colours = generator.integers(0, 256, (5, 3), np.uint8)
    brush.image(colours[generator.integers(0, 5, (HEIGHT, WIDTH))])
    for _ in range(times):
        brush.window.copy_area(brush.gc, brush.window, 0, 9, WIDTH, HEIGHT - 9, 0, 0)
        brush.display.sync()
        time.sleep(0.03)


@pytest.mark.parametrize("via", ["cache", "names"])
def test_page_shows_the_screen_out_of_caches(
    page: LivePage[AnyBrowser], scene: Scene, via: str
) -> None:
    page.browser.set_window(1000, 700)
    page.browser.visit(f"{scene.program.url}?via={via}")
    for seed in range(3):
        scene.brush.image(photograph(seed))
        page.wait_for(scene.server.pixels, JPEG)
        scene.brush.fill(0x203040 + seed)
        scene.brush.rectangle(0xC0D0E0, 40 + 9 * seed, 50, 77, 31)
        page.wait_for(scene.server.pixels, JPEG)
    scroll(scene.brush, 25)
    page.wait_for(scene.server.pixels, JPEG)
    # It holds a connection of ours where names are streamed, and else none.
    assert scene.program.info()["stats"]["sessionCount"] == (via == "names")
    page.browser.visit("about:blank")


class Restarted(http.server.BaseHTTPRequestHandler):
    """What a cache that checks tokens answers when webcapd was another run just before."""

    protocol_version = "HTTP/1.1"
    origin, led, refused = "", [""], [""]

    def do_GET(self) -> None:
        headers = {"Content-Length": "0"}
        if "token=" not in self.path and not self.path.startswith("/page/"):
            self.refused.append(self.path)
            status, body = 401, b""
        elif self.path.startswith("/manifest/") and len(self.led) < 3:
            self.led.append(self.path)
            status, body, headers = 302, b"", headers | {"Location": "../manifest"}
        else:
            with urllib.request.urlopen(f"{self.origin}{self.path[1:]}") as answer:
                status, body, sent = answer.status, answer.read(), answer.headers
            headers = {"Content-Length": str(len(body)), "Content-Type": sent["Content-Type"]}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def test_token_goes_along_to_the_way_in(page: LivePage[AnyBrowser], scene: Scene) -> None:
    Restarted.origin, Restarted.led, Restarted.refused = scene.program.url, [], []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Restarted) as server:
        threading.Thread(target=server.serve_forever).start()
        page.browser.visit(f"http://127.0.0.1:{server.server_port}/?via=cache&token=anything")
        wait_until("it was led to the way in, twice", lambda: len(Restarted.led) >= 2)
        scene.brush.image(photograph(5))
        page.wait_for(scene.server.pixels, JPEG)
        page.browser.visit("about:blank")
        server.shutdown()
    assert "/manifest" not in Restarted.refused


@contextlib.contextmanager
def front(kind: str, folder: Path, origin: Path) -> Iterator[str]:
    """Run a cache as we ship it; gives the address of the page behind it."""
    if kind == "nginx":
        with fronts.nginx(folder, origin, certificate=make_certificate(folder)) as one:
            # By HTTP/2, and told that there are caches, the page uses them by itself.
            yield f"https://127.0.0.1:{one.tls_port}/"
    else:
        with fronts.varnish(folder, origin) as other:
            yield f"http://127.0.0.1:{other.port}/?via=cache"


@pytest.mark.parametrize("kind", ["nginx", "Varnish"])
def test_page_plays_through_a_cache_and_tells_of_a_restart(
    scene: Scene, tmp_path: Path, kind: str
) -> None:
    unix = tmp_path / "s"
    options = ("--display", scene.server.name, "--announce", "cache", "--loghttp")
    profile = tmp_path / "profile"
    profile.mkdir()
    with (
        chromium(profile, "--ignore-certificate-errors") as browser,
        front(kind, tmp_path, unix) as url,
    ):
        page = LivePage(browser)
        first = Webcapd(*options, "--unix", str(unix), "--trust-proxy", "unix")
        first.wait_for_line(lambda line: "serving" in line)
        browser.set_window(1000, 700)
        browser.visit(url)
        scene.brush.image(photograph(7))
        page.wait_for(scene.server.pixels, JPEG)
        assert not [line for line in first.lines if "?updates" in line]
        first.process.kill()
        first.ended()
        page.wait_for_veil("No connection")
        scene.brush.image(photograph(8))
        second = Webcapd(*options, "--unix", str(unix), "--trust-proxy", "unix")
        page.wait_for(scene.server.pixels, JPEG)
        second.process.terminate()
        second.ended()
