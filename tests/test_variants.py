"""Viewers get the size, rotation and quality they ask for, at one encode for all who ask alike."""

import contextlib

import mjpeg
import numpy as np
import pytest
from buffers import frame_buffer
from motion import moving
from painter import painter
from program import Webcapd, webcapd
from rawhttp import raw
from resizing import resize
from updateclient import updates
from waiting import wait_until
from xserver import Pixels, XServer, xvfb

from webcapd.capture.geometry import Rectangle
from webcapd.encoder.transform import TransformedPicture, View

ASKED = {
    "rotate=90": View(1),
    "rotate=0": View(1),
    "rotate=1": View(2),
    "rotate=2": View(3),
    "rotate=270": View(3),
    "scale=0.5": View(scale=0.5),
    "width=200": View(fit=(200, 0)),
    "width=200&height=50": View(fit=(200, 50)),
    "crop=10,20,101,53": View(crop=Rectangle(10, 20, 101, 53)),
    "flip=h": View(flip="h"),
    "flip=v": View(flip="v"),
    "rotate=90&width=123&crop=5,6,77,99&flip=hv": View(
        1, (123, 0), crop=Rectangle(5, 6, 77, 99), flip="hv"
    ),
    "scale=4": View(),
}


def seen(server: XServer, view: View) -> Pixels:
    """Give what a view shows of the root window, as B, G, R."""
    pixels = server.pixels()
    screen = frame_buffer(np.dstack([pixels, np.zeros(pixels.shape[:2], np.uint8)]))
    screen.rehash(range(screen.layout.count))
    buffer = TransformedPicture(view)
    with buffer.following(screen):
        return np.array(buffer.pixels[:, :, :3])


@pytest.mark.parametrize("asked", ASKED)
def test_stream_of_a_view_ends_on_the_view_of_the_screen(server: XServer, asked: str) -> None:
    with (
        webcapd("--display", server.name) as program,
        painter(server) as brush,
        mjpeg.stream(program, f"/?stream&{asked}") as stream,
    ):
        brush.noise(1)
        for number in range(50):
            brush.rectangle(0x050301 * number, 11 * number, 7 * number, 60, 40)
        expected = mjpeg.decode(mjpeg.encode(seen(server, ASKED[asked])))
        assert stream.until(expected)
        snapshot = mjpeg.decode(program.get(f"/?snapshot&{asked}")[2])
        assert np.array_equal(snapshot, expected)


def test_quality_and_gray_are_as_asked(server: XServer) -> None:
    with webcapd("--display", server.name) as program, painter(server) as brush:
        brush.noise(2)
        pixels = server.pixels()
        status, _, jpeg = program.get("/?snapshot&quality=20")
        assert status == 200
        assert np.array_equal(mjpeg.decode(jpeg), mjpeg.decode(mjpeg.encode(pixels, 20)))
        gray = mjpeg.decode(program.get("/?snapshot&gray=1")[2])
        assert np.array_equal(gray[:, :, 0], gray[:, :, 1])
        assert np.array_equal(gray[:, :, 0], gray[:, :, 2])


def test_screen_turned_for_all_is_turned_once_more_on_request(server: XServer) -> None:
    with (
        webcapd("--display", server.name, "--rotate", "90") as program,
        painter(server) as brush,
    ):
        brush.noise(3)
        for asked, view in (("", View(1)), ("&rotate=90", View(2)), ("&rotate=270", View())):
            snapshot = mjpeg.decode(program.get(f"/?snapshot{asked}")[2])
            assert np.array_equal(snapshot, mjpeg.decode(mjpeg.encode(seen(server, view))))


def variants(program: Webcapd) -> int:
    return len(program.info()["encoder"]["variants"])


def test_equal_requests_share_one_variant(server: XServer) -> None:
    alike = ("scale=0.5&rotate=90", "rotate=0&scale=.5", "x=1&scale=0.50&rotate=90&fps=7")
    with webcapd("--display", server.name) as program, contextlib.ExitStack() as open_streams:
        for asked in alike:
            open_streams.enter_context(mjpeg.stream(program, f"/?stream&{asked}")).part()
        assert variants(program) == 2
        open_streams.enter_context(mjpeg.stream(program, "/?stream&scale=0.25")).part()
        assert variants(program) == 3


def test_variants_are_bounded_and_free_again(server: XServer) -> None:
    with webcapd("--display", server.name, "--max-variants", "1") as program:
        with mjpeg.stream(program, "/?stream&rotate=90") as stream:
            stream.part()
            for page in ("stream", "snapshot"):
                status, headers, sentence = program.get(f"/?{page}&rotate=180")
                assert status == 503
                assert int(headers["Retry-After"]) > 0
                assert b"--max-variants allows: 1 beside the plain one" in sentence
            with updates(program, "&rotate=90"):
                status, headers, sentence = program.get("/?updates&once=1&rotate=180")
                assert status == 503
                assert b"--max-variants allows: 1 beside the plain one" in sentence
                assert program.get("/?updates&once=1")[0] == 200
            assert program.get("/?snapshot&rotate=90")[0] == 200
            assert program.get("/?snapshot")[0] == 200
        # It lingers for those who come back, but not when its place is wanted.
        wait_until("the place is free", lambda: program.get("/?snapshot&rotate=180")[0] == 200)


@pytest.mark.parametrize(
    "asked",
    [
        "rotate=45", "rotate=", "width=0", "width=-5", "height=x", "scale=0", "scale=nan",
        "crop=1,2,3", "crop=0,0,0,5", "quality=0", "quality=101", "quality=7.5", "fps=0",
        "fps=inf", "fps=nan", "gray=yes", "flip=x", "width=1_0", "width=%D9%A1%D9%A2",
        "quality=+75", "quality=%2B75", "scale=%201", "scale=1e0", "crop=%D9%A1,0,5,5",
        "crop=0,0,5,5%20", "max_age=nan", "timeout=1_0", "advance=%D9%A1", "download=yes",
    ],
)  # fmt: skip
def test_malformed_values_are_refused_in_one_sentence(server: XServer, asked: str) -> None:
    with webcapd("--display", server.name) as program:
        for page in ("stream", "snapshot", "info", "health", "metrics", ""):
            status, _, sentence = program.get(f"/?{page}&{asked}")
            assert status == 400
            assert sentence.count(b"\n") == 1
        assert variants(program) == 1


@pytest.mark.parametrize("page", ["stream", "snapshot"])
def test_crop_of_nothing_is_refused_with_the_size_of_the_picture(
    server: XServer, page: str
) -> None:
    height, width = server.pixels().shape[:2]
    outside = {
        f"crop={width},0,5,5": f"{width}x{height}",
        f"crop=0,{height},5,5": f"{width}x{height}",
        "crop=-5,0,5,5": f"{width}x{height}",
        f"rotate=90&crop={height},0,5,5": f"{height}x{width}",
        f"scale=0.5&crop={width // 2},0,5,5": f"{width // 2}x{height // 2}",
    }
    inside = (
        f"crop={width - 1},{height - 1},5,5",
        "crop=-5,-5,6,6",
        f"rotate=90&crop=0,{height},5,5",
    )
    with webcapd("--display", server.name) as program:
        for asked, size in outside.items():
            status, _, sentence = program.get(f"/?{page}&{asked}")
            assert (status, size in sentence.decode()) == (400, True), asked
        for asked in inside:
            with raw(program) as client:
                client.request(f"/?{page}&{asked}")
                assert client.head().code == 200, asked


def test_rate_asked_for_is_the_rate_encoded(server: XServer) -> None:
    with (
        webcapd("--display", server.name) as program,
        mjpeg.stream(program, "/?stream&fps=2") as slow,
    ):
        slow.part()
        assert program.info()["encoder"]["variants"][0]["wantedFps"] == 2
        with mjpeg.stream(program) as fast:
            fast.part()
            assert program.info()["encoder"]["variants"][0]["wantedFps"] is None


def is_served(program: Webcapd, path: str) -> bool:
    return program.get(path)[0] == 200


def test_idle_variants_make_room_for_wanted_ones(server: XServer) -> None:
    with (
        webcapd("--display", server.name, "--max-variants", "2") as program,
        mjpeg.stream(program, "/?stream&rotate=90") as stream,
    ):
        assert stream.part()
        for quality in range(10, 15):
            assert program.get(f"/?snapshot&quality={quality}")[0] == 200
        assert variants(program) <= 3
        assert program.get("/?snapshot&rotate=90")[0] == 200


def test_numbers_of_pictures_are_not_used_again(server: XServer) -> None:
    """Who comes back with the number of a form dropped meanwhile gets the picture of now."""
    with webcapd("--display", server.name, "--max-variants", "1") as program, painter(server) as b:
        number = program.get("/?snapshot&scale=0.5")[1]["X-Sequence"]
        # Its place is wanted by another one.
        assert program.get("/?snapshot&rotate=90")[0] == 200
        b.noise(1)
        assert program.get(f"/?snapshot&scale=0.5&after={number}")[0] == 200


def test_slow_viewer_holds_up_nobody(server: XServer) -> None:
    """A hundred seconds between frames are for the one who asked for them."""
    with (
        webcapd("--display", server.name) as program,
        painter(server) as brush,
        mjpeg.stream(program, "/?stream&fps=0.01") as slow,
    ):
        slow.part()
        for number in range(5):
            brush.noise(number)
            expected = mjpeg.decode(mjpeg.encode(server.pixels()))
            assert np.array_equal(mjpeg.decode(program.snapshot()), expected)
        with mjpeg.stream(program) as fast:
            brush.noise(9)
            assert fast.until(mjpeg.decode(mjpeg.encode(server.pixels())))


def test_snapshots_come_at_once_however_slow_the_frames_are(server: XServer) -> None:
    with webcapd("--display", server.name, "--fps", "0.1") as program:
        assert [program.get("/?snapshot")[0] for _ in range(4)] == [200] * 4


@pytest.mark.parametrize("asked", ["scale=0.5", "rotate=90", "quality=50", "fps=2"])
def test_polled_screen_comes_to_rest_whatever_is_followed(asked: str) -> None:
    options = ("--damage-block-threshold", "3", "--damage-block-duration", "10")
    with (
        xvfb(160, 120, "-extension", "DAMAGE") as server,
        webcapd("--display", server.name, "--paint-over-jpeg-quality", "90", *options) as program,
        mjpeg.stream(program, f"/?stream&{asked}") as stream,
    ):
        with moving(server, lambda brush, number: brush.noise(number)):
            for _ in range(20 if "fps" not in asked else 4):
                stream.part()

        def rests() -> bool:
            info = program.info()
            hot, quality = info["capture"]["pollHeat"]["hot"], info["encoder"]["quality"]
            return bool(hot == 0 and quality == 90)

        wait_until("nothing is hot and the quality is that of rest", rests)


def test_views_survive_changes_of_the_screens_size() -> None:
    """Also with memory that goes with its display at once."""
    with (
        xvfb(1280, 960) as server,
        server.connected() as display,
        webcapd("--display", server.name, "--shm", "sysv") as program,
    ):
        for width, height in ((640, 480), (1280, 960)) * 4:
            resize(display, width, height)
            expected = mjpeg.decode(mjpeg.encode(seen(server, View(fit=(640, 0)))))
            snapshot = mjpeg.decode(program.get("/?snapshot&width=640")[2])
            assert np.array_equal(snapshot, expected)
