"""Windows masked by their titles are black in every frame, wherever they go."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import mjpeg
import numpy as np
import pytest
from loud import HEIGHT, LOUD, OPTIONS, WIDTH, assert_silent, expected, part_options
from painter import Painter, painter
from program import webcapd
from reader import reader
from Xlib import X
from Xlib.display import Display
from Xlib.xobject.drawable import Window
from xserver import XServer, xvfb

from webcapd.capture.geometry import Rectangle

TITLE = "Secret letters"

# Where a test is about where windows are, and not where they were.
AT_ONCE = ("--mask-linger", "0")


@pytest.fixture
def screen() -> Iterator[XServer]:
    with xvfb(WIDTH, HEIGHT) as server:
        yield server


def place_of(window: Window) -> Rectangle:
    geometry = window.get_geometry()
    return Rectangle(geometry.x, geometry.y, geometry.width, geometry.height)


def new_window(display: Display, colour: int, place: Rectangle) -> Window:
    root = display.screen().root
    window: Window = root.create_window(
        *place, 0, 24, override_redirect=True, background_pixel=colour
    )
    return window


@contextmanager
def backdrop(server: XServer) -> Iterator[Painter]:
    """Give a painter for below windows that move: what they covered is grey afterwards."""
    with painter(server) as brush:
        brush.window.change_attributes(background_pixel=0x808080)
        brush.display.sync()
        yield brush


@contextmanager
def secret_window(server: XServer) -> Iterator[Window]:
    """Open a window that is to be masked, above all others."""
    with server.connected() as display:
        window = new_window(display, LOUD[24], Rectangle(50, 60, 70, 80))
        window.set_wm_name(TITLE)
        window.map()
        display.sync()
        yield window


@pytest.mark.parametrize("part", [Rectangle(0, 0, WIDTH, HEIGHT), Rectangle(31, 17, 255, 201)])
def test_masked_window_is_black_wherever_it_moves(screen: XServer, part: Rectangle) -> None:
    generator = np.random.default_rng(1)
    options = (*OPTIONS, *AT_ONCE, *part_options(part), "--mask-window", TITLE.upper())
    with (
        backdrop(screen) as brush,
        secret_window(screen) as window,
        webcapd("--display", screen.name, *options) as program,
        reader(program, assert_silent) as viewer,
    ):
        while viewer.check() and viewer.parts < 300:
            x, y = generator.integers((-60, -60), (WIDTH, HEIGHT)).tolist()
            width, height = generator.integers(20, 120, 2).tolist()
            window.configure(x=x, y=y, width=width, height=height)
            if generator.integers(0, 10) == 0:
                window.unmap()
                window.map()
            window.display.flush()
            brush.rectangle(0x00FF00 >> viewer.parts % 8 & 0x00FF00, 0, y % HEIGHT, WIDTH, 5)
            # Were there no pause, there would be nothing but black to see.
            time.sleep(0.005)
        viewer.wait_for(expected(screen, [place_of(window)], part))
        window.unmap()
        window.display.flush()
        viewer.wait_for(expected(screen, [], part))


def test_window_is_masked_that_comes_later_or_gets_its_title_later(screen: XServer) -> None:
    quiet = 0x404000
    with (
        backdrop(screen),
        webcapd("--display", screen.name, *OPTIONS, *AT_ONCE, "--mask-window", TITLE) as program,
        reader(program, assert_silent) as viewer,
        screen.connected() as display,
    ):
        for number in range(20):
            window = new_window(display, quiet, Rectangle(9 * number, 50, 40, 60))
            window.map()
            window.set_wm_name(f"{TITLE}, number {number}")
            display.sync()
            viewer.wait_for(expected(screen, [place_of(window)]))
            # Known by its title now, it may show what it likes.
            window.change_attributes(background_pixel=LOUD[24])
            window.clear_area()
            window.destroy()
            display.sync()
        viewer.wait_for(expected(screen, []))


def test_window_in_the_frame_of_a_window_manager_is_masked(screen: XServer) -> None:
    with (
        backdrop(screen),
        screen.connected() as display,
        webcapd("--display", screen.name, *OPTIONS, *AT_ONCE, "--mask-window", TITLE) as program,
        reader(program, assert_silent) as viewer,
    ):
        frame = new_window(display, 0x004000, Rectangle(30, 40, 100, 100))
        client = frame.create_window(5, 20, 90, 75, 0, 24, background_pixel=LOUD[24])
        client.set_wm_name(TITLE)
        client.map()
        for x in range(30, 200, 7):
            frame.configure(x=x)
            frame.map()
            display.sync()
            # The frame too: its bar says the title.
            viewer.wait_for(expected(screen, [Rectangle(x, 40, 100, 100)]))


def test_other_windows_may_move_as_they_like(screen: XServer) -> None:
    with (
        backdrop(screen),
        secret_window(screen) as secret,
        screen.connected() as display,
        webcapd("--display", screen.name, *OPTIONS, *AT_ONCE, "--mask-window", TITLE) as program,
        reader(program, assert_silent) as viewer,
    ):
        other = new_window(display, 0x000040, Rectangle(200, 10, 30, 20))
        other.map()
        masked = [place_of(secret)]
        viewer.wait_for(expected(screen, masked))
        parts = viewer.parts
        while viewer.parts < parts + 100:
            other.configure(x=100 + viewer.parts % 90)
            display.sync()
            assert viewer.check()
            assert viewer.latest.any(), "all is black because of a window that is not masked"


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("WM_NAME", "STRING", b"a Secret Letter"),
        ("WM_NAME", "UTF8_STRING", "ein Geheimnis: Secret \u00e4".encode()),
        ("WM_NAME", "COMPOUND_TEXT", b"\x1b%GSecret \xc3\xa4\x1b%@"),
        ("_NET_WM_NAME", "UTF8_STRING", b"Secret"),
        ("_NET_WM_NAME", "STRING", b"Secret"),
    ],
)
def test_title_is_known_by_every_property_and_type(
    screen: XServer, name: str, kind: str, text: bytes
) -> None:
    with (
        backdrop(screen),
        screen.connected() as display,
        webcapd("--display", screen.name, *OPTIONS, *AT_ONCE, "--mask-window", "secret") as program,
        reader(program, assert_silent) as viewer,
    ):
        window = new_window(display, 0x404000, Rectangle(50, 50, 40, 60))
        other = "WM_NAME" if name == "_NET_WM_NAME" else "_NET_WM_NAME"
        for atom, value in ((other, b"harmless"), (name, text)):
            kind_atom = display.intern_atom(kind if atom == name else "UTF8_STRING")
            window.change_property(display.intern_atom(atom), kind_atom, 8, value)
        window.map()
        display.sync()
        viewer.wait_for(expected(screen, [place_of(window)]))


def test_border_is_masked_too(screen: XServer) -> None:
    with (
        backdrop(screen),
        screen.connected() as display,
        webcapd("--display", screen.name, *OPTIONS, *AT_ONCE, "--mask-window", TITLE) as program,
        reader(program, assert_silent) as viewer,
    ):
        window = display.screen().root.create_window(
            *(50, 60, 40, 30, 9, 24), override_redirect=True, border_pixel=LOUD[24]
        )
        window.set_wm_name(TITLE)
        window.map()
        display.sync()
        viewer.wait_for(expected(screen, [Rectangle(50, 60, 58, 48)]))
        # Lines of one colour are loud enough to be heard by themselves.
        window.configure(border_width=20)
        display.sync()
        viewer.wait_for(expected(screen, [Rectangle(50, 60, 80, 70)]))


@pytest.mark.parametrize("depth", [0, 1, 3, 9])
def test_title_is_found_at_any_depth(screen: XServer, depth: int) -> None:
    with (
        backdrop(screen),
        screen.connected() as display,
        webcapd("--display", screen.name, *OPTIONS, *AT_ONCE, "--mask-window", TITLE) as program,
        reader(program, assert_silent) as viewer,
    ):
        place = Rectangle(50, 60, 70, 80)
        top = inner = new_window(display, 0x404000, place)
        for _ in range(depth):
            inner = inner.create_window(0, 0, 5, 5, 0, 24, background_pixel=0x404000)
            inner.map()
        top.map()
        display.sync()
        viewer.wait_for(expected(screen, []))
        inner.set_wm_name(TITLE)
        display.sync()
        viewer.wait_for(expected(screen, [place]))


def test_place_stays_masked_while_what_is_below_has_not_repainted(screen: XServer) -> None:
    """A window that has gone or moved leaves its pixels for a while."""
    with (
        painter(screen) as brush,
        webcapd(
            "--display", screen.name, *OPTIONS, "--mask-window", TITLE, "--mask-linger", "60"
        ) as program,
        reader(program, assert_silent) as viewer,
        secret_window(screen) as window,
    ):
        window.configure(x=150)
        assert window.get_geometry().x == 150
        left, there = Rectangle(50, 60, 70, 80), Rectangle(150, 60, 70, 80)
        viewer.wait_for(expected(screen, [left, there]))
        window.unmap()
        assert window.get_attributes().map_state == X.IsUnmapped
        # The pixels are there yet, as nobody has painted over them.
        assert screen.pixels()[100, 60].tolist() == [0xFF, 0, 0xFF]
        brush.rectangle(0x00FF00, 250, 0, 30, 30)
        viewer.wait_for(expected(screen, [left, there]))
        assert_silent(mjpeg.decode(program.snapshot()))


def test_what_came_and_went_before_anyone_could_look_is_not_seen(screen: XServer) -> None:
    options = (*OPTIONS, "--mask-window", TITLE, "--mask-linger", "60")
    with (
        painter(screen) as brush,
        webcapd("--display", screen.name, *options) as program,
        reader(program, assert_silent) as viewer,
    ):
        viewer.wait_for(expected(screen, []))
        window = new_window(brush.display, LOUD[24], Rectangle(50, 60, 70, 80))
        window.set_wm_name(TITLE)
        window.map()
        window.destroy()
        brush.rectangle(0x00FF00, 250, 0, 30, 30)
        viewer.wait_for(expected(screen, [Rectangle(50, 60, 70, 80)]))


def test_place_is_shown_again_when_the_time_has_passed(screen: XServer) -> None:
    with (
        backdrop(screen),
        webcapd("--display", screen.name, *OPTIONS, "--mask-window", TITLE) as program,
        reader(program, assert_silent) as viewer,
        secret_window(screen) as window,
    ):
        viewer.wait_for(expected(screen, [place_of(window)]))
        window.unmap()
        assert window.get_attributes().map_state == X.IsUnmapped
        viewer.wait_for(expected(screen, []))


def test_harmless_windows_are_shown_at_once_and_without_lingering(screen: XServer) -> None:
    options = (*OPTIONS, "--mask-window", TITLE, "--mask-linger", "60")
    with (
        backdrop(screen),
        screen.connected() as display,
        webcapd("--display", screen.name, *options) as program,
        reader(program, assert_silent) as viewer,
    ):
        for number in range(10):
            window = new_window(display, 0x404000, Rectangle(9 * number, 50, 40, 60))
            window.set_wm_name(f"Weather, number {number}")
            window.map()
            display.sync()
            viewer.wait_for(expected(screen, []))
            window.set_wm_name("Rain")
            window.configure(y=100)
            display.sync()
            viewer.wait_for(expected(screen, []))
            window.destroy()
            display.sync()
            viewer.wait_for(expected(screen, []))
