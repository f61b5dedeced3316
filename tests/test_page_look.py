"""The live page is for everybody: readable by all, with a keyboard, on a phone."""

from collections.abc import Iterator

import pytest
from axe import violations
from browser import Browser, chromium
from livepage import LivePage
from painter import painter
from program import Webcapd, webcapd
from waiting import wait_until
from xserver import xvfb

SIZES = {"desktop": (1280, 800), "phone upright": (390, 780), "phone across": (780, 360)}


@pytest.fixture(scope="module")
def program() -> Iterator[Webcapd]:
    with (
        xvfb(640, 400) as server,
        painter(server) as brush,
        webcapd("--display", server.name, "--name", "Lab 3 with a name that is rather long") as one,
    ):
        brush.noise(1)
        yield one


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def page(browser: Browser, program: Webcapd) -> Iterator[LivePage[Browser]]:
    shown = LivePage(browser)
    browser.set_window(*SIZES["desktop"])
    browser.visit(program.url)
    shown.wait_for_live()
    yield shown
    browser.visit("about:blank")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing(page: LivePage[Browser], size: str, scheme: str) -> None:
    browser = page.browser
    browser.set_window(*SIZES[size])
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.call("Emulation.setEmulatedMedia", features=features)
    assert violations(browser) == []
    page.click("#open")
    assert violations(browser) == []
    page.click("#pause")
    page.wait_for_veil("Paused")
    assert violations(browser) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_documentation(page: LivePage[Browser], scheme: str) -> None:
    browser = page.browser
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.call("Emulation.setEmulatedMedia", features=features)
    browser.visit(browser.evaluate("document.querySelector('#links li:last-child a').href"))
    wait_until("it is there", lambda: browser.evaluate("document.title.includes('documentation')"))
    assert violations(browser) == []


def test_axe_finds_what_there_is(page: LivePage[Browser]) -> None:
    page.browser.evaluate("document.body.append(document.createElement('button')); 0")
    assert "button-name" in str(violations(page.browser))


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_cut_off(page: LivePage[Browser], size: str) -> None:
    """No part reaches out of the window, and the picture has most of it."""
    width, height = SIZES[size]
    page.browser.set_window(width, height)
    scrolls = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight] + ''"
    for _ in range(2):
        # It follows the window's size a moment later.
        wait_until(
            "all is as large as the window",
            lambda: page.browser.evaluate(scrolls) == f"{width},{height}",
        )
        outside = page.browser.evaluate(
            """[...document.querySelectorAll("button, select, h1")]
              .filter((element) => element.checkVisibility() && !element.closest("#menu"))
              .filter((element) => {
                const { left, right, top, bottom } = element.getBoundingClientRect();
                return left < 0 || top < 0 || right > innerWidth || bottom > innerHeight;
              }).map((element) => element.id)"""
        )
        assert outside == []
        # Whatever the length of the name beside it.
        assert page.browser.evaluate(
            """(({ clientWidth, scrollWidth, textContent }) =>
              textContent !== "" && clientWidth > 0 && scrollWidth <= clientWidth
            )(document.getElementById("state"))"""
        )
        page.click("#open")
    page.click("#open")
    page.click("#open")
    stage = page.browser.evaluate("document.getElementById('stage').clientHeight")
    assert stage > 0.85 * height - 15


def test_keys_do_what_buttons_do(page: LivePage[Browser]) -> None:
    browser = page.browser
    browser.press("1")
    wait_until("1:1", lambda: browser.evaluate("document.getElementById('zoom').value") == "100 %")
    browser.press("+")
    wait_until("zoom", lambda: browser.evaluate("document.getElementById('zoom').value") == "125 %")
    browser.press("p")
    page.wait_for_veil("Paused")
    browser.press("p")
    page.wait_for_live()
    browser.press("m")
    is_open = "!document.getElementById('menu').hidden"
    wait_until("the menu opens", lambda: browser.evaluate(is_open))
    browser.evaluate("document.getElementById('form-fps').focus(); 0")
    # What is typed into a field is for the field.
    browser.press("p")
    assert "Paused" not in page.told()["veil"]
    browser.call("Input.dispatchKeyEvent", type="keyDown", key="Escape")
    wait_until("the menu closes", lambda: not browser.evaluate(is_open))
    assert browser.evaluate("document.activeElement.id") == "open"


def test_fullscreen_by_button_key_and_double_click(page: LivePage[Browser]) -> None:
    browser = page.browser

    def toggle(how: str) -> None:
        if how == "key":
            browser.press("f")
        elif how == "button":
            arguments = {"expression": "document.getElementById('full').click()"}
            browser.call("Runtime.evaluate", **arguments, userGesture=True)
        else:
            for count in (1, 2):
                for kind in ("mousePressed", "mouseReleased"):
                    mouse = {"type": kind, "x": 400, "y": 400, "button": "left"}
                    browser.call("Input.dispatchMouseEvent", **mouse, clickCount=count)

    full = "document.fullscreenElement?.id ?? null"
    for how in ("key", "double click", "button"):
        toggle(how)
        wait_until(f"full by {how}", lambda: browser.evaluate(full) == "stage")
        toggle("key" if how == "button" else how)
        wait_until(f"not full by {how}", lambda: browser.evaluate(full) is None)


def test_screen_readers_hear_of_states_not_of_seconds(page: LivePage[Browser]) -> None:
    browser = page.browser
    browser.evaluate(
        """globalThis.heard = [];
        new MutationObserver(() => heard.push(document.getElementById("announce").textContent))
          .observe(document.getElementById("announce"), { childList: true, subtree: true }); 0"""
    )
    wait_until("it rests", lambda: "for 4 s" in page.told()["bar"])
    assert browser.evaluate("heard") == []
    page.click("#pause")
    wait_until("it is said", lambda: "paused" in "".join(browser.evaluate("heard")))
    assert "Lab 3" in browser.evaluate("heard")[-1]


def test_two_fingers_zoom_and_one_moves(page: LivePage[Browser]) -> None:
    browser = page.browser
    browser.set_window(*SIZES["phone upright"])
    browser.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)

    def touch(kind: str, *places: tuple[int, int]) -> None:
        points = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(places)]
        browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)

    def box() -> list[float]:
        script = """(() => {
          const { left, top, width } = document.querySelector(".screen").getBoundingClientRect();
          return [left, top, width];
        })()"""
        sides: list[float] = browser.evaluate(script)
        return sides

    wait_until("it fits", lambda: box()[2] == SIZES["phone upright"][0])
    before = box()
    touch("touchStart", (180, 400), (210, 400))
    for step in range(1, 8):
        touch("touchMove", (180 - 10 * step, 400), (210 + 10 * step, 400))
    touch("touchEnd")
    wait_until("it is larger", lambda: box()[2] > 3 * before[2])
    left = box()[0]
    touch("touchStart", (200, 400))
    for step in range(1, 5):
        touch("touchMove", (200 + 10 * step, 400))
    touch("touchEnd")
    wait_until("it has moved along", lambda: box()[0] > left + 25)
    browser.call("Emulation.setTouchEmulationEnabled", enabled=False)
