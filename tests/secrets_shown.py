"""Programs whose windows show what nobody may see, in all the ways windows come and go.

What they show is loud (loud.py) while their title says that it is secret, and
silent else.
"""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from loud import LOUD
from program import TIMEOUT
from Xlib import X, Xutil
from Xlib.display import Display
from Xlib.protocol import event
from Xlib.xobject.drawable import Window
from xserver import XServer

from webcapd.capture.geometry import Rectangle

TITLE = "Secret letters"
HARMLESS = "Weather"

_SILENT = 0x404000

# How long things last, in seconds: some end before anyone can look.
_LIVES = (0.0, 0.0, 0.001, 0.003, 0.01, 0.03, 0.05, 0.1)


class Secrets:
    """One program; what it does is done at the server when a call returns."""

    def __init__(self, display: Display, cell: Rectangle, generator: random.Random) -> None:
        """Have windows in a cell of the screen only, as far as a window manager lets it."""
        self._display, self._cell, self._random = display, cell, generator
        self._titles = [
            (display.intern_atom("WM_NAME"), display.intern_atom("STRING")),
            (display.intern_atom("WM_NAME"), display.intern_atom("COMPOUND_TEXT")),
            (display.intern_atom("_NET_WM_NAME"), display.intern_atom("UTF8_STRING")),
        ]
        self.acts: tuple[Callable[[], None], ...] = (
            self.live,
            self.map_and_unmap,
            self.retitle,
            self.move,
            self.iconify,
            self.hold_a_titled_one,
        )

    def act(self, number: int) -> None:
        """Do one thing after the other, by number."""
        self.acts[number % len(self.acts)]()

    def _last(self) -> None:
        """Let a life go by; the server has then done all that was asked for."""
        self._display.sync()
        time.sleep(self._random.choice(_LIVES))

    def _window(self, colour: int, border: int = 0) -> Window:
        width, height = self._random.randint(20, 60), self._random.randint(20, 60)
        x = self._cell.x + self._random.randint(0, self._cell.width - 80)
        y = self._cell.y + self._random.randint(20, self._cell.height - 80)
        window: Window = self._display.screen().root.create_window(
            *(x, y, width, height, border, 24),
            background_pixel=colour,
            border_pixel=colour,
            override_redirect=self._random.random() < 0.3,
        )
        window.set_wm_normal_hints(flags=Xutil.USPosition | Xutil.USSize, x=x, y=y)
        return window

    def _entitle(self, window: Window, title: str) -> None:
        atom, kind = self._random.choice(self._titles)
        for other in {one for one, _ in self._titles} - {atom}:
            window.delete_property(other)
        window.change_property(atom, kind, 8, title.encode())

    def live(self) -> None:
        """Open a window, with a border, and close it."""
        window = self._window(LOUD[24], border=self._random.choice((0, 3)))
        self._entitle(window, TITLE)
        window.map()
        self._last()
        window.destroy()

    def map_and_unmap(self) -> None:
        window = self._window(LOUD[24])
        self._entitle(window, TITLE)
        for _ in range(3):
            window.map()
            self._last()
            window.unmap()
            self._last()
        window.destroy()

    def retitle(self) -> None:
        """Have a window that shows secrets for a while."""
        window = self._window(_SILENT)
        self._entitle(window, HARMLESS)
        window.map()
        self._last()
        self._entitle(window, TITLE)
        self._paint(window, LOUD[24])
        self._last()
        self._paint(window, _SILENT)
        self._entitle(window, HARMLESS)
        self._last()
        window.destroy()

    def _paint(self, window: Window, colour: int) -> None:
        window.change_attributes(background_pixel=colour)
        window.clear_area()

    def move(self) -> None:
        window = self._window(LOUD[24])
        self._entitle(window, TITLE)
        window.map()
        for _ in range(5):
            self._last()
            window.configure(
                x=self._cell.x + self._random.randint(0, self._cell.width - 80),
                y=self._cell.y + self._random.randint(20, self._cell.height - 80),
                width=self._random.randint(20, 60),
            )
        self._last()
        window.destroy()

    def iconify(self) -> None:
        """Ask for it as ICCCM has it; without a window manager nothing happens."""
        window = self._window(LOUD[24])
        self._entitle(window, TITLE)
        window.map()
        self._last()
        atom = self._display.intern_atom("WM_CHANGE_STATE")
        data = (32, [Xutil.IconicState, 0, 0, 0, 0])
        wish = event.ClientMessage(window=window, client_type=atom, data=data)
        mask = X.SubstructureRedirectMask | X.SubstructureNotifyMask
        self._display.screen().root.send_event(wish, event_mask=mask)
        self._last()
        window.map()
        self._last()
        window.destroy()

    def hold_a_titled_one(self) -> None:
        """Have the title some windows below."""
        top = self._window(LOUD[24])
        inner = top
        for _ in range(self._random.randint(1, 7)):
            inner = inner.create_window(1, 1, 15, 15, 0, 24, background_pixel=LOUD[24])
            inner.map()
        self._entitle(inner, TITLE)
        top.map()
        self._last()
        top.destroy()


def _cells(area: Rectangle, rows: int) -> list[Rectangle]:
    """Divide an area among the programs, six in a row."""
    columns = 6
    width, height = area.width // columns, area.height // rows
    return [
        Rectangle(area.x + column * width, area.y + row * height, width, height)
        for row in range(rows)
        for column in range(columns)
    ]


@contextmanager
def secrets(
    server: XServer, area: Rectangle, count: int, rest: float, fresh_ids: bool = False
) -> Iterator[threading.Event]:
    """Have programs side by side do each of their acts so often in all, in an area of the screen.

    ``rest`` is how long they rest after one act in ten.  With ``fresh_ids`` no window gets the
    id of one that is gone; else the next does.  The event is set when all have done.  Whoever
    leaves before ends them.
    """
    # Programs that rest leave room for more.
    cells = _cells(area, rows=2 if rest else 1)
    ended, done = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def run(number: int) -> None:
        generator = random.Random(number)
        try:
            display = Display(server.name)
            if fresh_ids:
                vars(display.display)["free_resource_id"] = lambda number: None
            shown = Secrets(display, cells[number], generator)
            acts = range(-(-count * len(shown.acts) // len(cells)))
            last_before_rest = generator.sample(acts, -(-len(acts) // 10))
            for act in acts:
                # Each program begins with another, so that all are done side by side.
                shown.act(act + number)
                display.sync()
                # Some acts follow when nothing of the one before lingers any more.
                if ended.wait(rest if act in last_before_rest else generator.uniform(0, 0.1)):
                    break
            display.close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(cells))]

    def await_all() -> None:
        for thread in threads:
            thread.join()
        done.set()

    with server.connected():
        # python-xlib learns of extensions once for all connections.
        for thread in threads:
            thread.start()
        waiter = threading.Thread(target=await_all)
        waiter.start()
        try:
            yield done
        finally:
            ended.set()
            waiter.join(TIMEOUT)
    if failures:
        raise failures[0]


@contextmanager
def loud_window(server: XServer, title: str) -> Iterator[Window]:
    """Open a window in the middle of the screen's upper part."""
    with server.connected() as display:
        window: Window = display.screen().root.create_window(
            *(50, 60, 70, 80, 0, 24), override_redirect=True, background_pixel=LOUD[24]
        )
        window.set_wm_name(title)
        window.map()
        display.sync()
        yield window


@contextmanager
def moving_fast(
    server: XServer, window: Window, width: int, rate: int, tell: Callable[[str], None]
) -> Iterator[None]:
    """Have a window moved to and fro by a program, so often a second if the server can."""
    mover = Path(__file__).with_name("mover.py")
    command = [sys.executable, str(mover), server.name, str(window.id), str(width), str(rate)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield
            said, _ = process.communicate(b"enough", TIMEOUT)
            moves, seconds = said.split()
            tell(f"{int(moves)} moves in {float(seconds):.0f} s")
        finally:
            process.kill()
