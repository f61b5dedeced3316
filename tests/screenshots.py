"""Make the screenshots of the documents, from the real page.

script/screenshots writes them into docs/images/, or the folder that it is given.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cv2
import numpy as np
from browser import Browser, chromium
from desktopscene import desktop
from front import end, front, instance, make_certificate
from livepage import LivePage
from mortal import mortal_server
from painter import painter
from PIL import Image
from program import ROOT, Webcapd, webcapd
from waiting import wait_until
from xserver import Pixels, xvfb

DESKTOP, PHONE, ACROSS, WALL = (1200, 750), (390, 760), (760, 360), (1400, 660)
COLUMNS, ROWS = 3, 2
MAX_BYTES = 150_000
# The texts of bar and captions must not tell how long it took to make the picture.
_FREEZE = """
  setInterval(() => {
    for (const state of document.querySelectorAll("#state, .state")) {
      const text = state.textContent.replace(/unchanged for .*/, "unchanged for 12 s");
      if (state.textContent !== text) state.textContent = text;
    }
  }, 1);
  0
"""


def save(pixels: Pixels, path: Path) -> None:
    """Write a PNG of few colours, which page and scene have."""
    image = Image.fromarray(np.ascontiguousarray(pixels[..., ::-1]))
    for colours in (255, 128, 64, 32):
        image.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size < MAX_BYTES:
            break
    print(f"{path}: {path.stat().st_size // 1024} KB")


class Studio:
    """A browser, and where its pictures go."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.browser = browser
        self.page = LivePage(browser)
        self.folder = folder

    def look(self, size: tuple[int, int], scheme: str, density: float = 1) -> None:
        """Set the size of the window, and whether it is light or dark."""
        self.browser.set_window(*size, density)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.browser.call("Emulation.setEmulatedMedia", features=features)

    def shoot(self, name: str) -> None:
        self.browser.evaluate(_FREEZE)
        before = self.browser.screenshot()

        def rests() -> bool:
            nonlocal before
            time.sleep(0.3)
            now = self.browser.screenshot()
            same = now.shape == before.shape and cv2.absdiff(now, before).mean() < 0.02
            before = now
            return bool(same)

        wait_until("the page rests", rests)
        save(before, self.folder / f"{name}.png")

    def open(self, url: str) -> None:
        self.browser.visit(url)
        self.page.wait_for_live()
        wait_until("it rests", lambda: "unchanged" in self.page.told()["bar"])


@contextmanager
def studio(folder: Path) -> Iterator[Studio]:
    with tempfile.TemporaryDirectory() as profile, chromium(Path(profile)) as browser:
        browser.call("Emulation.setScrollbarsHidden", hidden=True)
        yield Studio(browser, folder)


def shoot_page(folder: Path) -> None:
    """Shoot the live page, of a display that is lost in the end."""
    with mortal_server() as mortal, studio(folder) as room:
        mortal.start_xvfb(1280, 800)
        with webcapd("--display", mortal.name, "--name", "Lab 3") as program:
            with painter(mortal) as brush:
                brush.image(desktop())
                room.look(DESKTOP, "light")
                room.open(program.url)
                room.shoot("page-light")
                room.look(DESKTOP, "dark")
                room.page.click("#open")
                room.shoot("page-dark-menu")
                room.page.click("#open")
                room.browser.evaluate("document.activeElement.blur()")
                room.look(PHONE, "light", 2)
                room.shoot("page-phone")
                room.look(ACROSS, "dark", 1.5)
                room.shoot("page-phone-across")
            room.look(DESKTOP, "dark")
            with painter(mortal) as brush:
                brush.image(desktop())
                wait_until("it shows", lambda: room.page.pixels().std() > 20)
                mortal.process.kill()
                mortal.process.wait()
            room.page.wait_for_veil("Display lost")
            room.shoot("page-lost")


def shoot_wall(folder: Path) -> None:
    """Shoot the wall, behind haproxy: of six displays one is lost, and one has just gone."""
    width, height = 1280, 800
    with ExitStack() as stack:
        run = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        make_certificate(run)
        room = stack.enter_context(studio(folder))
        running = stack.enter_context(front(run))
        server = stack.enter_context(xvfb(COLUMNS * width, ROWS * height))
        brush = stack.enter_context(painter(server))
        mortal = stack.enter_context(mortal_server())
        mortal.start_xvfb(width, height)

        def start(number: int, display: str, *region: str) -> Webcapd:
            program = instance(run, number, display, "--name", f"Lab {number + 1}", *region)
            stack.callback(end, program)
            return program

        programs = []
        for number in range(COLUMNS * ROWS - 1):
            x, y = number % COLUMNS * width, number // COLUMNS * height
            brush.image(desktop(width, height, number), x, y)
            region = {"capture-x": x, "capture-y": y, "width": width, "height": height}
            words = [word for name, at in region.items() for word in (f"--{name}", str(at))]
            programs.append(start(number, server.name, *words))
        last = stack.enter_context(painter(mortal))
        last.image(desktop(width, height, len(programs)))
        start(len(programs), mortal.name)
        room.look(WALL, "dark")
        room.browser.call("Security.setIgnoreCertificateErrors", ignore=True)
        room.browser.visit(f"https://localhost:{running.port}/?gone=600")
        summary = "document.getElementById('summary')?.textContent"
        wait_until("all are live", lambda: room.browser.evaluate(summary) == "6 of 6 live")
        mortal.kill()
        programs[1].process.kill()
        text = "document.body.innerText"
        for word in ("Gone", "Display lost"):
            wait_until(word, lambda word=word: word in room.browser.evaluate(text))  # type: ignore[misc]
        room.shoot("wall")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    shoot_page(folder)
    shoot_wall(folder)


if __name__ == "__main__":
    main()
