"""A part of the screen is shown: a rectangle, a monitor, or a window wherever it goes."""

from collections.abc import Callable, Iterator
from typing import Any

import mjpeg
import pytest
from painter import painter
from program import Webcapd, run_to_end, webcapd
from reader import reader
from resizing import define_monitor, resize
from waiting import wait_until
from Xlib import X
from Xlib.display import Display
from Xlib.ext import randr
from Xlib.xobject.drawable import Window
from xserver import Pixels, XServer, xvfb

from webcapd.capture.geometry import Rectangle

WIDTH, HEIGHT = 320, 240
KEEPALIVE = ("--keepalive", "0.5")
SCREEN = Rectangle(0, 0, WIDTH, HEIGHT)


@pytest.fixture
def screen() -> Iterator[XServer]:
    with xvfb(WIDTH, HEIGHT) as server:
        yield server


def expected(server: XServer, part: Rectangle) -> Pixels:
    pixels = server.pixels()[part.y : part.bottom, part.x : part.right]
    return mjpeg.decode(mjpeg.encode(pixels))


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ("--capture-x=13 --capture-y=7 --width=101 --height=97", Rectangle(13, 7, 101, 97)),
        ("--capture-x=319 --capture-y=239", Rectangle(319, 239, 1, 1)),
        ("--width=33", Rectangle(0, 0, 33, HEIGHT)),
        ("--capture-y=1 --height=16", Rectangle(0, 1, WIDTH, 16)),
        ("--capture-x=5 --capture-y=3", Rectangle(5, 3, WIDTH - 5, HEIGHT - 3)),
        ("--monitor=screen", SCREEN),
        ("--monitor=0", SCREEN),
    ],
)
@pytest.mark.parametrize("shm", ["fd", "off"])
def test_part_is_shown_and_nothing_else(
    screen: XServer, options: str, part: Rectangle, shm: str
) -> None:
    with (
        painter(screen) as brush,
        webcapd("--display", screen.name, "--shm", shm, *options.split()) as program,
        mjpeg.stream(program) as stream,
    ):
        assert program.size == part.size
        brush.noise(1)
        stream.until(expected(screen, part))
        before = program.info()["encoder"]["frames"]
        brush.rectangle(0xFF0000, part.x, part.y, 1, 1)
        brush.rectangle(0x0000FF, part.right - 1, part.bottom - 1, 1, 1)
        stream.until(expected(screen, part))
        assert program.info()["encoder"]["frames"] > before


def test_drawing_beside_the_part_is_not_even_looked_at(screen: XServer) -> None:
    options = ("--capture-x=100", "--width=50", "--full-scan-period=3600")
    with (
        painter(screen) as brush,
        webcapd("--display", screen.name, *options) as program,
        mjpeg.stream(program) as stream,
    ):
        brush.noise(1)
        stream.until(expected(screen, Rectangle(100, 0, 50, HEIGHT)))

        def looks_beside() -> bool:
            """Draw beside it; tells whether nothing came of that."""
            before = program.info()
            brush.rectangle(0xFF0000, 0, 0, 100, HEIGHT)
            brush.rectangle(0xFF0000, 150, 0, WIDTH, HEIGHT)
            looks = before["capture"]["looks"]
            wait_until("a look", lambda: program.info()["capture"]["looks"] > looks)
            after = program.info()
            bands = [one["capture"]["bandsLookedAt"] for one in (before, after)]
            return bool(bands[0] == bands[1] and after["encoder"] == before["encoder"])

        # The noise may have been looked at before all of it had been reported: then it is again.
        wait_until("nothing comes of what is beside", looks_beside)


@pytest.mark.parametrize(
    "options",
    [
        "--capture-x=320",
        "--capture-y=240 --height=1",
        "--width=321",
        "--capture-x=300 --width=21",
        "--monitor=HDMI-1",
        "--monitor=1",
    ],
)
def test_part_outside_of_the_screen_is_one_sentence(screen: XServer, options: str) -> None:
    status, said = run_to_end("--port", "0", "--display", screen.name, *options.split())
    assert (status, said.count("\n")) == (1, 0)
    assert "320x240" in said or "there is no monitor" in said


def test_monitors_that_there_are_are_named(screen: XServer) -> None:
    _, said = run_to_end("--port", "0", "--display", screen.name, "--monitor", "HDMI-1")
    assert said == "webcapd: there is no monitor HDMI-1; monitors: screen"


@pytest.mark.parametrize("by", ["name", "number"])
def test_monitor_of_several_is_shown_and_followed(screen: XServer, by: str) -> None:
    with painter(screen) as brush:
        brush.noise(1)
        define_monitor(brush.display, "left", Rectangle(0, 0, 160, 240))
        define_monitor(brush.display, "right", Rectangle(161, 33, 151, 99))
        monitors = randr.get_monitors(brush.display.screen().root).monitors
        names = [brush.display.get_atom_name(monitor.name) for monitor in monitors]
        wanted = "right" if by == "name" else str(names.index("right"))
        with (
            webcapd("--display", screen.name, "--monitor", wanted, *KEEPALIVE) as program,
            reader(program) as viewer,
        ):
            viewer.wait_for(expected(screen, Rectangle(161, 33, 151, 99)))
            for place in (Rectangle(150, 40, 151, 99), Rectangle(150, 40, 55, 44)):
                define_monitor(brush.display, "right", place)
                viewer.wait_for(expected(screen, place))


def test_monitor_is_followed_to_another_size(screen: XServer) -> None:
    with (
        painter(screen) as brush,
        webcapd("--display", screen.name, "--monitor", "screen", *KEEPALIVE) as program,
        reader(program) as viewer,
    ):
        brush.noise(1)
        for size in ((200, 100), (WIDTH, HEIGHT), (111, 222)):
            resize(brush.display, *size)
            brush.noise(size[0])
            viewer.wait_for(expected(screen, Rectangle(0, 0, *size)))


def new_window(display: Display, place: Rectangle, title: str = "A fine Window") -> Window:
    window: Window = display.screen().root.create_window(
        *place, 0, 24, override_redirect=True, background_pixel=0x3366CC
    )
    window.set_wm_name(title)
    return window


def state(program: Webcapd) -> Any:
    return program.info()["encoder"]


@pytest.mark.parametrize("by", ["title", "id"])
def test_window_is_followed_wherever_it_goes(screen: XServer, by: str) -> None:
    place = Rectangle(20, 30, 101, 67)
    with painter(screen) as brush:
        brush.noise(1)
        window = new_window(brush.display, place)
        window.map()
        brush.display.sync()
        wanted = "fine window" if by == "title" else hex(window.id)
        with (
            webcapd("--display", screen.name, "--window", wanted, *KEEPALIVE) as program,
            reader(program) as viewer,
        ):
            assert program.size == place.size
            places = [
                place,
                place.moved(50, 9),
                Rectangle(3, 5, 220, 111),
                # Partly beyond each edge: what lies on the screen is shown.
                Rectangle(-33, -21, 101, 67),
                Rectangle(250, 200, 101, 67),
                Rectangle(0, 0, WIDTH, HEIGHT),
                place,
            ]
            for step, (x, y, width, height) in enumerate(places):
                window.configure(x=x, y=y, width=width, height=height)
                window.clear_area(5 * step, 40, 20, 20)
                # Whatever covers it is shown too.
                brush.window.configure(stack_mode=X.Below)
                brush.display.sync()
                viewer.wait_for(expected(screen, Rectangle(x, y, width, height).within(SCREEN)))
            assert state(program)["outages"] == 0


def test_window_out_of_sight_is_told_of_and_comes_back(screen: XServer) -> None:
    place = Rectangle(20, 30, 101, 67)
    with painter(screen) as brush:
        window = new_window(brush.display, place)
        window.map()
        brush.display.sync()
        with (
            webcapd("--display", screen.name, "--window", "fine", *KEEPALIVE) as program,
            reader(program) as viewer,
        ):
            hidings: list[tuple[Callable[[], object], Callable[[], object]]] = [
                (window.unmap, window.map),
                (lambda: window.configure(x=WIDTH), lambda: window.configure(x=place.x)),
                (lambda: window.set_wm_name("Another"), lambda: window.set_wm_name("Fine")),
            ]
            for hide, show in hidings:
                viewer.wait_for(expected(screen, place))
                hide()
                brush.display.sync()
                wait_until("the placeholder", lambda: state(program)["state"] == "lost")
                assert state(program)["reason"] == "no window fine is to be seen"
                assert program.get("/?snapshot")[0] == 503
                show()
                brush.display.sync()
                # Who is shown the picture may be so before it is told of.
                wait_until("it is back", lambda: state(program)["state"] == "live")
            viewer.wait_for(expected(screen, place))
            assert state(program)["outages"] == len(hidings)
            assert viewer.sizes == {place.size}


@pytest.mark.parametrize("wanted", ["fine", "0xfine window"])
def test_window_that_is_not_there_yet_is_waited_for(screen: XServer, wanted: str) -> None:
    with (
        webcapd("--display", screen.name, "--window", wanted, *KEEPALIVE) as program,
        reader(program) as viewer,
        painter(screen) as brush,
    ):
        wait_until("the placeholder", lambda: viewer.check() and viewer.parts)
        assert state(program)["state"] == "lost"
        window = new_window(brush.display, Rectangle(7, 9, 55, 44), "0xfine window")
        window.map()
        brush.display.sync()
        viewer.wait_for(expected(screen, Rectangle(7, 9, 55, 44)))
        assert state(program)["state"] == "live"
