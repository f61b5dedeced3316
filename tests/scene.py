"""A screen, what draws on it, and webcapd that shows it: what tests of pages share."""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from painter import Painter, painter
from program import Webcapd, webcapd
from xserver import XServer, xvfb


class Scene(NamedTuple):
    server: XServer
    brush: Painter
    program: Webcapd


@contextlib.contextmanager
def staged(width: int, height: int, *options: str) -> Iterator[Scene]:
    """Have all three, of a screen of this size; ``options`` are webcapd's."""
    with (
        xvfb(width, height) as server,
        painter(server) as brush,
        webcapd("--display", server.name, *options) as program,
    ):
        yield Scene(server, brush, program)
