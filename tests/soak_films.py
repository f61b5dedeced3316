"""Browsers play what moves for long, and stay with it."""

import contextlib
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from eitherbrowser import either
from livepage import AnyBrowser, LivePage
from painter import Painter, painter
from program import webcapd
from soak import scenario
from waiting import wait_until
from xserver import xvfb

WIDTH, HEIGHT = 640, 360
# No secure context: there, pages have no WebCodecs and play by a <video>.
NAME = "webcapd.test"

# Each frame has its number, a bit a block from the left, in the uppermost rows.
_BITS, _BLOCK = 12, 16
_NUMBERS = 1 << _BITS

_READ = f"""(() => {{
  const shown = document.querySelector(".screen > :first-child");
  if (!(shown?.videoWidth ?? shown?.width)) return -1;
  const copy = globalThis.numberCopy ??= Object.assign(document.createElement("canvas"),
    {{ width: {_BITS * _BLOCK}, height: {_BLOCK} }});
  const context = copy.getContext("2d", {{ willReadFrequently: true }});
  context.drawImage(shown, 0, 0);
  const {{ data }} = context.getImageData(0, {_BLOCK // 2}, copy.width, 1);
  let number = 0;
  for (let bit = 0; bit < {_BITS}; bit++)
    number |= (data[4 * (bit * {_BLOCK} + {_BLOCK // 2}) + 1] > 128) << bit;
  return number;
}})()"""

# So far behind is more than a machine with much else to do explains.
_LATE_SECONDS = 8.0


class Film:
    """What is on the screen: another picture 25 times a second."""

    def __init__(self, brush: Painter) -> None:
        self._brush = brush
        # Noise, which takes so many bytes that a <video> has to begin anew meanwhile.
        grey = np.random.default_rng(3).integers(0, 256, (7, HEIGHT - _BLOCK, WIDTH, 1), np.uint8)
        self._pictures = grey.repeat(3, 3)
        self.drawn = 0
        """Number of the frame that is on the screen."""

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Show it until the context ends."""
        ended = threading.Event()

        def run() -> None:
            while not ended.wait(0.04):
                self._draw(self.drawn + 1)

        thread = threading.Thread(target=run, name="film")
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _draw(self, number: int) -> None:
        bits = np.array([number >> bit & 1 for bit in range(_BITS)], np.uint8) * 255
        row = np.zeros((_BLOCK, WIDTH, 3), np.uint8)
        row[:, : _BITS * _BLOCK] = bits.repeat(_BLOCK)[:, None]
        self._brush.image(np.vstack([row, self._pictures[number % len(self._pictures)]]))
        self.drawn = number


@scenario("films", 30)
def play_on(count: int) -> str:
    """Play COUNT seconds of a film by WebCodecs and in a <video>: it stays with the screen.

    At less than 10, in Chromium only.
    """
    told = []
    with (
        xvfb(WIDTH, HEIGHT) as server,
        painter(server) as brush,
        webcapd("--display", server.name, "--allow-host", NAME) as program,
    ):
        urls = {
            "WebCodecs": program.url,
            "<video>": program.url.replace("127.0.0.1", NAME),
        }
        for kind in ("chromium", "firefox")[: 1 + (count >= 10)]:
            with (
                tempfile.TemporaryDirectory() as profile,
                either(
                    kind, Path(profile), f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
                ) as browser,
            ):
                for way, url in urls.items():
                    browser.visit(f"{url}?way=video")
                    page = LivePage(browser)
                    page.wait_for_live()
                    late = watch(browser, Film(brush), count)
                    page.wait_for(server.pixels, 8)
                    told.append(f"{kind} by {way} up to {late:.1f} s behind")
                browser.visit("about:blank")
    return ", ".join(told)


def watch(browser: AnyBrowser, film: Film, seconds: float) -> float:
    """See that a film is seen as it goes on, for so long; gives how far behind that was at most."""
    worst, began = 0.0, time.monotonic()
    with film.shown():
        while time.monotonic() - began < seconds:
            asked, wanted = time.monotonic(), film.drawn

            def is_seen(wanted: int = wanted) -> bool:
                number: int = browser.evaluate(_READ)
                # What the screen has not shown yet is what was there before the film.
                return number >= 0 and 0 <= (number - wanted) % _NUMBERS <= film.drawn - wanted

            wait_until(f"frame {wanted} is seen", is_seen)
            worst = max(worst, time.monotonic() - asked)
    assert worst < _LATE_SECONDS, f"{worst:.1f} s behind"
    return worst
