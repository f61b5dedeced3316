"""webcapd's own page in a browser, as somebody with a token sees it."""

from pathlib import Path

import numpy as np
from browser import Browser, chromium
from painter import painter
from program import Webcapd, webcapd
from waiting import wait_until
from xserver import XServer

TOKEN = "a-token+with/odd&letters"
COLOUR = (0x20, 0x60, 0xC0)
TOLERANCE = 12


def state_line(browser: Browser) -> str:
    return str(browser.evaluate('document.getElementById("state")?.textContent'))


def text_of(browser: Browser) -> str:
    return str(browser.evaluate("document.body.innerText"))


def wait_for_picture(browser: Browser) -> None:
    def shown() -> bool:
        pixel = browser.middle_pixel("#screen")
        return pixel is not None and bool(np.abs(np.subtract(pixel, COLOUR)).max() <= TOLERANCE)

    wait_until("the browser shows the screen", shown)


def wait_for_state(browser: Browser, wanted: str) -> None:
    wait_until(f"the page tells {wanted!r}", lambda: wanted in state_line(browser))


def address(program: Webcapd, token: str) -> str:
    return f"{program.url}?token={token.replace('+', '%2B').replace('&', '%26')}"


def test_page_hands_its_token_on_and_tells_health(server: XServer, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{TOKEN}\n")
    files = ("--token-file", str(tokens))
    with (
        webcapd("--display", server.name, *files, "--keepalive", "0.5", "--loghttp") as program,
        painter(server) as brush,
        chromium(tmp_path / "profile") as browser,
    ):
        brush.fill(COLOUR[0] << 16 | COLOUR[1] << 8 | COLOUR[2])
        browser.visit(address(program, TOKEN))
        wait_for_picture(browser)
        wait_for_state(browser, "live")
        # What it offers for copying works elsewhere; the state page is not for tokens.
        offered = text_of(browser)
        assert f"{program.url}?snapshot&token=" in offered
        assert "?info" not in offered
        path = offered.partition(program.url)[2].partition('"')[0]
        assert program.get(f"/{path}", "HEAD")[0] == 200
        # It has asked for the state once, and learnt.
        wait_until("health is asked for again", lambda: asked(program, "health") >= 2)
        assert asked(program, "info") == 1
        assert not [line for line in program.lines if " 401 " in line or TOKEN in line]

        tokens.write_text("another-token-for-others\n")
        browser.visit("about:blank")
        browser.visit(address(program, TOKEN))
        program.wait_for_line(lambda line: line.endswith(" 401 -"))


def asked(program: Webcapd, page: str) -> int:
    return len([line for line in program.lines if f"GET /?{page}" in line])


def test_page_whose_token_lapses_says_so_and_asks_no_more(server: XServer, tmp_path: Path) -> None:
    """Each wrong token counts as a guess: it would shut out the whole address."""
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{TOKEN}\n")
    with (
        webcapd("--display", server.name, "--token-file", str(tokens), "--loghttp") as program,
        chromium(tmp_path / "profile") as browser,
    ):
        browser.visit(address(program, TOKEN))
        wait_for_state(browser, "live")
        browser.evaluate("forbidden = false")
        tokens.write_text("another-token-for-others\n")
        wait_for_state(browser, "the token is unknown or has expired")
        assert browser.evaluate("revoked")


def test_page_without_a_token_tells_the_state(server: XServer, tmp_path: Path) -> None:
    with (
        webcapd("--display", server.name) as program,
        chromium(tmp_path) as browser,
    ):
        browser.visit(program.url)
        wait_for_state(browser, f"{server.name} · 640")
        assert f"{program.url}?info" in text_of(browser)
