"""Windows are masked where compositors have them, too, and not only where they are."""

from collections.abc import Iterator

import pytest
from loud import HEIGHT, LOUD, OPTIONS, WIDTH, assert_silent, expected
from managers import running
from painter import Painter, painter
from program import webcapd
from reader import reader
from waiting import wait_until
from Xlib.xobject.drawable import Window
from xserver import XServer, xvfb

from webcapd.capture.geometry import Rectangle

TITLE = "Secret letters"


@pytest.fixture
def screen() -> Iterator[XServer]:
    with xvfb(WIDTH, HEIGHT) as server:
        yield server


def new_window(brush: Painter, place: Rectangle, title: str = TITLE) -> Window:
    window: Window = brush.display.screen().root.create_window(
        *place, 0, 24, override_redirect=True, background_pixel=LOUD[24]
    )
    window.set_wm_name(title)
    window.map()
    brush.display.sync()
    return window


def move_unseen(brush: Painter, window: Window, told: Rectangle, there: Rectangle) -> None:
    """Move a window while it is unmapped: first as is told by ConfigureNotify, then otherwise.

    So does openbox with what is left of a client when it lets go of it.
    """
    window.unmap()
    window.configure(x=told.x, y=told.y, width=told.width, height=told.height)
    window.reparent(brush.display.screen().root, there.x, there.y)
    brush.display.sync()


def test_window_is_masked_where_only_reparenting_tells_it_is_not(screen: XServer) -> None:
    place, told, there = (Rectangle(x, x, 60, 50) for x in (50, 0, 160))
    options = (*OPTIONS, "--mask-window", TITLE, "--mask-linger", "0")
    with (
        painter(screen) as brush,
        webcapd("--display", screen.name, *options) as program,
        reader(program, assert_silent) as viewer,
    ):
        brush.window.change_attributes(background_pixel=0x808080)
        window = new_window(brush, place)
        viewer.wait_for(expected(screen, [place]))
        move_unseen(brush, window, told, there)
        viewer.wait_for(expected(screen, []))
        window.map()
        brush.display.sync()
        viewer.wait_for(expected(screen, [told, there]))
        window.configure(x=100, y=told.y)
        brush.display.sync()
        viewer.wait_for(expected(screen, [Rectangle(100, 0, 60, 50)]))


def test_picom_shows_nothing_of_a_window_that_it_has_elsewhere(screen: XServer) -> None:
    place, told, there = (Rectangle(x, x, 60, 50) for x in (50, 0, 160))
    # How late picom repaints where a window was is its own affair, and the machine's.
    options = (*OPTIONS, "--mask-window", TITLE, "--mask-linger", "3")
    with (
        painter(screen) as brush,
        running(screen, "picom", "--config", "/dev/null", "--backend", "xrender"),
        webcapd("--display", screen.name, *options) as program,
        reader(program, assert_silent) as viewer,
    ):
        window = new_window(brush, place)

        def is_shown_at(place: Rectangle) -> bool:
            pixel: list[int] = screen.pixels()[place.y + 20, place.x + 20].tolist()
            return pixel == [0xFF, 0, 0xFF]

        wait_until("picom shows it", lambda: is_shown_at(place))
        move_unseen(brush, window, told, there)
        wait_until("picom does not show it", lambda: not is_shown_at(place))
        window.map()
        brush.display.sync()
        wait_until("picom shows it elsewhere", lambda: is_shown_at(told))

        def nothing_lingers() -> bool:
            """Whether the place that it left is seen again."""
            brush.rectangle(0x0000FF, 250, 200, 30, 30)
            return viewer.check() and bool(viewer.latest[place.y + 20, place.x + 20].min() > 100)

        wait_until("nothing lingers", nothing_lingers)
        parts = viewer.parts
        for number in range(10):
            brush.rectangle(0x00FF00, 250, 10 * number, 30, 30)
        wait_until("pictures", lambda: viewer.check() and viewer.parts > parts)


def test_place_that_a_fading_window_is_moved_to_is_masked(screen: XServer) -> None:
    """Some compositors, such as xcompmgr, take what fades out along."""
    place, then = Rectangle(50, 60, 70, 40), Rectangle(150, 100, 60, 80)
    options = (*OPTIONS, "--mask-window", TITLE, "--mask-linger", "60")
    with (
        painter(screen) as brush,
        webcapd("--display", screen.name, *options) as program,
        reader(program, assert_silent) as viewer,
    ):
        brush.window.change_attributes(background_pixel=0x808080)
        window = new_window(brush, place)
        viewer.wait_for(expected(screen, [place]))
        window.unmap()
        window.configure(x=then.x, y=then.y, width=then.width, height=then.height)
        brush.display.sync()
        viewer.wait_for(expected(screen, [place, Rectangle(150, 100, 70, 80)]))
        window.destroy()
        brush.display.sync()
        viewer.wait_for(expected(screen, [place, Rectangle(150, 100, 70, 80)]))


def test_window_that_loses_its_title_is_masked_where_it_takes_its_pixels(screen: XServer) -> None:
    places = [Rectangle(x, 60, 40, 50) for x in (10, 90, 170)]
    options = (*OPTIONS, "--mask-window", TITLE, "--mask-linger", "60")
    with (
        painter(screen) as brush,
        webcapd("--display", screen.name, *options) as program,
        reader(program, assert_silent) as viewer,
    ):
        brush.window.change_attributes(background_pixel=0x808080)
        window = new_window(brush, places[0])
        viewer.wait_for(expected(screen, places[:1]))
        window.set_wm_name("Weather")
        window.configure(x=places[1].x)
        brush.display.sync()
        viewer.wait_for(expected(screen, places[:2]))
        # python-xlib gives the id to the next.
        window.destroy()
        assert new_window(brush, places[2], "Weather").id == window.id
        viewer.wait_for(expected(screen, places))


def test_window_is_masked_that_came_out_of_one_not_read_yet(screen: XServer) -> None:
    options = (*OPTIONS, "--mask-window", TITLE, "--mask-linger", "0")
    with (
        painter(screen) as brush,
        webcapd("--display", screen.name, *options) as program,
        reader(program, assert_silent) as viewer,
    ):
        brush.window.change_attributes(background_pixel=0x808080)
        brush.display.sync()
        root = brush.display.screen().root
        for number in range(20):
            place = Rectangle(10 * number, 60, 50, 40)
            outer = root.create_window(0, 0, 9, 9, 0, 24, override_redirect=True)
            inner = outer.create_window(
                *(3, 3, 50, 40, 0, 24), override_redirect=True, background_pixel=LOUD[24]
            )
            inner.set_wm_name(TITLE)
            inner.reparent(root, place.x, place.y)
            inner.map()
            brush.display.sync()
            viewer.wait_for(expected(screen, [place]))
            inner.destroy()
            outer.destroy()
            brush.display.sync()
        viewer.wait_for(expected(screen, []))
