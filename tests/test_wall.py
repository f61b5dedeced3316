"""The wall in Chromium: nine displays behind haproxy, and displays of other servers without it."""

import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from axe import violations
from browser import Browser, chromium
from firefox import Firefox, firefox
from front import Front, end, front, instance, make_certificate
from mortal import mortal_server
from painter import painter
from program import Webcapd, webcapd
from waiting import wait_until
from xserver import XServer, xvfb

WIDTH, HEIGHT = 160, 120
COLUMNS = 3
NAMES = [f"Lab {number}" for number in range(1, 10)]
AnyRun = Callable[[Path], AbstractContextManager[Browser | Firefox]]

MARKUP = "<b>Late & new</b>"
TOKEN = "token-for-the-wall"
# JPEG's error, and that of scaling, in the middle of one colour.
TOLERANCE = 12

_TILES = """
Array.from(document.querySelectorAll("#tiles > .tile:not([hidden])"), (tile) => ({
  name: tile.querySelector(".name").textContent,
  state: tile.querySelector(".state").textContent,
  veil: tile.querySelector(".veil").hidden ? "" : tile.querySelector(".veil").textContent,
  grey: tile.querySelector(".screen").classList.contains("stale"),
  width: tile.querySelector(".stage").clientWidth,
}))
"""

_COLOURS = """
Array.from(document.querySelectorAll("#tiles canvas:not(.pointer)"), (canvas) => {
  const { width, height } = canvas;
  const copy = Object.assign(document.createElement("canvas"), { width, height });
  const context = copy.getContext("2d");
  context.drawImage(canvas, 0, 0);
  return Array.from(context.getImageData(width >> 1, height >> 1, 1, 1).data.slice(0, 3));
})
"""


class WallPage:
    """The wall in a browser, and what it shows."""

    def __init__(self, browser: Browser | Firefox, url: str) -> None:
        self.browser = browser
        if isinstance(browser, Browser):
            browser.call("Security.setIgnoreCertificateErrors", ignore=True)
            browser.watch()
        self.resize(1280, 720)
        browser.visit(url)

    def resize(self, width: int, height: int) -> None:
        self.browser.set_window(width, height)

    def tiles(self) -> dict[str, dict[str, Any]]:
        """Give the tiles that show, by name, in order."""
        return {tile["name"]: tile for tile in self.browser.evaluate(_TILES)}

    def wait(self, what: str, wanted: Callable[[dict[str, dict[str, Any]]], object]) -> None:
        """Wait until the tiles are as wanted."""
        tiles: list[Any] = []

        def holds() -> object:
            tiles[:] = [self.tiles()]
            return wanted(tiles[0])

        try:
            wait_until(what, holds)
        except AssertionError as error:
            raise AssertionError(f"{error}; there is {tiles}") from None

    def wait_until_live(self, names: list[str]) -> None:
        def live(tiles: dict[str, dict[str, Any]]) -> bool:
            return list(tiles) == names and all(map(is_live, tiles.values()))

        self.wait(f"{names} are live", live)

    def wait_for_title(self, begin: str) -> None:
        wait_until(begin, lambda: self.script("document.title").startswith(begin))

    def script(self, text: str) -> Any:
        return self.browser.evaluate(text)

    def click(self, name: str) -> None:
        self.script(
            "Array.from(document.querySelectorAll('.tile'), (tile) => tile.textContent.includes("
            f"{name!r}) && tile.querySelector('.stage').click())"
        )

    def press(self, key: str) -> None:
        self.script(f"document.dispatchEvent(new KeyboardEvent('keydown', {{ key: {key!r} }}))")


def is_live(tile: dict[str, Any]) -> bool:
    return tile["state"].startswith("Live") and not tile["veil"] and not tile["grey"]


def is_dead(tile: dict[str, Any], word: str) -> bool:
    """Whether a tile says in all its parts that it is not live."""
    said = tile["state"].startswith(f"{word} since ") and tile["veil"].startswith(word)
    return bool(said and tile["grey"])


class Nine:
    """Nine regions of one screen, a webcapd each, behind haproxy."""

    def __init__(self, front: Front, server: XServer) -> None:
        self.front, self.server = front, server
        self.programs: dict[int, Webcapd] = {}

    def start(self, number: int, name: str) -> None:
        column, row = number % COLUMNS, number // COLUMNS % COLUMNS
        place = ("--capture-x", str(column * WIDTH), "--capture-y", str(row * HEIGHT))
        size = ("--width", str(WIDTH), "--height", str(HEIGHT))
        self.programs[number] = instance(
            self.front.folder, number, self.server.name, *place, *size, "--name", name
        )

    def kill(self, number: int) -> None:
        self.programs[number].process.kill()
        self.programs[number].ended()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.front.port}/"


def colour_of(number: int) -> tuple[int, int, int]:
    return 25 * number + 10, 250 - 25 * number, 60 * (number % 4) + 20


@pytest.fixture
def nine(tmp_path: Path) -> Iterator[Nine]:
    make_certificate(tmp_path)
    with (
        xvfb(COLUMNS * WIDTH, COLUMNS * HEIGHT) as server,
        painter(server) as brush,
        front(tmp_path) as running,
    ):
        for number in range(9):
            red, green, blue = colour_of(number)
            place = (number % COLUMNS * WIDTH, number // COLUMNS * HEIGHT, WIDTH, HEIGHT)
            brush.rectangle(red << 16 | green << 8 | blue, *place)
        nine = Nine(running, server)
        try:
            # More at a time would only wait for each other.
            with ThreadPoolExecutor(3) as pool:
                list(pool.map(nine.start, range(9), NAMES))
            yield nine
        finally:
            for program in nine.programs.values():
                end(program)


def test_nine_displays_of_which_two_die_and_one_comes(nine: Nine, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as browser:
        page = WallPage(browser, f"{nine.url}?gone=10")
        page.wait_until_live(NAMES)
        page.wait_for_title("9 of 9 live")
        check_colours(page)
        check_arranged(page)
        check_costs(page, nine)
        assert browser.complaints() == []
        assert violations(browser) == []

        nine.kill(3)
        nine.kill(7)
        dead = [NAMES[3], NAMES[7]]
        page.wait(
            "two are gone, and the others are not",
            lambda tiles: (
                all(
                    is_dead(tile, "Gone") if name in dead else is_live(tile)
                    for name, tile in tiles.items()
                )
                and len(tiles) == 9
            ),
        )
        page.wait_for_title("7 of 9 live")
        nine.start(12, MARKUP)
        names = [name for name in NAMES if name not in dead]
        # What has gone leaves by itself; what is new comes by itself, and its name is text.
        page.wait_until_live([*names, MARKUP])
        nine.start(3, NAMES[3])
        page.wait_until_live([*names, MARKUP, NAMES[3]])

        check_full_size(page, nine)
        check_choice(page, [*names, MARKUP, NAMES[3]])
        check_frozen(page, nine)
        check_outage_of_the_front(page, nine)


def is_near(pixel: Sequence[int], colour: Sequence[int]) -> bool:
    return all(abs(a - b) <= TOLERANCE for a, b in zip(pixel, colour, strict=True))


def check_colours(page: WallPage) -> None:
    """See that each tile shows its own display."""

    def shown() -> bool:
        found = page.script(_COLOURS)
        return len(found) == 9 and all(
            is_near(pixel, colour_of(number)) for number, pixel in enumerate(found)
        )

    wait_until("each tile shows its display", shown)


def check_arranged(page: WallPage) -> None:
    """See that the tiles fill windows of any shape, without a scroll bar."""
    overflows = (
        "(() => { const list = document.getElementById('tiles');"
        "return list.scrollHeight > list.clientHeight || list.scrollWidth > list.clientWidth })()"
    )

    def wait_for_width(least: int, most: int, scrolls: bool) -> None:
        page.wait(
            f"tiles are {least} to {most} wide",
            lambda tiles: (
                all(least <= tile["width"] <= most for tile in tiles.values())
                and page.script(overflows) is scrolls
            ),
        )

    # In 3, 5 and 2 columns.
    for width, height, least in ((1280, 720, 250), (2560, 600, 310), (700, 1200, 220)):
        page.resize(width, height)
        wait_for_width(least, width // 2, scrolls=False)
    # On a phone they are as wide as makes sense, and it scrolls.
    page.resize(390, 500)
    wait_for_width(160, 195, scrolls=True)
    assert page.script("document.documentElement.scrollWidth") <= 390
    page.resize(1280, 720)
    wait_for_width(250, 640, scrolls=False)


def check_costs(page: WallPage, nine: Nine) -> None:
    """See that there is one connection, few requests, and small pictures."""
    requests = page.script(
        "performance.getEntriesByType('resource').map((one) => [one.name, one.nextHopProtocol])"
    )
    assert {protocol for _, protocol in requests} == {"h2"}
    names = [name for name, _ in requests if not name.endswith("/displays")]
    # Scripts and styles, each once for the page and once for a worker, and little else.
    parts = [name for name in names if "/page/" in name]
    assert len(parts) <= 2 * len(set(parts))
    assert len(names) - len(parts) < 15

    def widths() -> list[list[int]]:
        infos = [nine.front.info(number) for number in range(9)]
        return [[client["form"].get("width") for client in info["clients"]] for info in infos]

    wait_until("each is asked once, for the width of its tile", lambda: widths() == [[320]] * 9)
    # To nobody else, workers included.
    assert isinstance(page.browser, Browser)
    events = page.browser.events
    asked = [event["params"].get("request", {}).get("url", nine.url) for event in events]
    assert all(url.startswith((nine.url, "data:", "blob:")) for url in asked), asked


def check_full_size(page: WallPage, nine: Nine) -> None:
    page.click(NAMES[4])
    page.wait(
        "one fills the window",
        lambda tiles: list(tiles) == [NAMES[4]] and tiles[NAMES[4]]["width"] > 1000,
    )
    wait_until(
        "it is asked for in that size",
        lambda: [client["form"].get("width") for client in nine.front.info(4)["clients"]] == [960],
    )
    page.wait_until_live([NAMES[4]])
    wait_until(
        "those behind it cost next to nothing",
        lambda: [client["form"].get("width") for client in nine.front.info(0)["clients"]] == [160],
    )
    page.wait_for_title("9 of 9 live")
    assert page.script("location.hash") == "#%2Fdisplay%2F4%2F"
    page.press("ArrowRight")
    page.wait_until_live([NAMES[5]])
    page.script("history.back()")
    page.wait("all are back", lambda tiles: len(tiles) == 9)
    page.click(NAMES[4])
    page.wait("one fills the window", lambda tiles: len(tiles) == 1)
    page.press("Escape")
    page.wait("all are back", lambda tiles: len(tiles) == 9)


def check_choice(page: WallPage, listed: list[str]) -> None:
    def choose(name: str, value: str) -> None:
        page.script(
            f"Object.assign(document.getElementById('{name}'), {{ value: {value!r} }})"
            ".dispatchEvent(new Event('" + ("input" if name == "filter" else "change") + "'))"
        )

    choose("filter", "LAB 9")
    page.wait_until_live(["Lab 9"])
    assert "filter=LAB+9" in page.script("location.search")
    choose("filter", "")
    choose("order", "name")
    # Numbers in names count as numbers; letters come after markup.
    page.wait_until_live(sorted(listed))
    choose("order", "listed")
    page.wait_until_live(listed)


def check_frozen(page: WallPage, nine: Nine) -> None:
    """See that one that says nothing any more is not called live, though its connection holds."""
    process = nine.programs[5].process
    process.send_signal(signal.SIGSTOP)
    try:
        page.wait(
            "it is called silent, and the others are live",
            lambda tiles: all(
                is_dead(tile, "Silent") if name == NAMES[5] else is_live(tile)
                for name, tile in tiles.items()
            ),
        )
    finally:
        process.send_signal(signal.SIGCONT)
    # What is silent for long has left the wall by then, and comes back.
    page.wait("it is live again", lambda tiles: NAMES[5] in tiles and is_live(tiles[NAMES[5]]))


def check_outage_of_the_front(page: WallPage, nine: Nine) -> None:
    nine.front.kill()
    page.wait(
        "nothing is shown as live",
        lambda tiles: all(tile["grey"] and tile["veil"] for tile in tiles.values()),
    )
    wait_until(
        "the page says why",
        lambda: "No connection to the server." in page.script("document.body.innerText"),
    )
    nine.front.start()
    page.wait("all are live again", lambda tiles: all(map(is_live, tiles.values())))


def test_wall_without_a_proxy_shows_its_own_and_others(tmp_path: Path) -> None:
    """The server itself asks the others nothing; the browser does, if they allow it."""
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{TOKEN}\n")
    guard = ("--token-file", str(tokens))
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(xvfb(320, 200))

        def start(name: str, *arguments: str, display: str = server.name) -> Webcapd:
            return stack.enter_context(webcapd("--display", display, "--name", name, *arguments))

        open_one = start("open", "--allow-origin", "*")
        guarded = start("guarded", "--allow-origin", "*", *guard)
        closed = start("closed")
        mortal = stack.enter_context(mortal_server())
        mortal.start_xvfb(200, 100)
        fragile = start("fragile", "--allow-origin", "*", display=mortal.name)
        secret = start("secret", "--allow-origin", "*", *guard)
        walls = [open_one.url, f"{guarded.url}?token={TOKEN}", closed.url, fragile.url, secret.url]
        ours = start("ours", *guard, *(word for url in walls for word in ("--wall", url)))
        browser = stack.enter_context(chromium(tmp_path / "profile"))
        page = WallPage(browser, f"{ours.url}wall?token={TOKEN}")
        label, locked = (f"127.0.0.1:{one.port}" for one in (closed, secret))
        live = {"ours", "open", "guarded", "fragile"}
        page.wait(
            "those that can be read are live, and the other says what it needs",
            lambda tiles: (
                set(tiles) == {*live, label, locked}
                and all(is_live(tiles[name]) for name in live)
                and f"needs --allow-origin {ours.url.rstrip('/')}" in tiles[label]["veil"]
                and is_dead(tiles[locked], "No access")
                and "This page needs a token." in tiles[locked]["veil"]
            ),
        )
        assert next(iter(page.tiles())) == "ours"
        mortal.kill()
        page.wait(
            "the lost one says so",
            lambda tiles: is_dead(tiles["fragile"], "Display lost") and is_live(tiles["ours"]),
        )
        mortal.start_xvfb(200, 100)
        page.wait("it is back", lambda tiles: is_live(tiles["fragile"]))
        open_one.process.kill()
        page.wait(
            "who does not answer is not called gone, as it is expected",
            lambda tiles: is_dead(tiles["open"], "No connection"),
        )


@pytest.mark.parametrize("run", [chromium, firefox], ids=["chromium", "firefox"])
def test_carousel_shows_one_after_the_other(run: AnyRun, tmp_path: Path) -> None:
    with (
        xvfb(320, 200) as server,
        webcapd("--display", server.name, "--allow-origin", "*", "--name", "B") as other,
        webcapd("--display", server.name, "--wall", other.url, "--name", "A") as program,
        run(tmp_path) as browser,
    ):
        page = WallPage(browser, f"{program.url}wall?seconds=3")
        for name in ("A", "B", "A"):
            page.wait_until_live([name])
        pressed = "document.getElementById('carousel').ariaPressed"
        assert page.script(pressed) == "true"
        page.script("document.getElementById('carousel').click()")
        page.wait_until_live(["A", "B"])
        assert page.script(pressed) == "false"
        assert page.script("location.search") == ""
        assert browser.complaints() == []


def test_browser_that_cannot_read_updates_is_shown_streams(tmp_path: Path) -> None:
    with (
        xvfb(320, 200) as server,
        painter(server) as brush,
        webcapd("--display", server.name, "--name", "A") as program,
        chromium(tmp_path / "profile") as browser,
    ):
        brush.fill(0x2060C0)
        browser.call("Page.enable")
        browser.call(
            "Page.addScriptToEvaluateOnNewDocument", source="delete globalThis.DecompressionStream"
        )
        page = WallPage(browser, f"{program.url}wall")
        wait_until(
            "it shows the screen",
            lambda: is_near(browser.middle_pixel(".tile img") or (0, 0, 0), (0x20, 0x60, 0xC0)),
        )
        page.wait("it is live", lambda tiles: [*map(is_live, tiles.values())] == [True])
        # Whether the picture changes nobody tells such a browser: it is not said to rest.
        assert [tile["state"] for tile in page.tiles().values()] == ["Live"]
        program.process.kill()
        page.wait(
            "it is dead",
            lambda tiles: all(is_dead(tile, "No connection") for tile in tiles.values()),
        )


def test_wall_whose_token_expires_says_so_and_asks_no_more(tmp_path: Path) -> None:
    """Each wrong token counts as a guess: it would shut out the whole address."""
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{TOKEN}\n")
    with (
        xvfb(320, 200) as server,
        webcapd(
            *("--display", server.name, "--name", "A", "--token-file", str(tokens), "--loghttp")
        ) as program,
        chromium(tmp_path / "profile") as browser,
    ):
        page = WallPage(browser, f"{program.url}wall?token={TOKEN}")
        page.wait_until_live(["A"])
        tokens.write_text("another-token-for-others\n")
        page.wait("it says so", lambda tiles: not is_live(tiles["A"]) and tiles["A"]["veil"])
        # A stream's end says the one, and who asks again is told the other.
        why = ("token is unknown or has expired", "permission to look has ended")
        page.wait("why", lambda tiles: any(one in tiles["A"]["veil"] for one in why))
        wait_until("the list", lambda: page.script("!document.getElementById('notice').hidden"))
        refused = [line for line in program.lines if " 401 " in line]
        assert len(refused) <= 3, refused
