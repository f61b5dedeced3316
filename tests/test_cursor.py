"""The pointer is in the picture, where it is and as it looks, and leaves no trail."""

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import mjpeg
import numpy as np
import pytest
from painter import Painter, painter
from pointer import Wardrobe, lay_over_slowly, push, shape, warp, with_pointer
from program import Webcapd, webcapd
from waiting import wait_until
from Xlib.ext import xfixes
from Xlib.xobject.fontable import Font
from xserver import Pixels, XServer, xvfb

from webcapd.capture.x11.cursor import PointerWatch

WIDTH, HEIGHT = 200, 150
CENTRE = (WIDTH // 2, HEIGHT // 2)
PLACES = [
    # The corners and edges, where a part of it is cut off.
    *((x, y) for x in (0, CENTRE[0], WIDTH - 1) for y in (0, CENTRE[1], HEIGHT - 1)),
    # Upon and astride the borders of bands.
    *((50, y) for y in (14, 15, 16, 17, 31, 32, 33, 143, 144)),
    *((x, 60) for x in range(90, 99)),
]


@pytest.fixture
def screen() -> Iterator[XServer]:
    with xvfb(WIDTH, HEIGHT) as server:
        yield server


@contextmanager
def shown(
    server: XServer, *options: str
) -> Iterator[tuple[Webcapd, mjpeg.Stream, Painter, Wardrobe]]:
    """Stream a screen of noise, with the pointer unless the options say otherwise."""
    options = options or ("--capture-cursor",)
    with (
        painter(server) as brush,
        webcapd("--display", server.name, *options) as program,
        mjpeg.stream(program) as stream,
    ):
        brush.noise(1)
        yield program, stream, brush, Wardrobe(brush.display)


def coded(pixels: Pixels) -> Pixels:
    return mjpeg.decode(mjpeg.encode(pixels))


def test_pointer_is_shown_wherever_a_hand_moves_it(screen: XServer) -> None:
    with shown(screen) as (_, stream, brush, _):
        for place in PLACES:
            push(brush.display, *place)
            stream.until(coded(with_pointer(screen)))


def test_pointer_that_a_program_moves_is_shown_where_it_is(screen: XServer) -> None:
    with shown(screen) as (_, stream, brush, _):
        for place in (CENTRE, (WIDTH - 1, HEIGHT - 1), (3, 20)):
            warp(brush.display, *place)
            stream.until(coded(with_pointer(screen)))


def test_pointer_that_a_program_keeps_moving_is_shown_at_the_frame_rate(screen: XServer) -> None:
    ended = threading.Event()

    def keep_moving() -> None:
        with screen.connected() as display:
            for step in range(1_000_000):
                warp(display, step % WIDTH, 40)
                if ended.wait(0.02):
                    break

    with shown(screen) as (_, stream, _, _):
        thread = threading.Thread(target=keep_moving)
        thread.start()

        def follows() -> bool:
            began = time.monotonic()
            for _ in range(40):
                stream.part()
            # At 30 frames a second it takes 1.3 s; looking now and then, 8 and more.
            return time.monotonic() - began < 5

        try:
            stream.part()
            # Not from the first on: something may hold us up for some seconds.
            wait_until("forty frames soon after each other", follows)
        finally:
            ended.set()
            thread.join()


def test_first_move_by_a_program_is_shown_soon(screen: XServer) -> None:
    with shown(screen, "--capture-cursor", "--keepalive", "9") as (program, stream, brush, _):
        times = []
        for number in range(5):
            # It has rested for so long that it is not expected to move.
            time.sleep(2.2 + number / 20)
            before = program.info()["encoder"]["frames"]
            began = time.monotonic()
            warp(brush.display, 20 + 30 * number, 50)
            wait_until("a frame", lambda: program.info()["encoder"]["frames"] > before)  # noqa: B023
            times.append(time.monotonic() - began)
        stream.until(coded(with_pointer(screen)))
        # Of what is not looked for, the next keepalive would tell, after more than six seconds.
        assert statistics.median(times) < 4


def test_pointer_at_rest_costs_no_look(screen: XServer) -> None:
    with shown(screen, "--capture-cursor", "--keepalive", "9") as (program, stream, _, _):
        stream.until(coded(with_pointer(screen)))
        before = program.info()["capture"]["looks"]
        time.sleep(2.5)
        assert program.info()["capture"]["looks"] <= before + 1


def test_pointer_is_asked_for_with_each_frame_while_it_moves_and_shortly_after() -> None:
    watch, fps = PointerWatch(), 30.0
    assert watch.wait(100.0, fps) == 0
    assert watch.seen((4, 4), 90.0)
    assert watch.wait(90.0, fps) == pytest.approx(0.17), "it was seen, and has not moved"
    assert watch.seen((5, 5), 100.0)
    assert watch.wait(100.0, fps) == pytest.approx(1 / fps)
    assert not watch.seen((5, 5), 101.9)
    assert watch.wait(101.9, fps) == pytest.approx(1 / fps)
    assert not watch.seen((5, 5), 102.1)
    assert watch.wait(102.1, fps) == pytest.approx(0.17)
    assert watch.wait(102.1, 1.0) == pytest.approx(0.17)
    assert watch.seen(None, 103.0), "it is on another screen"
    assert watch.wait(103.01, fps) == pytest.approx(1 / fps - 0.01)


@pytest.mark.parametrize(
    ("width", "height", "hot"),
    [(1, 1, (0, 0)), (16, 16, (0, 0)), (24, 32, (23, 31)), (64, 64, (32, 1)), (33, 7, (5, 6))],
)
def test_pointer_of_any_size_and_hot_spot_is_blended_over_the_screen(
    screen: XServer, width: int, height: int, hot: tuple[int, int]
) -> None:
    look = shape(width, height, hot, seed=width)
    with shown(screen) as (program, stream, brush, wardrobe):
        wardrobe.wear(brush.window, wardrobe.still(look))
        for x, y in (CENTRE, (0, 0), (WIDTH - 1, HEIGHT - 1), (WIDTH - 1, 0), (0, HEIGHT - 1)):
            push(brush.display, x, y)
            expected = coded(
                lay_over_slowly(screen.pixels(), look.values, width, x - hot[0], y - hot[1])
            )
            assert np.array_equal(expected, coded(with_pointer(screen)))
            stream.until(expected)
            assert np.array_equal(mjpeg.decode(program.snapshot()), expected)


def test_pointers_of_two_colours_are_shown(screen: XServer) -> None:
    """The kinds of the core protocol: a glyph of a font, and a pixmap with its mask."""
    with shown(screen) as (_, stream, brush, wardrobe):
        font = brush.display.open_font("cursor")
        assert isinstance(font, Font)
        glyph = font.create_glyph_cursor(font, 34, 35, (0, 0, 0xFFFF), (0xFFFF, 0xFFFF, 0))
        source = brush.window.create_pixmap(16, 16, 1)
        gc = source.create_gc(foreground=1)
        source.fill_rectangle(gc, 0, 0, 16, 16)
        gc.change(foreground=0)
        source.fill_rectangle(gc, 4, 4, 8, 8)
        drawn = source.create_cursor(source, (0xFFFF, 0, 0), (0, 0xFFFF, 0), 3, 12)
        push(brush.display, *CENTRE)
        for cursor in (glyph, drawn):
            wardrobe.wear(brush.window, cursor)
            stream.until(coded(with_pointer(screen)))


def test_animated_pointer_shows_each_of_its_images(screen: XServer) -> None:
    looks = [shape(20, 20, (10, 10), seed) for seed in range(3)]
    with shown(screen) as (_, stream, brush, wardrobe):
        push(brush.display, *CENTRE)
        wardrobe.wear(brush.window, wardrobe.animated(looks, milliseconds=100))
        x, y = CENTRE[0] - 10, CENTRE[1] - 10
        pictures = [
            coded(lay_over_slowly(screen.pixels(), look.values, 20, x, y)) for look in looks
        ]
        for picture in (*pictures, *pictures):
            stream.until(picture)


def test_pointer_leaves_no_trail_on_what_is_drawn_meanwhile(screen: XServer) -> None:
    with shown(screen) as (_, stream, brush, _):
        for step in range(60):
            push(brush.display, 3 * step, 2 * step)
            brush.rectangle(0x030507 * step, 3 * step - 5, 2 * step - 3, 9, 6)
        stream.until(coded(with_pointer(screen)))
        brush.noise(2)
        push(brush.display, 0, HEIGHT - 1)
        stream.until(coded(with_pointer(screen)))


def test_pointer_is_in_a_snapshot_that_nobody_prepared(screen: XServer) -> None:
    """Nobody follows, so nothing is told of it: the look for the snapshot finds it all."""
    with painter(screen) as brush, webcapd("--display", screen.name, "--capture-cursor") as program:
        wardrobe = Wardrobe(brush.display)
        for seed in range(3):
            wardrobe.wear(brush.window, wardrobe.still(shape(20, 20, (3, 4), seed)))
            for move in (push, warp):
                move(brush.display, 30 + 20 * seed, 40)
                snapshot = mjpeg.decode(program.snapshot())
                assert np.array_equal(snapshot, coded(with_pointer(screen)))


def test_pointer_is_not_shown_where_it_is_not_wanted(screen: XServer) -> None:
    with shown(screen, "--no-capture-cursor") as (program, stream, brush, _):
        push(brush.display, *CENTRE)
        stream.until(coded(screen.pixels()))
        before = program.info()["encoder"]["frames"]
        push(brush.display, 20, 20)
        assert np.array_equal(mjpeg.decode(program.snapshot()), coded(screen.pixels()))
        assert program.info()["encoder"]["frames"] == before
        assert not program.info()["capture"]["cursor"]


def test_moving_pointer_codes_only_the_bands_it_leaves_and_enters(screen: XServer) -> None:
    def bands(y: int) -> int:
        top, bottom = y - image.yhot, y - image.yhot + image.height
        return len({row // 16 for row in range(top, bottom) if 0 <= row < HEIGHT})

    with shown(screen) as (program, stream, brush, _):
        xfixes.query_version(brush.display)
        image = xfixes.get_cursor_image(brush.display, brush.window)
        push(brush.display, *CENTRE)
        stream.until(coded(with_pointer(screen)))
        before, old = program.info()["encoder"]["bandsCoded"], CENTRE[1]
        for x, y in PLACES:
            push(brush.display, x, y)
            stream.until(coded(with_pointer(screen)))
            after = program.info()["encoder"]["bandsCoded"]
            assert after - before <= bands(old) + bands(y)
            before, old = after, y
