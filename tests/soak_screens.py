"""Screens that move, and that go away, again and again."""

import mjpeg
from footprint import Footprint
from loud import HEIGHT, OPTIONS, WIDTH, assert_silent, expected
from mortal import mortal_server
from motion import moving, scatter
from program import webcapd
from reader import reader
from soak import scenario
from waiting import wait_until
from Xlib import X
from xserver import xvfb


@scenario("frames", 10_000)
def frames(count: int) -> str:
    """Decode the frames of a screen that moves all the time."""
    with (
        xvfb(160, 120) as server,
        webcapd("--display", server.name, "--fps", "240") as program,
        mjpeg.stream(program) as stream,
    ):
        with moving(server, scatter):
            for _ in range(count):
                assert mjpeg.decode(stream.part().body).shape == (120, 160, 3)
        stream.until(mjpeg.decode(mjpeg.encode(server.pixels())))
    return "all decode, and the last shows the screen"


@scenario("titles", 10_000)
def titles(count: int) -> str:
    """Change the long title of a window, and its place, all the time."""
    more = (*OPTIONS, "--mask-linger", "0", "--mask-window", "Secret letters")
    with (
        xvfb(WIDTH, HEIGHT) as server,
        server.connected() as display,
        webcapd("--display", server.name, *more) as program,
        reader(program, assert_silent) as viewer,
    ):
        screen = display.screen()
        screen.root.change_attributes(background_pixel=0x808080)
        screen.root.clear_area(0, 0, WIDTH, HEIGHT)
        window = screen.root.create_window(
            *(50, 50, 40, 60, 0, 24, X.InputOutput),
            **{"override_redirect": True, "background_pixel": 0x404000},
        )
        window.map()
        atom = display.intern_atom("WM_NAME")
        parts = viewer.parts
        for number in range(count):
            if number % 3:
                window.set_wm_name("x" * (number % 500))
            else:
                window.delete_property(atom)
            window.configure(x=number % 50)
            display.flush()
        display.sync()
        viewer.wait_for(expected(server, []))
        assert viewer.parts > parts
        assert program.info()["encoder"]["outages"] == 0
    return "shown as it was, without an outage"


@scenario("display-kills", 100)
def display_kills(count: int) -> str:
    """Kill the X server and start it again; the picture is back, and nothing has piled up."""
    with mortal_server() as server:
        server.start_xvfb(320, 240)
        with webcapd("--display", server.name) as program, mjpeg.stream(program) as stream:

            def is_in(state: str) -> bool:
                return bool(program.info()["encoder"]["state"] == state)

            files = set()
            for number in range(count):
                server.kill()
                wait_until("it is lost", lambda: is_in("lost"))
                stream.part()
                server.start_xvfb(320 - 8 * (number % 4), 240)
                wait_until("it is back", lambda: is_in("live"))
                stream.until(mjpeg.decode(mjpeg.encode(server.pixels())))
                files.add(Footprint(program.process.pid).files)
            # A connection more or less may just be there.
            assert max(files) - min(files) <= 2, files
    return f"back each time, with {min(files)} to {max(files)} descriptors"
