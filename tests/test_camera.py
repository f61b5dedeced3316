"""What OpenCV opens as a source: a film made by ffmpeg, what is no film, what is not there."""

import contextlib
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from feedreader import reason, shown
from program import TIMEOUT, run_to_end, webcapd
from waiting import wait_until

from webcapd.capture.feeds.feed import Feed, FeedContext
from webcapd.capture.feeds.received.camera import _with_secret
from webcapd.capture.feeds.registry import make_feed
from webcapd.capture.source import SourceNotReady

RED, BLUE = (0, 0, 255), (255, 0, 0)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a film that is red, and then blue, for a quarter of a second each."""
    path = tmp_path_factory.mktemp("camera") / "film.mp4"
    half = "color={}:size=64x48:rate=20:duration=0.25"
    colours = [word for one in ("red", "blue") for word in ("-f", "lavfi", "-i", half.format(one))]
    joined = ["-filter_complex", "concat=n=2", "-pix_fmt", "yuv420p"]
    command = ["ffmpeg", "-loglevel", "error", *colours, *joined, str(path)]
    subprocess.run(command, check=True, timeout=TIMEOUT)
    return path


@contextlib.contextmanager
def made(source: str) -> Iterator[Feed]:
    feed = make_feed(source)
    try:
        yield feed
    finally:
        feed.close()
        feed.dispose()
    wait_until(
        "its thread ends",
        lambda: "camera" not in [one.name for one in threading.enumerate()],
    )


def size(feed: Feed) -> tuple[int, int] | None:
    """Give the size of the picture that there is, if there is one."""
    with contextlib.suppress(SourceNotReady):
        return feed.open()
    return None


def colour(feed: Feed) -> tuple[int, ...]:
    """Give the colour of the middle, rounded."""
    pixel = shown(feed)[24, 32]
    return tuple(255 if value > 128 else 0 for value in pixel)


def wait_colour(feed: Feed, wanted: tuple[int, ...]) -> None:
    def shows() -> bool:
        # A film that is long in beginning again is lost for that time.
        with contextlib.suppress(SourceNotReady):
            return not reason(feed) and colour(feed) == wanted
        return False

    wait_until(f"it is {wanted}", shows)


def test_a_film_is_shown_again_and_again_at_its_pace(film: Path) -> None:
    with made(f"camera:{film}") as feed:
        for wanted in (RED, BLUE, RED, BLUE):
            wait_colour(feed, wanted)
        wait_until("it has its size", lambda: size(feed) == (64, 48))


def test_another_size_is_made(film: Path) -> None:
    with made(f"camera:{film},size=320x240,fps=5") as feed:
        wait_until("it has that size", lambda: size(feed) == (320, 240))


def test_viewers_see_it(film: Path) -> None:
    with webcapd("--source", f"camera:{film}") as program:
        wait_until("it is shown", lambda: program.get("/?snapshot")[0] == 200)


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("/nowhere/film.mp4", ": there is no such file"),
        ("99", ": there is no /dev/video99"),
        ("/dev/null", ""),
        ("rtsp://127.0.0.1:1/x", ""),
        ("http://127.0.0.1:1/x", ""),
    ],
)
def test_what_is_not_there_is_waited_for_and_named(place: str, why: str) -> None:
    with made(f"camera:{place}") as feed:
        wait_until("it is told", lambda: "cannot be opened" in reason(feed))
        assert reason(feed) == f"camera {place} cannot be opened{why}"


def test_a_film_that_comes_later_is_shown(film: Path, tmp_path: Path) -> None:
    place = tmp_path / "later.mp4"
    place.write_bytes(b"half of a film")
    with made(f"camera:{place}") as feed:
        wait_until("it is told", lambda: "cannot be opened" in reason(feed))
        (tmp_path / "part").write_bytes(film.read_bytes())
        (tmp_path / "part").replace(place)
        wait_colour(feed, RED)
        place.unlink()
        wait_until("it is lost", lambda: "cannot be opened" in reason(feed))


def test_what_opens_it_is_shown_to_nobody() -> None:
    secret = FeedContext(secret_for=lambda host: {"cam:554": "ann:a@b"}.get(host, "")).secret_for
    assert _with_secret("rtsp://cam:554/x", secret) == "rtsp://ann:a%40b@cam:554/x"
    assert _with_secret("rtsp://other/x", secret) == "rtsp://other/x"
    assert _with_secret("/dev/video0", secret) == "/dev/video0"
    with webcapd("--source", "camera:rtsp://ann:sesame@127.0.0.1:1/x") as program:
        code, _, body = program.get("/?snapshot")
        assert code == 503
        wait_until("it is told", lambda: b"cannot be opened" in program.get("/?snapshot")[2])
        assert "sesame" not in program.get("/?info")[2].decode() + body.decode()
        assert not any("sesame" in line for line in program.lines), program.lines


@pytest.mark.parametrize("source", ["camera:,fps=5", "camera:0,size=99999x99999", "camera:0,fps=0"])
def test_a_mistake_is_said_in_a_sentence(source: str) -> None:
    code, words = run_to_end("--source", source)
    assert code == 2
    assert words.count("\n") == 0
