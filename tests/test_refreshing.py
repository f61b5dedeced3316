"""What is drawn while little is looked at is not lost; on a real display."""

import itertools
import math
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from painter import painter
from program import TIMEOUT
from waiting import wait_until
from xserver import XServer

from webcapd.capture.decoration import Decoration
from webcapd.capture.options import CaptureOptions
from webcapd.capture.x11.damage import DamageTaker
from webcapd.capture.x11.screen import Screen


@contextmanager
def opened(server: XServer) -> Iterator[Screen]:
    # No scan is to find what was lost.
    options = CaptureOptions(full_scan_period=3600)
    screen = Screen(server.name, options, 30.0, Decoration("", "none", 0.0, ""))
    try:
        screen.open(lambda: None)
        screen.set_watched(math.inf)
        yield screen
    finally:
        screen.close()


@pytest.mark.parametrize("small", [False, True])
def test_what_is_drawn_behind_the_taking_of_damage_is_still_to_be_looked_at(
    server: XServer, monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    """The server tells of it once, perhaps before the pixels are grabbed."""
    take, behind = DamageTaker.take, list[Callable[[], None]]()

    def take_and_draw(taker: DamageTaker) -> list[tuple[int, int, int, int]]:
        taken = take(taker)
        if behind:
            behind.pop()()
        return taken

    monkeypatch.setattr(DamageTaker, "take", take_and_draw)
    with painter(server) as brush, opened(server) as screen:
        events, rows = screen.descriptors().events, itertools.cycle(range(0, 400, 32))

        def draw_behind() -> None:
            brush.rectangle(0x0000FF, 400, 400, 8, 16)
            assert select.select([events], [], [], TIMEOUT)[0]

        def look() -> list[int]:
            """Draw, and look at it; of what has just moved nothing is small."""
            screen.refresh()
            brush.rectangle(0x00FF00, 40, next(rows), 8, 16)
            wait_until("something was drawn", screen.pending)
            behind[:] = [draw_behind]
            return screen.refresh_small() if small else screen.refresh()

        assert wait_until("a look that finds something", look)
        assert screen.pending()
        screen.refresh()
        assert screen.frame_buffer.pixels[400, 400, :3].tolist() == [0xFF, 0, 0]
