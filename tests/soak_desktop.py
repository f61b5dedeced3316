"""Everything at once: at the end of it viewers see what is there."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import mjpeg
import numpy as np
from pointer import Wardrobe, push, shape, warp, with_pointer
from program import webcapd
from reader import reader
from resizing import resize
from soak import scenario
from textured import texture
from Xlib import X
from Xlib.display import Display
from Xlib.xobject.drawable import Window
from xserver import xvfb

WIDTH, HEIGHT = 400, 300
SIZES = [(WIDTH, HEIGHT), (320, 200), (399, 17), (100, 299), (64, 64)]
STEPS_BETWEEN = 100
MAX_WINDOWS = 12


class Desktop:
    """A restless person's desktop: what happens follows from the seed alone.

    Its windows are left alone by a window manager unless they are ``managed``, and of one colour
    unless they are ``textured``.
    """

    def __init__(
        self, display: Display, seed: int, managed: bool = False, textured: bool = False
    ) -> None:
        self._display = display
        self._managed, self._textured = managed, textured
        # Small ones are not copied when they move.
        self._least = 120 if textured else 20
        self._random = np.random.default_rng(seed)
        self._windows: list[Window] = []
        self._wardrobe = Wardrobe(display)
        self.deeds: list[Callable[[], None]] = [
            *(self._open, self._move, self._restack, self._close),
            *(3 * [self._draw] + 3 * [self._scroll] + 2 * [self._push]),
            *(self._warp, self._dress),
        ]

    def step(self, number: int) -> None:
        """Do something; now and then the screen gets another size."""
        if number % 40 == 39:
            resize(self._display, *SIZES[self._below(len(SIZES))])
        else:
            self.deeds[self._below(len(self.deeds))]()
        self._display.sync()
        # So that much is seen half-done: without a pause it would all be over
        # after a few frames.
        time.sleep(0.001 * self._below(12))

    def _below(self, limit: int) -> int:
        return int(self._random.integers(0, limit))

    def _place(self) -> tuple[int, int]:
        """Give a place on the screen, or a little beside it."""
        return self._below(WIDTH + 40) - 20, self._below(HEIGHT + 40) - 20

    def _window(self) -> Any:  # A window: the stubs know too little of those.
        if not self._windows:
            self._open()
        return self._windows[self._below(len(self._windows))]

    def _open(self) -> None:
        if len(self._windows) == MAX_WINDOWS:
            self._close()
        window = self._display.screen().root.create_window(
            *self._place(), self._least + self._below(200), self._least + self._below(150),
            self._below(3), 24,
            override_redirect=not self._managed, background_pixel=self._below(1 << 24),
        )  # fmt: skip
        if self._textured:
            pixmap = texture(self._display, self._random)
            window.change_attributes(background_pixmap=pixmap)
            pixmap.free()
        window.map()
        self._windows.append(window)

    def _close(self) -> None:
        if self._windows:
            self._windows.pop(self._below(len(self._windows))).destroy()

    def _move(self) -> None:
        x, y = self._place()
        window = self._window()
        window.configure(x=x, y=y, width=self._least + self._below(200))
        if self._textured:
            # Pushed on as by a hand, in its new size.
            for _ in range(4):
                x, y = x + 3, y + 2
                self._display.sync()
                time.sleep(0.02)
                window.configure(x=x, y=y)

    def _restack(self) -> None:
        self._window().configure(stack_mode=(X.Above, X.Below)[self._below(2)])

    def _draw(self) -> None:
        window = self._window()
        gc = window.create_gc(foreground=self._below(1 << 24))
        for _ in range(1 + self._below(5)):
            window.fill_rectangle(gc, *self._place(), 1 + self._below(60), 1 + self._below(40))
        noise = self._random.bytes(16 * 16 * 4)
        window.put_image(gc, *self._place(), 16, 16, X.ZPixmap, 24, 0, noise)
        gc.free()

    def _scroll(self) -> None:
        window = self._window()
        gc = window.create_gc()
        window.copy_area(gc, window, 0, 1 + self._below(9), 300, 200, 0, 0)
        gc.free()

    def _push(self) -> None:
        push(self._display, *self._place())

    def _warp(self) -> None:
        warp(self._display, *self._place())

    def _dress(self) -> None:
        width, height = 1 + self._below(40), 1 + self._below(40)
        look = shape(width, height, (width // 2, height // 3), self._below(1000))
        cursor = self._wardrobe.still(look)
        self._window().change_attributes(cursor=cursor)
        cursor.free()


def _live(count: int, server_options: Sequence[str], options: Sequence[str]) -> str:
    """Let somebody use a desktop for some steps; now and then, viewers must see what is there."""
    with (
        xvfb(WIDTH, HEIGHT, *server_options) as server,
        webcapd(
            *("--display", server.name, "--capture-cursor"),
            *("--keepalive", "0.5", "--fps", "120", *options),
        ) as program,
        reader(program) as viewer,
        server.connected() as display,
    ):
        desktop = Desktop(display, seed=2026)
        for number in range(1, count + 1):
            desktop.step(number)
            if number % STEPS_BETWEEN == 0 or number == count:
                viewer.wait_for(mjpeg.decode(mjpeg.encode(with_pointer(server))))
        # A change of size is no outage.
        assert program.info()["encoder"]["outages"] == 0
        return f"shown as it was, in the end of {viewer.parts} pictures and before"


@scenario("desktop", 4000)
def desktop(count: int) -> str:
    """Use a desktop restlessly, and see that it is shown as it is."""
    return _live(count, (), ())


@scenario("desktop-without-shm", 4000)
def desktop_without_shm(count: int) -> str:
    """Use a desktop restlessly, its pixels coming through the connection."""
    return _live(count, (), ("--shm", "off"))


@scenario("desktop-polled", 4000)
def desktop_polled(count: int) -> str:
    """Use a desktop restlessly, on a server that reports no damage."""
    return _live(count, ("-extension", "DAMAGE"), ())
