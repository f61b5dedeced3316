"""webcapd's own page in a browser: what it says, and what its canvas shows."""

import base64
import json
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import cv2
import numpy as np
from browser import png_pixels
from waiting import wait_until
from xserver import Pixels

# Of a canvas whose drawing is a worker's business, only copies can be read.
_READ = """
(() => {
  const shown = document.querySelector(".screen > :first-child");
  const width = shown?.naturalWidth ?? shown?.videoWidth ?? shown?.width;
  const height = shown?.naturalHeight ?? shown?.videoHeight ?? shown?.height;
  if (!width || !height) return null;
  const copy = Object.assign(document.createElement("canvas"), { width, height });
  const context = copy.getContext("2d");
  context.drawImage(shown, 0, 0);
  for (const video of document.querySelectorAll(".screen > video.moving")) {
    const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = video;
    context.drawImage(video, offsetLeft, offsetTop, offsetWidth, offsetHeight);
  }
  return copy.toDataURL("image/png");
})()
"""

_TEXT = """
(() => {
  const veil = document.querySelector(".veil");
  const text = (element) => element?.hidden === false ? element.innerText : "";
  return {
    title: document.title, veil: text(veil), bar: document.getElementById("state")?.innerText ?? "",
    stale: document.querySelector(".screen")?.classList.contains("stale") ?? true,
    icon: document.querySelector('link[rel="icon"]')?.href ?? "",
  };
})()
"""


_COUNT = """
  globalThis.alarms = [];
  new MutationObserver((changes) => {
    if (changes[0].target.classList.contains("stale")) alarms.push(document.title);
  }).observe(document.querySelector(".screen"), { attributeFilter: ["class"] });
  0
"""


class AnyBrowser(Protocol):
    """A browser with one page."""

    def visit(self, url: str) -> None: ...
    def evaluate(self, script: str) -> Any: ...
    def promised(self, script: str) -> Any: ...
    def screenshot(self) -> Pixels: ...
    def set_window(self, width: int, height: int, density: float = 1) -> None: ...
    def turn_wheel(self, x: int, y: int, delta: int) -> None: ...
    def drag(self, x: int, y: int, to_x: int) -> None: ...
    def press(self, key: str) -> None: ...
    def complaints(self) -> list[Any]: ...


_Kind = TypeVar("_Kind", bound=AnyBrowser)


class LivePage(Generic[_Kind]):
    """The page that a browser shows."""

    def __init__(self, browser: _Kind) -> None:
        self.browser = browser

    def told(self) -> dict[str, Any]:
        """Give all that the page says: title, veil, bar, icon; whether it is dimmed."""
        told: dict[str, Any] = self.browser.evaluate(_TEXT)
        return told

    def is_live(self) -> bool:
        """Whether the page claims to be live; it must then say so in every way, or in none."""
        told = self.told()
        live = not told["stale"]
        assert not live or not told["veil"], told
        assert live == told["title"].endswith(" live"), told
        return live

    def count_alarms(self) -> None:
        """Count, from now on, how often the picture is dimmed."""
        self.browser.evaluate(_COUNT)

    def alarms(self) -> list[str]:
        """Give the titles of when the picture has been dimmed since count_alarms()."""
        titles: list[str] = self.browser.evaluate("globalThis.alarms")
        return titles

    def pixels(self) -> Pixels:
        """Give what is on the canvas, as B, G, R; nothing before there is any."""
        data = self.browser.evaluate(_READ)
        if data is None:
            return np.zeros((0, 0, 3), np.uint8)
        return png_pixels(base64.b64decode(data.partition(",")[2]))

    def wait_for_live(self) -> None:
        wait_until("the page is live", self.is_live)

    def wait_for_veil(self, *texts: str) -> str:
        """Wait until the picture is covered by these texts; gives all that is said."""

        def covered() -> str:
            told = self.told()
            said = str(told["veil"])
            return said if told["stale"] and all(text in said for text in texts) else ""

        return wait_until(f"the page says {texts}", covered)

    def wait_for(self, wanted: Callable[[], Pixels], tolerance: float = 0.0) -> None:
        """Wait until the page is live and shows this, or near that on average."""

        def shows() -> bool:
            shown, pixels = self.pixels(), wanted()
            if shown.shape != pixels.shape or not self.is_live():
                return False
            return float(cv2.absdiff(shown, pixels).mean()) <= tolerance

        wait_until("the canvas shows the screen", shows)

    def click(self, selector: str) -> None:
        self.browser.evaluate(f"document.querySelector({json.dumps(selector)}).click(); 0")
