"""A picture in a file, or the newest of a folder, is shown when it changes, and never by halves."""

import contextlib
import functools
import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from mjpeg import decode, stream
from PIL import Image
from program import webcapd
from waiting import wait_until
from xserver import Pixels

from webcapd.base import inotify
from webcapd.base.inotify import Inotify
from webcapd.capture.decoration import Decoration
from webcapd.capture.feeds.fed import FeedSource
from webcapd.capture.feeds.files.pictures import FileError, read_picture
from webcapd.capture.feeds.files.watch import FileWatch
from webcapd.capture.feeds.registry import make_feed
from webcapd.capture.options import CaptureOptions
from webcapd.capture.source import SourceChanged, SourceNotReady


def noise(seed: int, width: int = 80, height: int = 60) -> Pixels:
    """Give B, G, R."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def coded(pixels: Pixels, suffix: str = ".png") -> bytes:
    done, data = cv2.imencode(suffix, pixels)
    assert done
    return data.tobytes()


def pixels_of(path: Path) -> Pixels:
    """Give what is read from a file, B, G, R, X."""
    _, picture = read_picture(path)
    pixels = np.zeros((picture.height, picture.width, 4), np.uint8)
    picture.copy_to(pixels, picture.area)
    return pixels


def put(path: Path, data: bytes) -> None:
    """Write beside it and rename, as one should."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(data)
    new.replace(path)


@contextlib.contextmanager
def shown(path: Path) -> Iterator[Callable[[], Pixels | None]]:
    """Give a function that tells what is shown of a path just now; None for a placeholder."""
    source = FeedSource(make_feed(f"file:{path}"), CaptureOptions(), Decoration("", "br", 0.0, ""))
    is_open = False

    def look() -> Pixels | None:
        nonlocal is_open
        try:
            if not is_open:
                source.open(lambda: None)
                is_open = True
            source.refresh()
            return source.frame_buffer.pixels[:, :, :3].copy()
        except (SourceNotReady, SourceChanged):
            source.close()
            is_open = False
            return None

    try:
        yield look
    finally:
        source.close()
        source.dispose()


def is_shown(look: Callable[[], Pixels | None], wanted: Pixels) -> bool:
    pixels = look()
    return pixels is not None and np.array_equal(pixels, wanted)


@pytest.fixture(params=["inotify", "polling"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "polling":

        def refused() -> Inotify:
            raise OSError(24, "Too many open files")

        monkeypatch.setattr(inotify, "Inotify", refused)
    return str(request.param)


def test_file_is_shown_whenever_it_is_another(tmp_path: Path, way: str) -> None:
    path = tmp_path / "picture.png"
    with shown(path) as look:
        assert look() is None, "there is none yet"
        for number, write in enumerate([put, Path.write_bytes, put, Path.write_bytes]):
            write(path, coded(noise(number)))
            wait_until("it is shown", functools.partial(is_shown, look, noise(number)))
        put(path, coded(noise(9, 33, 44)))
        wait_until("another size is shown", lambda: is_shown(look, noise(9, 33, 44)))
        path.unlink()
        wait_until("there is none any more", lambda: look() is None)
        put(path, coded(noise(1)))
        wait_until("it is back", lambda: is_shown(look, noise(1)))


def test_folder_shows_what_came_last(tmp_path: Path, way: str) -> None:
    folder = tmp_path / "pictures"
    with shown(folder) as look:
        assert look() is None
        folder.mkdir()
        for number in range(3):
            path = folder / f"frame_{7 - number}.png"
            path.write_bytes(coded(noise(number)))
            os.utime(path, (1000 + number, 1000 + number))
            wait_until("it is shown", functools.partial(is_shown, look, noise(number)))
        (folder / ".hidden.png").write_bytes(coded(noise(8)))
        (folder / "notes.txt").write_text("no picture")
        (folder / "broken.png").write_bytes(coded(noise(9))[:1000])
        put(folder / "last.png", coded(noise(4)))
        wait_until("what can be shown is", lambda: is_shown(look, noise(4)))
    with shown(folder) as look:
        wait_until("the newest of those there", lambda: is_shown(look, noise(4)))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".ppm", ".webp"])
def test_half_written_file_is_never_shown(tmp_path: Path, suffix: str) -> None:
    """Wherever it is cut; of some formats the last bytes say nothing of pixels."""
    path = tmp_path / f"picture{suffix}"
    whole = coded(noise(1), suffix)
    wanted = cv2.imdecode(np.frombuffer(whole, np.uint8), cv2.IMREAD_COLOR)
    path.write_bytes(whole)
    pixels = pixels_of(path)
    # Decoders of JPEG round as they like.
    assert abs(pixels[:, :, :3].astype(int) - wanted).max() <= (3 if suffix == ".jpg" else 0)
    for cut in {0, 1, 10, len(whole) // 3, len(whole) // 2, len(whole) * 9 // 10}:
        path.write_bytes(whole[:cut])
        with pytest.raises(FileError):
            read_picture(path)


def test_file_that_is_written_slowly_is_shown_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    put(path, coded(noise(1)))
    with shown(path) as look:
        wait_until("it is shown", lambda: is_shown(look, noise(1)))
        data = coded(noise(2))
        with path.open("wb") as file:
            for at in range(0, len(data), len(data) // 5 + 1):
                file.write(data[at : at + len(data) // 5 + 1])
                file.flush()
                os.utime(path)
                for _ in range(3):
                    # It may be seen whole before it is closed.
                    assert any(is_shown(look, noise(number)) for number in (1, 2))
        wait_until("the new one is shown", lambda: is_shown(look, noise(2)))


def bomb() -> bytes:
    """Give a small PNG of more pixels than memory has room for."""
    data = io.BytesIO()
    Image.new("1", (30000, 30000)).save(data, "PNG")
    return data.getvalue()


def test_what_is_no_picture_says_so(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    contents = {
        bomb(): "has ",
        b"": "is no picture that can be read",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n": "is no picture that can be read",
        b"P6\n99999 99999\n255\n": "has ",
        b"P6\n4000000000 4000000000\n255\n": "",
    }
    for content, sentence in contents.items():
        path.write_bytes(content)
        with pytest.raises(FileError, match=f"^{sentence}"):
            read_picture(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FileError, match="is no file"):
        read_picture(path)


def test_colours_of_any_kind_are_right(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(np.array([[0, 0x80FF, 0xFFFF]], np.uint16)).save(path)
    assert pixels_of(path)[0, :, 0].tolist() == [0, 0x80, 0xFF]
    Image.new("RGBA", (2, 2), (200, 100, 50, 128)).save(path)
    assert abs(pixels_of(path)[0, 0, :3].astype(int) - (25, 50, 100)).max() <= 1
    image = Image.new("RGB", (3, 2), (1, 2, 3))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, exif=exif)
    assert pixels_of(path).shape == (3, 2, 4), "turned as its camera was held"


def test_file_is_served_and_its_thread_ends(tmp_path: Path) -> None:
    path = tmp_path / "a picture.png"
    with webcapd("--source", f"file:{path}") as program:
        assert program.display == f"file:{tmp_path}/a%20picture.png"
        status, _, body = program.get("/?snapshot")
        assert status == 503
        assert f"there is no picture {path}: No such file" in body.decode()
        with stream(program) as parts:
            assert decode(parts.part().body).shape == (720, 1280, 3), "a placeholder"
            put(path, coded(np.full((48, 64, 3), 90, np.uint8)))
            parts.until(np.full((48, 64, 3), 90, np.uint8))
        assert program.info()["capture"]["feed"] == {"file": "a picture.png", "problem": None}


def test_feed_that_was_disposed_of_leaves_nothing(tmp_path: Path) -> None:
    descriptors, threads = set(os.listdir("/proc/self/fd")), set(threading.enumerate())
    for _ in range(3):
        with shown(tmp_path / "none.png") as look:
            look()
    # A thread that is held up is not waited for long.
    wait_until("its threads have ended", lambda: set(threading.enumerate()) <= threads)
    wait_until("all is closed", lambda: set(os.listdir("/proc/self/fd")) <= descriptors)


def test_reading_that_fails_ends_with_a_placeholder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its thread has told is there after its end, too, for as long as it is asked for."""

    def fail(*_: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(FileWatch, "wait", fail)
    before = set(threading.enumerate())
    with shown(tmp_path / "none.png") as look:
        look()
        wait_until("its thread has ended", lambda: set(threading.enumerate()) <= before)
        for _ in range(2):
            assert look() is None


def test_jpeg_is_passed_on_as_it_is_unless_it_is_to_be_turned(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    whole = coded(noise(1), ".jpg")
    path.write_bytes(whole)
    _, picture = read_picture(path)
    assert picture.coded is not None
    assert np.array_equal(decode(picture.coded), decode(whole))
    half = len(whole) // 2
    path.write_bytes(whole[:half] + coded(noise(2), ".jpg")[half:])
    with pytest.raises(FileError, match="damaged"):
        read_picture(path)
    image = Image.fromarray(noise(1)[:, :, ::-1])
    image.save(path, progressive=True)
    assert read_picture(path)[1].coded is None
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, exif=exif)
    _, picture = read_picture(path)
    assert (picture.coded, picture.width, picture.height) == (None, 60, 80)
    with webcapd("--source", f"file:{path}") as program:
        put(path, whole)
        wait_until("it is shown", lambda: decode(program.snapshot()).shape == (60, 80, 3))
        assert np.array_equal(decode(program.snapshot()), decode(whole))
