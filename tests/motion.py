"""A screen that moves by itself while a test looks on."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from painter import Painter, painter
from program import TIMEOUT
from xserver import XServer

# Between two drawings: a screen that is drawn on without end leaves no
# processor for those who look at it.
_PAUSE = 0.003


@contextmanager
def moving(server: XServer, draw: Callable[[Painter, int], None]) -> Iterator[None]:
    """Call ``draw`` with a painter of its own and 0, 1, 2 … until the context ends."""
    ended = threading.Event()
    began = threading.Event()

    def run() -> None:
        with painter(server) as brush:
            for number in itertools.count():
                draw(brush, number)
                began.set()
                if ended.wait(_PAUSE):
                    break
            # The server notices some time later that a client has left.
            brush.window.destroy()
            brush.display.sync()

    thread = threading.Thread(target=run, name="motion")
    thread.start()
    try:
        assert began.wait(TIMEOUT), "nothing was drawn"
        yield
    finally:
        ended.set()
        thread.join(TIMEOUT)


def scatter(brush: Painter, number: int) -> None:
    """Draw a rectangle somewhere: each number gives another picture."""
    colour = number * 0x9E3779 & 0xFFFFFF
    x, y = number * 37 % brush.width, number * 23 % brush.height
    brush.rectangle(colour, x, y, brush.width // 4, brush.height // 4)
