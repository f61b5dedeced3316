"""Windows that come, go and change while they are masked are in no picture."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import cv2
import mjpeg
import numpy as np
from managers import OPENBOX, TWM, running
from painter import Painter, painter
from program import TIMEOUT, Webcapd, webcapd
from secrets_shown import TITLE, loud_window, moving_fast, secrets
from soak import scenario
from waiting import wait_until
from xserver import Pixels, XServer, xvfb

from webcapd.capture.geometry import Rectangle

WIDTH, HEIGHT = 800, 440
# The programs leave the right end of the screen alone.
AREA = Rectangle(0, 0, 720, HEIGHT)

# At this quality a colour stays what it is, and nothing of it gets across a border.
OPTIONS = ("--quality", "95", "--subsampling", "444", "--keepalive", "0.5", "--fps", "60")

# On a machine with far too much to do, compositors fall behind by more than a second.
_LONG = 3.0

# Of the loud colour, the least that counts: a compositor lets it fade.
_LEAST = 24


class Look:
    """Looks for the loud colour in whatever pictures come, and counts them."""

    def __init__(self) -> None:
        self.pictures = 0
        self.leaks = 0
        self.worst = ""

    def at(self, picture: Pixels) -> None:
        blue, green, red = cv2.split(picture)
        loud = cv2.subtract(cv2.min(blue, red), green) > _LEAST
        self.pictures += 1
        if loud.any():
            self.leaks += 1
            self.worst = self.worst or f"{loud.sum()} pixels at {np.argwhere(loud)[0].tolist()}"


@contextlib.contextmanager
def looked_at(program: Webcapd) -> Iterator[Look]:
    """Look at streams and snapshots, plain and turned, until the context ends."""
    look, ended = Look(), threading.Event()
    failures: list[BaseException] = []

    def follow(path: str) -> None:
        with mjpeg.stream(program, path) as stream:
            while not ended.is_set():
                look.at(mjpeg.decode(stream.part().body))

    def ask(path: str) -> None:
        while not ended.wait(0.02):
            status, _, body = program.get(path)
            assert status == 200, body
            look.at(mjpeg.decode(body))

    def run(what: Callable[[str], None], path: str) -> None:
        try:
            what(path)
        except BaseException as error:
            failures.append(error)

    tasks = [(follow, "/?stream"), (follow, "/?stream&rotate=90")]
    tasks += [(ask, "/?snapshot"), (ask, "/?snapshot&rotate=270")]
    threads = [threading.Thread(target=run, args=task) for task in tasks]
    for thread in threads:
        thread.start()
    try:
        yield look
    finally:
        ended.set()
        for thread in threads:
            thread.join(TIMEOUT)
    if failures:
        raise failures[0]


@contextlib.contextmanager
def _backdrop(server: XServer) -> Iterator[None]:
    """Have the server itself paint what windows leave uncovered."""
    with painter(server) as brush:
        brush.window.change_attributes(background_pixel=0x808080)
        brush.fill(0x808080)
        yield


@contextlib.contextmanager
def _mover(server: XServer) -> Iterator[Painter]:
    """Give a painter at the right end of the screen."""
    with painter(server) as brush:
        brush.window.configure(x=AREA.right)
        brush.window.change_attributes(background_pixel=0x808080)
        brush.fill(0x808080)
        yield brush


@contextlib.contextmanager
def _slow_backdrop(server: XServer) -> Iterator[None]:
    """Have a program paint it, some tenths of a second late."""
    ended = threading.Event()
    with painter(server) as brush:

        def run() -> None:
            while not ended.wait(0.2):
                brush.rectangle(0x808080, *AREA)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(TIMEOUT)


def _count(
    what: str,
    commands: Sequence[Sequence[str]],
    linger: float,
    count: int,
    backdrop: Callable[[XServer], contextlib.AbstractContextManager[None]] = _backdrop,
    fresh_ids: bool = False,
) -> str:
    """Let secret windows come and go under window managers; fails if any is seen."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(xvfb(WIDTH, HEIGHT))
        stack.enter_context(backdrop(server))
        brush = stack.enter_context(_mover(server))
        for command in commands:
            stack.enter_context(running(server, *command))
        options = (*OPTIONS, "--mask-window", TITLE, "--mask-linger", str(linger))
        program = stack.enter_context(webcapd("--display", server.name, *options))
        look = stack.enter_context(looked_at(program))
        done = stack.enter_context(secrets(server, AREA, count, 1.3 * linger, fresh_ids))
        number = 0
        while not done.wait(0.01):
            number += 1
            # Something that moves, so that there are pictures.
            brush.rectangle(0x003000 + number % 200, 0, number % HEIGHT, 80, 40)
        assert not program.info()["encoder"]["outages"], program.own_lines()
        before = look.pictures
        wait_until("more pictures", lambda: look.pictures > before)
    assert not look.leaks, f"{look.leaks} of {look.pictures} pictures leak, first {look.worst}"
    return f"6 acts {what}, {count} times each, and nothing of it in {look.pictures} pictures"


# Most of the time: without a compositor, what a window shows goes with it.  But
# twm's frames have no background: they show a window that has gone until twm hears
# of it.
@scenario("masks-bare", 1000)
def bare(count: int) -> str:
    """Have secret windows come and go without a window manager and without lingering."""
    return _count("without a window manager", (), 0, count)


@scenario("masks-openbox", 1000)
def openbox(count: int) -> str:
    """Have secret windows come and go under openbox, without lingering."""
    return _count("under openbox", [OPENBOX], 0, count)


@scenario("masks-twm", 1000)
def twm(count: int) -> str:
    """Have secret windows come and go under twm."""
    return _count("under twm", [TWM], _LONG, count)


@scenario("masks-late-repaint", 1000)
def late_repaint(count: int) -> str:
    """Have secret windows come and go above one that repaints only when it gets to it."""
    return _count("above a slow painter", (), _LONG, count, _slow_backdrop)


@scenario("masks-fast-mover", 60)
def fast_mover(count: int) -> str:
    """Move a masked window fifty thousand times a second, for seconds."""
    rates = ["0 moves"]
    with (
        xvfb(WIDTH, HEIGHT) as server,
        _backdrop(server),
        _mover(server) as brush,
        loud_window(server, TITLE) as window,
        webcapd("--display", server.name, *OPTIONS, "--mask-window", TITLE) as program,
        looked_at(program) as look,
    ):
        before = look.pictures
        with moving_fast(server, window, AREA.width - 100, 50_000, rates.append):
            for number in range(20 * count):
                brush.rectangle(0x003000 + number, 0, number % HEIGHT, 80, 40)
                time.sleep(0.05)
            wait_until("more than a few pictures", lambda: look.pictures > before + count)
        wait_until("all is well", lambda: program.info()["encoder"]["state"] == "live")
        assert program.info()["encoder"]["outages"] == 0, program.own_lines()
    assert not look.leaks, f"{look.leaks} of {look.pictures} pictures leak, first {look.worst}"
    return f"{rates[-1]}, and nothing of it in {look.pictures} pictures"


@scenario("masks-picom", 1000)
def picom(count: int) -> str:
    """Have secret windows come and go under openbox, and picom lets them fade."""
    fading = ["picom", "--config", "/dev/null", "--backend", "xrender", "--fading"]
    return _count("under picom", [OPENBOX, fading], _LONG, count)


@scenario("masks-xcompmgr", 1000)
def xcompmgr(count: int) -> str:
    """Have secret windows come and go, and xcompmgr lets them fade."""
    # It mixes up windows of one id, and then leaves pieces of them on the screen for ever.
    commands = [["xcompmgr", "-c", "-f", "-F"]]
    return _count("under xcompmgr", commands, _LONG, count, fresh_ids=True)
