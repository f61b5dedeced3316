"""The screen changes its size: the stream goes on, and shows it in the new one."""

from collections.abc import Iterator
from contextlib import contextmanager

import mjpeg
import numpy as np
import pytest
from footprint import Footprint
from mortal import mortal_server
from painter import Painter, painter
from program import webcapd
from reader import Reader, reader
from resizing import resize
from xserver import Pixels, XServer, xvfb

OPTIONS = ("--keepalive", "0.5", "--fps", "120")

# The first is the size at the start, which an Xvfb cannot exceed.
LARGEST = (640, 480)
SIZES = [(320, 200), LARGEST, (333, 111), (64, 480), (640, 17), (16, 16), (1, 1), (639, 479)]


@pytest.fixture
def screen() -> Iterator[XServer]:
    with xvfb(*LARGEST) as server:
        yield server


@contextmanager
def streamed(server: XServer) -> Iterator[tuple[Painter, Reader]]:
    with (
        painter(server) as brush,
        webcapd("--display", server.name, *OPTIONS) as program,
        reader(program) as viewer,
    ):
        yield brush, viewer
        viewer.check()
        info = program.info()
        # A change of size is no outage.
        assert (info["encoder"]["state"], info["encoder"]["outages"]) == ("live", 0)


def draw(brush: Painter, width: int, height: int) -> None:
    """Cover the screen with a colour and a frame that tell its size."""
    brush.rectangle(width * 0x0307 + height * 0x050000 & 0xFFFFFF, 0, 0, width, height)
    brush.rectangle(0xFFFFFF, width // 3, height // 3, width // 5 + 1, height // 5 + 1)
    brush.rectangle(0xFF0000, 0, height - 1, width, 1)
    brush.rectangle(0x00FF00, width - 1, 0, 1, height)


def expected(server: XServer) -> Pixels:
    return mjpeg.decode(mjpeg.encode(server.pixels()))


def test_each_size_is_shown_to_its_last_pixel(screen: XServer) -> None:
    with streamed(screen) as (brush, viewer):
        for size in (*SIZES, *reversed(SIZES)):
            resize(brush.display, *size)
            draw(brush, *size)
            wanted = expected(screen)
            assert wanted.shape == (size[1], size[0], 3)
            viewer.wait_for(wanted)


def test_many_sizes_in_a_row_end_on_the_last(screen: XServer) -> None:
    generator = np.random.default_rng(1)
    with streamed(screen) as (brush, viewer):
        for _ in range(5):
            for index in generator.integers(0, len(SIZES), 8).tolist():
                resize(brush.display, *SIZES[index])
                draw(brush, *SIZES[index])
            viewer.wait_for(expected(screen))
        # Between two sizes a screen is large enough for both.
        assert all(width <= LARGEST[0] and height <= LARGEST[1] for width, height in viewer.sizes)


def test_size_that_flaps_shows_what_was_drawn_meanwhile(screen: XServer) -> None:
    with streamed(screen) as (brush, viewer):
        for number in range(12):
            resize(brush.display, 320, 240)
            resize(brush.display, *LARGEST)
            brush.rectangle(0x0A0B0C * number, 40 * number, 30 * number, 60, 60)
            viewer.wait_for(expected(screen))


def test_size_changed_while_nobody_watches_is_in_the_next_snapshot(screen: XServer) -> None:
    with painter(screen) as brush, webcapd("--display", screen.name) as program:
        for size in SIZES:
            resize(brush.display, *size)
            draw(brush, *size)
            assert np.array_equal(mjpeg.decode(program.snapshot()), expected(screen))
            assert program.info()["capture"]["width"] == size[0]


def test_memory_of_earlier_sizes_is_given_back(screen: XServer) -> None:
    with painter(screen) as brush, webcapd("--display", screen.name) as program:
        for size in SIZES * 3:
            resize(brush.display, *size)
            program.snapshot()
            assert Footprint(program.process.pid).shared == 1


def test_screen_may_grow_beyond_its_first_size() -> None:
    """An Xvfb cannot, so this is a server of another make."""
    with mortal_server() as server:
        server.start_xvnc(320, 240)
        with streamed(server) as (_, viewer):
            for size in ((640, 480), (800, 601), (320, 240)):
                with server.connected() as display:
                    resize(display, *size)
                # A window as large as the screen has become.
                with painter(server) as brush:
                    draw(brush, *size)
                    viewer.wait_for(expected(server))
