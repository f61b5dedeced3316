"""The live page shows the screen: the canvas equals the root window, in every size and turn."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from browser import Browser
from eitherbrowser import either
from livepage import AnyBrowser, LivePage
from painter import Painter
from pointer import warp, with_pointer
from scene import Scene, staged
from waiting import wait_until
from xserver import Pixels

WIDTH, HEIGHT = 320, 200

# On average: what JPEG leaves of a picture at rest, and what scaling does beside that.
JPEG, SCALED = 2.0, 5.0


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with staged(WIDTH, HEIGHT, "--capture-cursor") as one:
        yield one


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, scene: Scene
) -> Iterator[AnyBrowser]:
    """Give a browser; it ends before what it shows, as pages complain of a server that is gone."""
    with either(request.param, tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture
def page(browser: AnyBrowser, scene: Scene) -> Iterator[LivePage[AnyBrowser]]:
    browser.set_window(1000, 700)
    shown = LivePage(browser)
    browser.visit(scene.program.url)
    shown.wait_for_live()
    yield shown
    browser.visit("about:blank")


def draw(brush: Painter, seed: int) -> None:
    """Draw what goes as fills, palettes, JPEG and copies."""
    random = np.random.default_rng(seed)
    brush.fill(0x505860)
    for _ in range(6):
        x, y = int(random.integers(0, WIDTH - 40)), int(random.integers(0, HEIGHT - 40))
        brush.rectangle(
            int(random.integers(0, 1 << 24)), x, y, *map(int, random.integers(4, 40, 2))
        )
    stripes = np.zeros((24, 90, 3), np.uint8)
    stripes[:, :: int(random.integers(2, 5))] = int(random.integers(90, 256))
    brush.image(stripes, int(random.integers(0, 200)), int(random.integers(0, 150)))
    small = random.integers(0, 256, (5, 7, 3), np.uint8)
    photograph = cv2.resize(small, (130, 90), interpolation=cv2.INTER_CUBIC)
    brush.image(np.asarray(photograph, np.uint8), *map(int, random.integers(0, 100, 2)))
    top = int(random.integers(0, 60))
    brush.window.copy_area(brush.gc, brush.window, 0, top, WIDTH, 100, 0, top + 16)
    brush.display.sync()


def box(page: LivePage[AnyBrowser]) -> list[float]:
    """Give left, top, width and height of the picture in the window, in CSS pixels."""
    sides: list[float] = page.browser.evaluate(
        """(() => {
          const box = document.querySelector(".screen").getBoundingClientRect();
          return [box.left, box.top, box.width, box.height];
        })()"""
    )
    return sides


def stage(page: LivePage[AnyBrowser]) -> Pixels:
    """Give what the page shows where the picture is, as a person sees it."""
    density = page.browser.evaluate("devicePixelRatio")
    left, top, width, height = (round(side * density) for side in box(page))
    return page.browser.screenshot()[top : top + height, left : left + width]


def under(page: LivePage[AnyBrowser], x: int, y: int) -> tuple[float, float]:
    """Give which pixel of the picture is at a place of the window."""
    left, top, width, _ = box(page)
    return (x - left) * WIDTH / width, (y - top) * WIDTH / width


def wait_to_see(page: LivePage[AnyBrowser], wanted: Pixels, tolerance: float) -> None:
    def sees() -> bool:
        seen = stage(page)
        return seen.shape == wanted.shape and float(cv2.absdiff(seen, wanted).mean()) <= tolerance

    wait_until("the window shows the screen", sees)


@pytest.mark.parametrize("seed", range(4))
def test_canvas_equals_the_root_window(page: LivePage[AnyBrowser], scene: Scene, seed: int) -> None:
    draw(scene.brush, seed)
    page.wait_for(scene.server.pixels, JPEG)
    # The tolerance is no licence: another picture is far from it.
    before = scene.server.pixels()
    draw(scene.brush, seed + 100)
    assert float(cv2.absdiff(scene.server.pixels(), before).mean()) > 4 * JPEG
    page.wait_for(scene.server.pixels, JPEG)


def test_one_to_one_is_pixel_for_pixel(page: LivePage[AnyBrowser], scene: Scene) -> None:
    draw(scene.brush, 1)
    for density in (1, 2, 1.5):
        page.browser.set_window(1000, 700, density)
        page.click("#exact")
        wait_to_see(page, scene.server.pixels(), JPEG)


def test_picture_is_enlarged_to_fit(page: LivePage[AnyBrowser], scene: Scene) -> None:
    draw(scene.brush, 2)
    page.click("#fit")
    wait_until("it fills the width", lambda: stage(page).shape[1] == 1000)
    size = stage(page).shape[1::-1]
    wanted = cv2.resize(scene.server.pixels(), size, interpolation=cv2.INTER_NEAREST)
    wait_to_see(page, np.asarray(wanted, np.uint8), SCALED)


def test_picture_turns(page: LivePage[AnyBrowser], scene: Scene) -> None:
    draw(scene.brush, 3)
    page.click("#exact")
    for turns in range(1, 5):
        page.click("#rotate")
        wait_to_see(page, np.rot90(scene.server.pixels(), -turns), JPEG)


def test_zoom_keeps_what_is_under_the_mouse(page: LivePage[AnyBrowser], scene: Scene) -> None:
    draw(scene.brush, 4)
    page.click("#exact")
    wait_to_see(page, scene.server.pixels(), JPEG)
    for _ in range(6):
        page.browser.turn_wheel(450, 374, -240)
    wait_until("it is larger", lambda: box(page)[3] > 8 * HEIGHT)
    before = under(page, 450, 374)
    for _ in range(2):
        page.browser.turn_wheel(450, 374, -240)
    wait_until("it is larger still", lambda: box(page)[3] > 16 * HEIGHT)
    assert np.abs(np.subtract(under(page, 450, 374), before)).max() < 1
    # What is dragged goes along.
    page.browser.drag(450, 374, 500)
    wait_until("it is dragged", lambda: abs(under(page, 500, 374)[0] - before[0]) < 1)
    page.browser.evaluate("document.getElementById('stage').focus(); 0")
    for key in "01":
        page.browser.press(key)
    wait_to_see(page, scene.server.pixels(), JPEG)


def test_snapshot_is_what_is_shown(page: LivePage[AnyBrowser], scene: Scene) -> None:
    """As PNG, turned as it is shown, and also of a picture that is held."""
    draw(scene.brush, 5)
    page.wait_for(scene.server.pixels, JPEG)
    held = scene.server.pixels()
    page.click("#pause")
    page.wait_for_veil("Paused", "Go on")
    page.click("#rotate")
    draw(scene.brush, 6)
    size = page.browser.promised(
        """(async () => {
          const click = HTMLAnchorElement.prototype.click;
          const saved = new Promise((resolve) => {
            const save = function () { resolve([this.href, this.download]); };
            HTMLAnchorElement.prototype.click = save;
          });
          document.getElementById("save").click();
          const [href, name] = await saved;
          HTMLAnchorElement.prototype.click = click;
          const image = Object.assign(new Image(), { src: href });
          await image.decode();
          return [image.naturalWidth, image.naturalHeight, name];
        })()"""
    )
    assert size[:2] == [HEIGHT, WIDTH]
    assert size[2].endswith(".png")
    assert float(cv2.absdiff(page.pixels(), held).mean()) <= JPEG
    page.click("#pause")
    page.wait_for(scene.server.pixels, JPEG)


def test_another_size_and_quality_can_be_chosen(page: LivePage[AnyBrowser], scene: Scene) -> None:
    page.browser.evaluate(
        """(() => {
          const select = document.getElementById("form-scale");
          select.value = "0.5";
          select.dispatchEvent(new Event("change"));
        })()"""
    )
    wait_until("half the size", lambda: page.pixels().shape[:2] == (HEIGHT // 2, WIDTH // 2))
    page.wait_for_live()
    assert "scale=0.5" in page.browser.evaluate("location.search")
    assert "scale=0.5" in page.browser.evaluate("document.getElementById('lines').innerText")


@pytest.mark.parametrize("way", ["stream", "snapshots"])
def test_browsers_without_updates_get_pictures(browser: AnyBrowser, scene: Scene, way: str) -> None:
    page = LivePage(browser)
    browser.visit(f"{scene.program.url}?way={way}")
    draw(scene.brush, 7)
    page.wait_for(scene.server.pixels, 2 * JPEG)
    draw(scene.brush, 8)
    page.wait_for(scene.server.pixels, 2 * JPEG)
    page.click("#open")
    wanted = {"stream": "image stream", "snapshots": "snapshots"}[way]
    wait_until("the menu says so", lambda: wanted in browser.evaluate("document.body.innerText"))
    heading = "document.getElementById('name').textContent"
    wait_until("it says whose they are", lambda: ":" in browser.evaluate(heading))
    browser.visit("about:blank")


def test_no_request_leaves_for_elsewhere(page: LivePage[AnyBrowser], scene: Scene) -> None:
    """Nor did any, in the tests before it that ran in this browser."""
    browser = page.browser
    if not isinstance(browser, Browser):
        return
    addresses = {
        event["params"]["request"]["url"]
        for event in browser.events
        if event["method"] == "Network.requestWillBeSent"
    }
    strange = {a for a in addresses if not a.startswith((scene.program.url, "blob:", "data:"))}
    assert addresses
    assert strange <= {"about:blank"}


def test_pointer_is_where_it_is_on_the_screen(page: LivePage[AnyBrowser], scene: Scene) -> None:
    """It comes apart, and is laid over the canvas: enlarged and turned along with it."""
    scene.brush.fill(0x305070)
    page.click("#exact")
    with scene.server.connected() as display:
        for x, y in ((160, 100), (40, 170)):
            warp(display, x, y)
            wanted = with_pointer(scene.server)
            assert cv2.absdiff(wanted, scene.server.pixels()).max() > 50
            wait_until(
                "the pointer shows",
                lambda: cv2.absdiff(stage(page), wanted).max() < 30,  # noqa: B023
            )
