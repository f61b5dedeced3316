"""The live page never calls a picture live that may not be, says why, and comes back by itself."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, chromium
from firefox import firefox
from front import Front, end, front, instance, make_certificate
from livepage import LivePage
from mortal import MortalServer, mortal_server
from painter import painter
from program import Webcapd, webcapd
from waiting import wait_until
from xserver import XServer, xvfb

from ports import free_port

BLUE, RED = 0x2060C0, 0xC02020


@pytest.fixture(scope="module")
def server() -> Iterator[XServer]:
    with xvfb(200, 120) as running:
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    # By a flag, as the command counts for the page alone and not for its workers.
    flag = "--ignore-certificate-errors"
    with chromium(tmp_path_factory.mktemp("profile"), flag) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[LivePage[Browser]]:
    yield LivePage(browser)
    browser.visit("about:blank")


def middle(page: LivePage[Any]) -> int:
    """Give the colour in the middle of the canvas, coarsely, as 0xRRGGBB; -1 without a picture."""
    pixels = page.pixels()
    if not pixels.size:
        return -1
    blue, green, red = map(int, pixels[pixels.shape[0] // 2, pixels.shape[1] // 2] & 0xE0)
    return red << 16 | green << 8 | blue


def shows(page: LivePage[Any], colour: int) -> bool:
    return page.is_live() and middle(page) == colour & 0xE0E0E0


def wait_for_colour(page: LivePage[Any], colour: int) -> None:
    try:
        wait_until(f"the page shows {colour:06x} live", lambda: shows(page, colour))
    except AssertionError:
        print(page.told(), hex(middle(page)))
        raise


def test_page_says_who_is_shown_and_that_nothing_changes(
    page: LivePage[Browser], server: XServer
) -> None:
    name = "<b>Lab</b> &amp; “hall”"
    with webcapd("--display", server.name, "--name", name) as program:
        page.browser.visit(program.url)
        page.wait_for_live()
        assert page.told()["title"].startswith(f"{name} ")
        heading = "document.getElementById('name').textContent"
        assert page.browser.evaluate(heading) == name
        wait_until("it says that it rests", lambda: "unchanged for" in page.told()["bar"])
        icon = page.told()["icon"]
        # At rest it stays live.
        for _ in range(20):
            assert page.is_live()
        page.click("#pause")
        page.wait_for_veil("Paused", "Since", "Go on")
        assert page.told()["icon"] != icon
        page.click(".veil-button")
        page.wait_for_live()
        assert page.told()["icon"] == icon


def test_server_that_ends_is_told_and_comes_back(page: LivePage[Browser], server: XServer) -> None:
    port = str(free_port())
    with painter(server) as brush:
        with webcapd("--display", server.name, "--port", port) as program:
            page.browser.visit(program.url)
            brush.fill(BLUE)
            wait_for_colour(page, BLUE)
            program.process.kill()
            said = page.wait_for_veil("No connection", "Since", "try", "Try now")
            assert "cut" in said or "reached" in said
            brush.fill(RED)
            assert middle(page) == BLUE & 0xE0E0E0
            assert not page.is_live()
            program.ended()
        with webcapd("--display", server.name, "--port", port) as program:
            page.click(".veil-button")
            wait_for_colour(page, RED)
            # Asked to end, it says so.
            program.stop()
            page.wait_for_veil("No connection")
        with webcapd("--display", server.name, "--port", port):
            brush.fill(BLUE)
            wait_for_colour(page, BLUE)


def test_firefox_tells_it_alike(server: XServer, tmp_path: Path) -> None:
    port = str(free_port())
    with firefox(tmp_path) as browser, painter(server) as brush:
        page = LivePage(browser)
        with webcapd("--display", server.name, "--port", port) as program:
            browser.visit(program.url)
            brush.fill(BLUE)
            wait_for_colour(page, BLUE)
            program.process.kill()
            page.wait_for_veil("No connection", "Since", "Try now")
            program.ended()
        brush.fill(RED)
        with webcapd("--display", server.name, "--port", port) as program:
            page.click(".veil-button")
            wait_for_colour(page, RED)
            os.kill(program.process.pid, signal.SIGSTOP)
            try:
                page.wait_for_veil("Silent", "No word")
            finally:
                os.kill(program.process.pid, signal.SIGCONT)
            wait_for_colour(page, RED)


def test_server_that_hangs_is_told(page: LivePage[Browser], server: XServer) -> None:
    with webcapd("--display", server.name) as program, painter(server) as brush:
        page.browser.visit(program.url)
        brush.fill(BLUE)
        wait_for_colour(page, BLUE)
        # Even if somebody has set the clock back.
        page.browser.evaluate("const real = Date.now; Date.now = () => real() - 3600e3; 0")
        os.kill(program.process.pid, signal.SIGSTOP)
        try:
            brush.fill(RED)
            page.wait_for_veil("Silent", "No word", "Since")
            page.wait_for_veil("No connection", "No word")
        finally:
            os.kill(program.process.pid, signal.SIGCONT)
        wait_for_colour(page, RED)


def test_a_path_keeps_its_letters(page: LivePage[Browser], tmp_path: Path) -> None:
    """It begins the sentence, and is no word of it."""
    with webcapd("--source", f"wcf:{tmp_path / 'no.wcf'}") as program:
        page.browser.visit(program.url)
        page.wait_for_veil("Display lost", f"wcf:{tmp_path / 'no.wcf'} is not there yet.")


def test_lost_display_is_told_and_comes_back(page: LivePage[Browser]) -> None:
    with mortal_server() as mortal:
        mortal.start_xvfb(200, 120)
        with webcapd("--display", mortal.name) as program:
            page.browser.visit(program.url)
            draw_and_wait(page, mortal, BLUE)
            mortal.kill()
            page.wait_for_veil("Display lost", "Since", "by itself")
            # Which reason that is may change, as more becomes known.
            wait_until(
                "what is told is what the server tells",
                lambda: program.info()["encoder"]["reason"][1:] in page.told()["veil"],
            )
            # The last picture stays, and not what is sent in its place.
            assert middle(page) == BLUE & 0xE0E0E0
            mortal.start_xvfb(240, 160)
            draw_and_wait(page, mortal, RED)
            wait_until("it has the new size", lambda: page.pixels().shape == (160, 240, 3))


def draw_and_wait(page: LivePage[Any], mortal: MortalServer, colour: int) -> None:
    with painter(mortal) as brush:
        brush.fill(colour)
        wait_for_colour(page, colour)


def test_token_that_lapses_is_told_and_asked_for_seldom(
    page: LivePage[Browser], server: XServer, tmp_path: Path
) -> None:
    """Each wrong token counts as a guess: it would shut out the whole address."""
    token = "a-token+with/odd&letters"
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{token}\n")
    files = ("--token-file", str(tokens))
    with webcapd("--display", server.name, *files, "--loghttp") as program:
        escaped = token.replace("+", "%2B").replace("&", "%26")
        page.browser.visit(f"{program.url}?token={escaped}")
        page.wait_for_live()
        offered = page.browser.evaluate("document.getElementById('lines').textContent")
        path = offered.partition("curl -o screen.jpg '")[2].partition("'")[0]
        assert program.get(path.removeprefix(program.url.rstrip("/")), "HEAD")[0] == 200
        assert "?info" not in page.browser.evaluate("document.body.innerHTML")

        tokens.write_text("another-token-for-others\n")
        page.wait_for_veil("No access", "Since", "Next try in", "Try now")
        assert len([line for line in program.lines if " 401 " in line]) <= 1
        tokens.write_text(f"{token}\n")
        page.click(".veil-button")
        page.wait_for_live()
        assert not [line for line in program.lines if token in line or "GET /?info" in line]


def test_refused_form_is_told_by_the_servers_own_sentence(
    page: LivePage[Browser], server: XServer
) -> None:
    with webcapd("--display", server.name) as program:
        page.browser.visit(f"{program.url}?crop=9000,0,5,5")
        status, _, sentence = program.get("/?updates&crop=9000,0,5,5")
        assert status == 400
        page.wait_for_veil("Refused", sentence.decode().strip()[1:], "Next try in")


@pytest.fixture(scope="module")
def behind(server: XServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Run the shipped haproxy before one display."""
    folder = tmp_path_factory.mktemp("front")
    make_certificate(folder)
    with front(folder) as running:
        program = instance(folder, 0, server.name)
        try:
            wait_until("it is up", lambda: running.get("/display/0/health")[0] == 200)
            yield running, program, folder
        finally:
            end(program)


def test_proxy_that_dies_is_told_and_comes_back(
    page: LivePage[Browser], server: XServer, behind: tuple[Front, Webcapd, Path]
) -> None:
    running, _, _ = behind
    with painter(server) as brush:
        page.browser.visit(f"https://localhost:{running.port}/display/0/")
        brush.fill(BLUE)
        wait_for_colour(page, BLUE)
        running.kill()
        brush.fill(RED)
        page.wait_for_veil("No connection", "Since")
        assert middle(page) == BLUE & 0xE0E0E0
        running.start()
        page.click(".veil-button")
        wait_for_colour(page, RED)


def test_page_below_a_path_asks_for_nothing_outside_of_it(
    page: LivePage[Browser], behind: tuple[Front, Webcapd, Path]
) -> None:
    running, _, _ = behind
    base = f"https://localhost:{running.port}/display/0/"
    page.browser.visit(base.rstrip("/"))
    page.wait_for_live()
    script = "performance.getEntriesByType('resource').map((entry) => entry.name)"
    names = page.browser.evaluate(script)
    assert names
    assert [name for name in names if not name.startswith((base, "data:"))] == []


def test_frame_shows_the_picture_and_nothing_else(page: LivePage[Browser], server: XServer) -> None:
    port = str(free_port())
    with (
        webcapd("--display", server.name, "--port", port) as program,
        painter(server) as brush,
    ):
        page.browser.visit(f"{program.url}?embed")
        brush.fill(BLUE)
        wait_for_colour(page, BLUE)
        visible = page.browser.evaluate(
            """[...document.querySelectorAll("body *")]
              .filter((element) => element.checkVisibility() && !element.closest(".unseen"))
              .map((element) => element.id || element.className || element.tagName)"""
        )
        assert visible == ["stage", "screen crisp", "CANVAS"]
        program.process.kill()
        page.wait_for_veil("No connection")
        program.ended()
        with webcapd("--display", server.name, "--port", port):
            brush.fill(RED)
            wait_for_colour(page, RED)


def test_frame_of_another_sites_page_shows_the_picture(
    page: LivePage[Browser], server: XServer
) -> None:
    browser = page.browser
    with (
        webcapd("--display", server.name) as other,
        webcapd("--display", server.name, "--allow-frame", f"http://localhost:{other.port}") as one,
        painter(server) as brush,
    ):
        browser.set_window(400, 300)
        browser.visit(f"http://localhost:{other.port}/?health")
        here = "location.search === '?health' && document.readyState === 'complete'"
        wait_until("the page", lambda: browser.evaluate(here))
        browser.evaluate(
            f"""const frame = Object.assign(document.createElement("iframe"), {{
              src: "{one.url}?embed", width: 300, height: 200 }});
            document.body.replaceChildren(frame); 0"""
        )
        for colour in (BLUE, RED):
            brush.fill(colour)
            wanted = [colour & 0xFF, colour >> 8 & 0xFF, colour >> 16]

            def shows(wanted: list[int] = wanted) -> bool:
                middle = browser.screenshot()[100, 150].astype(int)
                return bool(abs(middle - wanted).max() <= 12)

            wait_until("the frame shows the screen", shows)


def test_twenty_tabs_share_one_stream_without_alarm(
    browser: Browser, server: XServer, tmp_path: Path
) -> None:
    """Six connections to a server are all that a browser opens by HTTP/1.1."""
    with webcapd("--display", server.name) as program, painter(server) as brush:
        tabs = [LivePage(browser.tab()) for _ in range(20)]
        for tab in tabs:
            tab.browser.visit(program.url)
            tab.wait_for_live()
            tab.count_alarms()
        for colour in (BLUE, RED):
            brush.fill(colour)
            for tab in tabs:
                wait_for_colour(tab, colour)
            wait_until("one stream is left", lambda: len(program.info()["clients"]) == 1)
        # A tab that is closed takes nothing from the others.
        for tab in tabs[:10]:
            tab.browser.close()
        brush.fill(BLUE)
        for tab in tabs[10:]:
            wait_for_colour(tab, BLUE)
        wait_until("one stream is left", lambda: len(program.info()["clients"]) == 1)
        # Nor does one that comes: none was ever called anything but live.
        assert [tab.alarms() for tab in tabs[10:]] == [[]] * 10
        for tab in tabs[10:]:
            tab.browser.close()
        wait_until("the stream ends with the last tab", lambda: not program.info()["clients"])


def test_tabs_without_shared_workers_elect_one(browser: Browser, server: XServer) -> None:
    with webcapd("--display", server.name) as program, painter(server) as brush:
        tabs = [LivePage(browser.tab()) for _ in range(4)]
        for tab in tabs:
            tab.browser.call("Page.enable")
            script = "delete globalThis.SharedWorker;"
            tab.browser.call("Page.addScriptToEvaluateOnNewDocument", source=script)
            tab.browser.visit(program.url)
        brush.fill(RED)
        for tab in tabs:
            wait_for_colour(tab, RED)
        wait_until("one stream is left", lambda: len(program.info()["clients"]) == 1)
        for count, colour in enumerate((BLUE, RED, BLUE)):
            # Whoever led, another one leads when it is gone.
            tabs[count].browser.close()
            brush.fill(colour)
            for tab in tabs[count + 1 :]:
                wait_for_colour(tab, colour)
            wait_until("one stream is left", lambda: len(program.info()["clients"]) == 1)
        tabs[-1].browser.close()


def test_hidden_tab_lets_go_and_says_so_when_it_is_seen_again(
    page: LivePage[Browser], server: XServer
) -> None:
    with webcapd("--display", server.name) as program, painter(server) as brush:
        page.browser.visit(program.url)
        brush.fill(BLUE)
        wait_for_colour(page, BLUE)
        hide(page, True)
        wait_until("the stream ends", lambda: not program.info()["clients"])
        assert not page.is_live()
        brush.fill(RED)
        hide(page, False)
        wait_for_colour(page, RED)


def hide(page: LivePage[Browser], hidden: bool) -> None:
    page.browser.evaluate(
        f"""
        Object.defineProperty(document, "hidden", {{ value: {str(hidden).lower()}, configurable: true }});
        document.dispatchEvent(new Event("visibilitychange")); 0
        """  # noqa: E501
    )
