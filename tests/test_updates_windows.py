"""Windows that programs move, resize and end, as readers of updates see them."""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
from managers import OPENBOX, TWM, running
from program import webcapd
from textured import texture
from updateclient import UpdateClient, updates
from updatetruth import TruthReader, wait_for_truth
from waiting import wait_until
from Xlib import X
from Xlib.display import Display
from xserver import Pixels, XServer, xvfb

WIDTH, HEIGHT = 800, 600
WINDOW = (320, 240)


class Screen:
    """A display with a window, and a reader of what is seen of it."""

    def __init__(self, server: XServer, display: Display, client: UpdateClient) -> None:
        self.server, self.display, self.client = server, display, client
        self.random = np.random.default_rng(1)
        root = display.screen().root
        root.change_attributes(background_pixmap=texture(display, self.random))
        root.clear_area()
        self.window = self.open(100, 90, *WINDOW)

    def open(self, x: int, y: int, width: int, height: int) -> Any:  # A window.
        window = self.display.screen().root.create_window(
            x, y, width, height, 0, 24, background_pixmap=texture(self.display, self.random)
        )
        window.map()
        self.display.sync()
        return window

    @property
    def _reader(self) -> TruthReader:
        assert isinstance(self.client.reader, TruthReader)
        return self.client.reader

    @property
    def copied(self) -> int:
        return self._reader.copied

    @property
    def lossy(self) -> int:
        """Pixels that came as JPEG."""
        return int(self._reader.marked.sum())

    def wait(self) -> None:
        wait_for_truth(self.client, self.server.pixels)

    def differs(self, before: Pixels) -> bool:
        return bool((self.server.pixels() != before).any())

    def act(self, act: Callable[[], object]) -> None:
        """Do something, and wait until it is seen."""
        before = self.server.pixels()
        act()
        self.display.sync()
        wait_until("it happens", partial(self.differs, before))
        self.wait()

    def move(self, x: int, y: int) -> None:
        self.act(lambda: self.window.configure(x=x, y=y))


@pytest.fixture(params=[(), OPENBOX, TWM], ids=["bare", "openbox", "twm"], scope="module")
def screen(request: pytest.FixtureRequest) -> Iterator[Screen]:
    manager: Sequence[str] = request.param
    with (
        xvfb(WIDTH, HEIGHT) as server,
        running(server, *manager) if manager else contextlib.nullcontext(),
        webcapd("--display", server.name, "--paint-over-quality", "90") as program,
        updates(program, reader=TruthReader()) as client,
        server.connected() as display,
    ):
        screen = Screen(server, display, client)
        screen.wait()
        yield screen


def test_window_that_is_dragged_is_copied(screen: Screen) -> None:
    screen.move(10, 20)
    places = [(10 + 9 * step, 20 + 7 * step) for step in range(1, 21)]
    places += [(x, y - 60) for x, y in reversed(places)]
    copied, sent = screen.copied, screen.client.bytes
    for place in places:
        screen.move(*place)
    # A search that was in vain, as for what comes out from below, is not done again at once.
    assert screen.copied - copied > len(places) * WINDOW[0] * WINDOW[1] / 2
    # The window itself takes 6 kB, what comes out from below it less than one.
    assert screen.client.bytes - sent < len(places) * 3000


def test_windows_are_resized_restacked_unmapped_and_destroyed(screen: Screen) -> None:
    other = screen.open(200, 150, 300, 200)
    for window in (screen.window, other):
        # A window manager may see to that, or not.
        window.configure(stack_mode=X.Above)
        screen.display.sync()
        screen.wait()
    for width, height in ((500, 40), (41, 333), WINDOW):
        screen.act(partial(other.configure, width=width, height=height))
    for _ in range(2):
        screen.act(other.unmap)
        screen.act(other.map)
    screen.act(other.destroy)


def test_programs_draw_scroll_and_end(screen: Screen) -> None:
    """What they draw is smooth, and scrolled by the server."""
    environment = {**os.environ, "DISPLAY": screen.server.name}
    quiet = subprocess.DEVNULL
    for command in (["xclock", "-update", "1"], ["xeyes"]):
        before = screen.server.pixels()
        with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet) as program:
            wait_until("it draws", partial(screen.differs, before))
            screen.wait()
            program.kill()
        screen.wait()
    gc = screen.window.create_gc()
    for _ in range(10):
        screen.act(lambda: screen.window.copy_area(gc, screen.window, 0, 17, *WINDOW, 0, 0))
    # Smooth, and yet of many colours: a photograph.
    down, right = np.indices((120, 160))
    planes = np.stack((down, right, (down + right) // 2, down * 0), 2)
    photo = (planes + screen.random.integers(0, 48, (120, 160, 1))).astype(np.uint8)
    # There at once: what is seen of it in strips may be sent exactly.
    pixmap = screen.window.create_pixmap(160, 120, 24)
    for top in range(0, 120, 24):
        rows = photo[top : top + 24].tobytes()
        pixmap.put_image(gc, 0, top, 160, 24, X.ZPixmap, 24, 0, rows)
    screen.act(lambda: screen.window.copy_area(gc, pixmap, 0, 0, 160, 120, 30, 40))
    lossy = screen.lossy
    assert lossy >= 160 * 120, "a photograph is sent exactly"
    screen.move(333, 222)
    screen.act(lambda: screen.window.clear_area())
    assert screen.lossy < lossy / 2
