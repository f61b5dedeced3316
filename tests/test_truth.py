"""What viewers see is what is on the screen, on a real X server."""

import contextlib

import mjpeg
import numpy as np
import pytest
from motion import scatter
from painter import Painter, painter
from program import Webcapd, webcapd
from xserver import Pixels, XServer, xvfb


def expected(server: XServer, quality: int = 75, subsampling: str = "420") -> Pixels:
    """Give what a viewer has to see: the root window, encoded whole and decoded again."""
    return mjpeg.decode(mjpeg.encode(server.pixels(), quality, subsampling))


def scribble(brush: Painter, count: int) -> None:
    """Draw rectangles of many colours in many places, some over the edge."""
    generator = np.random.default_rng(count)
    for _ in range(count):
        x, y = generator.integers(0, (brush.width, brush.height)).tolist()
        width, height, colour = generator.integers(1, (300, 200, 1 << 24)).tolist()
        brush.rectangle(colour, x, y, width, height)


def picture(program: Webcapd) -> Pixels:
    return mjpeg.decode(program.snapshot())


def test_last_frame_is_the_root_window(server: XServer) -> None:
    """Programs draw, stop: the last streamed frame equals a whole-frame encode."""
    generator = np.random.default_rng(7)
    with (
        webcapd("--display", server.name) as program,
        mjpeg.stream(program) as stream,
        painter(server) as brush,
    ):
        brush.noise(1)
        for x, y, width, height, shade in generator.integers(1, 256, (200, 5)).tolist():
            brush.rectangle(shade * 0x010307, 2 * x, y, width, height)
        assert stream.until(expected(server))


@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
@pytest.mark.parametrize("quality", [30, 75])
def test_last_frame_is_the_root_window_in_every_encoding(
    server: XServer, quality: int, subsampling: str
) -> None:
    options = ("--quality", str(quality), "--subsampling", subsampling)
    with (
        webcapd("--display", server.name, *options) as program,
        mjpeg.stream(program) as stream,
        painter(server) as brush,
    ):
        brush.noise(2)
        scribble(brush, 50)
        wanted = expected(server, quality, subsampling)
        stream.until(wanted)
        assert np.array_equal(picture(program), wanted)


@pytest.mark.parametrize("size", [(641, 479), (33, 17), (16, 16), (7, 33), (1, 1)])
@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
def test_screens_of_odd_sizes_are_shown_to_the_last_pixel(
    size: tuple[int, int], subsampling: str
) -> None:
    with (
        xvfb(*size) as server,
        webcapd("--display", server.name, "--subsampling", subsampling) as program,
        mjpeg.stream(program) as stream,
        painter(server) as brush,
    ):
        assert program.size == size
        brush.noise(3)
        scribble(brush, 10)
        # The last row and column, alone, as they share their blocks with padding.
        brush.rectangle(0xFF0000, 0, size[1] - 1, size[0], 1)
        brush.rectangle(0x0000FF, size[0] - 1, 0, 1, size[1])
        wanted = expected(server, subsampling=subsampling)
        assert wanted.shape == (size[1], size[0], 3)
        stream.until(wanted)


def test_viewers_at_the_same_time_end_on_the_same_picture(server: XServer) -> None:
    with (
        webcapd("--display", server.name) as program,
        mjpeg.stream(program) as first,
        mjpeg.stream(program) as second,
        painter(server) as brush,
    ):
        brush.noise(4)
        scribble(brush, 50)
        wanted = expected(server)
        first.until(wanted)
        second.until(wanted)


def test_viewer_that_comes_after_a_rest_gets_the_current_picture_at_once(server: XServer) -> None:
    with webcapd("--display", server.name) as program, painter(server) as brush:
        with mjpeg.stream(program) as stream:
            brush.noise(5)
            stream.until(expected(server))
        # Once on a screen that rests, and once on one drawn on while nobody watched.
        for count in (0, 20):
            scribble(brush, count)
            with mjpeg.stream(program) as stream:
                assert stream.until(expected(server)) == 1


def test_change_that_nobody_watched_is_in_the_next_snapshot(server: XServer) -> None:
    with webcapd("--display", server.name) as program, painter(server) as brush:
        brush.noise(6)
        assert np.array_equal(picture(program), expected(server))
        scribble(brush, 20)
        assert np.array_equal(picture(program), expected(server))


@pytest.mark.parametrize("watched", [False, True])
def test_snapshot_shows_all_that_was_drawn_before_it(server: XServer, watched: bool) -> None:
    with contextlib.ExitStack() as stack:
        program = stack.enter_context(webcapd("--display", server.name, "--fps", "120"))
        stream = stack.enter_context(mjpeg.stream(program)) if watched else None
        brush = stack.enter_context(painter(server))
        for number in range(50):
            scatter(brush, number)
            wanted = expected(server)
            assert np.array_equal(picture(program), wanted)
            if stream:
                stream.until(wanted)


def test_drawing_costs_nothing_while_nobody_watches(server: XServer) -> None:
    # At this rate a needless look would be due many times while the test draws.
    with (
        webcapd("--display", server.name, "--fps", "240") as program,
        painter(server) as brush,
    ):
        program.snapshot()
        before = program.info()
        for number in range(200):
            scatter(brush, number)
            if number % 50 == 0:
                program.info()
        after = program.info()
        assert after["capture"] == before["capture"]
        assert after["encoder"] == before["encoder"]
        # One look makes up for it all.
        program.snapshot()
        assert program.info()["capture"]["looks"] == before["capture"]["looks"] + 1
