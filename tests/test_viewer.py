"""``webcapd view``: a window with keys, under a real X server, and pictures that are saved."""

import contextlib
import signal
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import managers
import mjpeg
import numpy as np
import pytest
from pictures import jpeg
from program import TIMEOUT, Webcapd, run_to_end, webcapd
from waiting import wait_until
from Xlib import XK, X, Xatom
from Xlib.display import Display
from Xlib.error import BadWindow
from Xlib.ext import xtest
from Xlib.protocol.event import ClientMessage
from Xlib.xobject.drawable import Window
from xserver import XServer, xvfb

from ports import free_port
from webcapd.base.framing.picture import Stamped
from webcapd.base.framing.prefixed import prefixed

BLUE, GREEN, RED = (200, 60, 20), (30, 180, 40), (20, 30, 200)
"""As B, G, R."""


@pytest.fixture(scope="module")
def screen() -> Iterator[XServer]:
    with xvfb(800, 600) as server, managers.running(server, *managers.OPENBOX):
        yield server


@contextlib.contextmanager
def viewing(
    *arguments: object, display: str = "", wrapper: Sequence[str] = ()
) -> Iterator[Webcapd]:
    """Run webcapd view until it ends, which the test sees to."""
    program = Webcapd(
        "view", *map(str, arguments), environment={"DISPLAY": display}, wrapper=wrapper
    )
    try:
        yield program
        assert not [line for line in program.lines if "Traceback" in line], program.lines
    finally:
        if program.process.poll() is None:
            program.process.kill()
        program.ended()


def paint(path: Path, colour: tuple[int, int, int]) -> None:
    """Have a file show a colour, all at once."""
    hidden = path.with_name(f".{path.name}")
    hidden.write_bytes(mjpeg.encode(np.full((120, 160, 3), colour, np.uint8), 95))
    hidden.rename(path)


def is_like(seen: Sequence[int], colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(np.array(seen, int) - colour).max() < 10)


def found(display: Display, title: str) -> Window | None:
    """Give the window of a title, within what a window manager puts around it."""
    root = display.screen().root
    # Openbox may wait for an event while another stands in its queue, and sees both then.
    root.change_property(display.intern_atom("_WEBCAPD_LOOK"), Xatom.CARDINAL, 32, [0])
    waiting: list[Window] = list(root.query_tree().children)
    while waiting:
        window = waiting.pop()
        with contextlib.suppress(BadWindow):
            if window.get_wm_name() == title and window.get_attributes().map_state == X.IsViewable:
                return window
            waiting += window.query_tree().children
    return None


def window_of(display: Display, title: str) -> tuple[int, int, int, int] | None:
    """Give place and size of the window of a title, if it is there."""
    with contextlib.suppress(BadWindow):
        if window := found(display, title):
            place = window.get_geometry()
            corner = display.screen().root.translate_coords(window, 0, 0)
            return corner.x, corner.y, place.width, place.height
    return None


def has_focus(display: Display, title: str) -> bool:
    """Whether keys go to the window of a title: its manager gives it them after it is shown."""
    window, focused = found(display, title), display.get_input_focus().focus
    with contextlib.suppress(BadWindow):
        while window is not None and isinstance(focused, Window):
            if focused.id == window.id:
                return True
            focused = focused.query_tree().parent
    return False


def type_key(display: Display, name: str, title: str) -> None:
    """Type a key over a window, once it has the focus."""
    wait_until("the window has the focus", lambda: has_focus(display, title))
    x, y, width, height = wait_until("the window is there", lambda: window_of(display, title))
    display.screen().root.warp_pointer(x + width // 2, y + height // 2)
    code = display.keysym_to_keycode(XK.string_to_keysym(name))
    shifted = display.keycode_to_keysym(code, 0) != XK.string_to_keysym(name)
    shift = display.keysym_to_keycode(XK.XK_Shift_L)
    if shifted:
        xtest.fake_input(display, X.KeyPress, shift)
    xtest.fake_input(display, X.KeyPress, code)
    xtest.fake_input(display, X.KeyRelease, code)
    if shifted:
        xtest.fake_input(display, X.KeyRelease, shift)
    display.sync()


def is_begun(video: Path) -> bool:
    """Whether a frame is in it; what stands before is shorter."""
    return video.stat().st_size > 1000


def test_a_window_and_all_its_keys(screen: XServer, tmp_path: Path) -> None:
    picture, folder, title = tmp_path / "a.jpg", tmp_path / "saved", "Hall 1"
    paint(picture, BLUE)
    options = ("--title", title, "--scale", 2, "--save", folder, "--name", "f_{n}.jpg")
    with (
        screen.connected() as display,
        viewing(f"file:{picture}", *options, display=screen.name) as viewer,
    ):

        def shows(colour: tuple[int, int, int]) -> bool:
            x, y, width, height = window_of(display, title) or (0, 0, 2, 2)
            return is_like(screen.pixels()[y + height // 2, x + width // 2], colour)

        def size() -> tuple[int, ...]:
            return (window_of(display, title) or (0, 0, 0, 0))[2:]

        wait_until("it is shown", lambda: shows(BLUE))
        wait_until("it is as large as it is to be", lambda: size() == (320, 240))
        type_key(display, "minus", title)
        wait_until("it is smaller", lambda: size() == (256, 192))
        type_key(display, "plus", title)
        wait_until("it is larger", lambda: size() == (320, 240))

        type_key(display, "s", title)
        line = viewer.wait_for_line(lambda line: "saved " in line and "snapshot" in line)
        assert is_like(mjpeg.decode(Path(line.split()[-1]).read_bytes())[9, 9], BLUE)

        type_key(display, "space", title)
        viewer.wait_for_line(lambda line: line == "webcapd: paused")
        paint(picture, GREEN)
        wait_until("it has come", lambda: (folder / "f_2.jpg").exists())
        assert shows(BLUE)
        type_key(display, "space", title)
        wait_until("it goes on", lambda: shows(GREEN))

        type_key(display, "r", title)
        viewer.wait_for_line(lambda line: "recording into" in line)
        wait_until("its first frame is there", lambda: any(map(is_begun, folder.glob("*.mkv"))))
        paint(picture, RED)
        wait_until("it is shown", lambda: shows(RED))
        type_key(display, "r", title)
        line = viewer.wait_for_line(lambda line: "frames into" in line)
        video = cv2.VideoCapture(line.split()[-1])
        frames = [video.read()[1] for _ in range(2)]
        assert is_like(frames[0][9, 9], GREEN) and is_like(frames[1][9, 9], RED)
        video.release()

        type_key(display, "f", title)
        wait_until("it fills the screen", lambda: size() == (800, 600))
        type_key(display, "q", title)
        assert viewer.process.wait(TIMEOUT) == 0
        assert viewer.own_lines()[0].endswith(f"160x120, saving into {folder}")
    assert not {line for line in viewer.lines if not line.startswith("webcapd: ")}


def send(port: int, *pictures: bytes) -> socket.socket:
    def connected() -> socket.socket | None:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port), TIMEOUT)
        return None

    connection = wait_until("it listens", connected)
    for one in pictures:
        connection.sendall(prefixed(Stamped(0, one)))
    return connection


def deliver(port: int, picture: bytes, path: Path) -> None:
    """Send a picture until it is saved: while the sender before is not gone, nobody may."""

    def is_saved() -> bool:
        with send(port, picture) as connection:
            connection.settimeout(0.1)
            while not path.exists():
                with contextlib.suppress(TimeoutError):
                    connection.recv(1000)
                    # It is told why not, and hung up on.
                    return False
        return True

    wait_until("it is saved", is_saved)


@pytest.mark.parametrize("shown", [True, False], ids=["window", "no display"])
def test_it_does_all_that_the_ancestor_did(screen: XServer, tmp_path: Path, shown: bool) -> None:
    """Pictures by TCP in a window and numbered in a folder; senders go, others come."""
    folder, port = tmp_path / "frames", free_port()
    options = (f"tcp://:{port}", "--save", folder, "--name", "frame_{n:04d}.jpg")
    number = 0
    for _ in range(2):
        with viewing(*options, display=screen.name if shown else "") as viewer:
            if not shown:
                viewer.wait_for_line(lambda line: line.endswith("only saved: DISPLAY is not set"))
            for _ in range(2):
                number += 1
                path = folder / f"frame_{number:04d}.jpg"
                deliver(port, jpeg(seed=number), path)
                saved = mjpeg.decode(path.read_bytes())
                assert np.array_equal(saved, mjpeg.decode(jpeg(seed=number)))
            if shown:
                with screen.connected() as display:
                    type_key(display, "Escape", f"tcp://:{port} - webcapd")
            else:
                viewer.process.send_signal(signal.SIGTERM)
            assert viewer.process.wait(TIMEOUT) == 0
    assert sorted(one.name for one in folder.glob("*.jpg")) == [
        *(f"frame_{n:04d}.jpg" for n in range(1, number + 1)),
        "latest.jpg",
    ]


def test_a_server_comes_and_goes(tmp_path: Path) -> None:
    folder, port = tmp_path / "frames", free_port()

    def saved() -> int:
        return len(list(folder.glob("0*.jpg")))

    url = f"http://127.0.0.1:{port}/?stream"
    with viewing(url, "--save", folder, "--no-window") as viewer:
        viewer.wait_for_line(lambda line: "waiting for a picture" in line)
        for _ in range(2):
            before = saved()
            with webcapd("--source", "pattern:ball,size=160x120", "--port", str(port)):
                wait_until("pictures come", lambda before=before: saved() > before + 2)  # type: ignore[misc]
        viewer.process.send_signal(signal.SIGTERM)
        assert viewer.process.wait(TIMEOUT) == 0


def test_masks_and_bounds_hold_for_what_is_saved(tmp_path: Path) -> None:
    options = ("--no-window", "--save", tmp_path, "--mask", "0,0,80,60", "--max-files", 3)
    source = "pattern:noise,size=160x120"
    status, _ = run_to_end("view", source, *map(str, options), "--count", "8")
    assert status == 0
    files = sorted(tmp_path.glob("0*.jpg"))
    assert len(files) <= 4 and files[-1].name.startswith("00000008")
    pixels = mjpeg.decode(files[-1].read_bytes())
    # But for what blurs over the mask's edge.
    assert pixels[:48, :64].max() < 32 and pixels[70:, 90:].std() > 20


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_asked_to(screen: XServer, how: signal.Signals) -> None:
    wrapper = ("env", "--default-signal=INT")
    with viewing("pattern:clock", display=screen.name, wrapper=wrapper) as viewer:
        with screen.connected() as display:
            wait_until("the window", lambda: window_of(display, "pattern:clock - webcapd"))
        viewer.process.send_signal(how)
        assert viewer.process.wait(TIMEOUT) == 0


def test_closing_the_window_ends_it(screen: XServer) -> None:
    title = "pattern:clock - webcapd"
    with (
        screen.connected() as display,
        viewing("pattern:clock", display=screen.name) as viewer,
    ):
        window = wait_until("the window", lambda: found(display, title))
        close = display.intern_atom("_NET_CLOSE_WINDOW")
        message = ClientMessage(window=window, client_type=close, data=(32, [0] * 5))
        mask = X.SubstructureRedirectMask | X.SubstructureNotifyMask
        display.screen().root.send_event(message, mask)
        display.sync()
        assert viewer.process.wait(TIMEOUT) == 0


def test_a_count_and_a_time_end_it(screen: XServer) -> None:
    with viewing("pattern:clock", "--count", 3, display=screen.name) as viewer:
        assert viewer.process.wait(TIMEOUT) == 0
    with viewing("pattern:bars", "--duration", "0.5s", display=screen.name) as viewer:
        assert viewer.process.wait(TIMEOUT) == 0


def test_what_cannot_be_is_told(tmp_path: Path) -> None:
    """By code 3 where nothing can be written, and by 1 where nothing can be shown."""
    (tmp_path / "file").write_text("mine")
    for arguments, display, code, sentence in (
        (("pattern:bars",), "", 1, "there is no window: DISPLAY is not set; --save DIR saves"),
        (("pattern:bars",), ":4711", 1, "there is no window: cannot open display :4711"),
        (("pattern:bars", "--no-window", "--save", tmp_path / "file"), "", 3, "file"),
        (("pattern:bars", "--no-window", "--save", "/proc/none"), "", 3, "/proc/none"),
        (
            ("file:/missing.jpg", "--no-window", "--save", tmp_path / "a", "--duration", "0.5s"),
            *("", 1, "nothing came: there is no picture /missing.jpg"),
        ),
    ):
        words = ("view", *map(str, arguments))
        status, said = run_to_end(*words, environment={"DISPLAY": display})
        assert status == code and sentence in said and "Traceback" not in said, said
    assert (tmp_path / "file").read_text() == "mine"


def test_a_lack_of_room_is_told_and_ends_nothing_before_its_time(tmp_path: Path) -> None:
    """There is never so much room as is to stay free here."""
    options = ("--no-window", "--save", str(tmp_path), "--min-free", "999999T")
    # So long that a picture comes in it also where the libraries are loaded slowly.
    status, said = run_to_end("view", "pattern:clock", *options, "--duration", "5s")
    assert status == 3 and "there is too little room left in" in said and "saved 0" in said
    assert not list(tmp_path.glob("0*.jpg"))


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ((), "what is to be shown?"),
        (("push:hall",), "push: takes a server"),
        (("frames.mp5",), "is neither a display, such as :0, nor a source"),
        (("pattern:bars", "--name", "a_{n}.jpg"), "--name is for saving"),
        (("pattern:bars", "--no-window"), "--no-window is for saving"),
        (("pattern:bars", "--save", "a", "--name", "b.jpg"), "a name has the number in it once"),
        (("pattern:bars", "--save", "a", "--name", "../{n}.jpg"), "a name is that of a file"),
        (("pattern:bars", "--save", "a", "--name", "{n}.png"), "ends in .jpg"),
        (("pattern:bars", "--duration", "soon"), "argument --duration"),
        (("pattern:bars", "--min-free", "x"), "argument --min-free"),
        (("tcp://0.0.0.0:5000",), "--publish-token-file"),
    ],
)
def test_mistakes_are_told_in_a_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    status, said = run_to_end("view", *arguments, environment={"DISPLAY": ""})
    assert status == 2 and sentence in said and "\n" not in said, said
