"""Rings and headerless files as sources: what is shown of them, when, and at what cost."""

import contextlib
import fcntl
import os
import select
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mjpeg
import numpy as np
import pytest
import ringreference as reference
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from waiting import wait_until

from webcapd.base.inotify import Inotify
from webcapd.base.ring.layout import Flags, FrameHeader, Mode
from webcapd.base.ring.writer import RingWriter
from webcapd.capture.decoration import Decoration
from webcapd.capture.feeds.fed import FeedSource
from webcapd.capture.feeds.registry import make_feed
from webcapd.capture.options import CaptureOptions
from webcapd.capture.overlay import Pixels
from webcapd.capture.source import SourceChanged, SourceError, SourceNotReady

WIDTH, HEIGHT = 96, 64
GREY = FrameHeader("GREY", WIDTH, HEIGHT, WIDTH)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.wcf"


@contextlib.contextmanager
def closing(made: Any) -> Iterator[Any]:
    try:
        yield made
    finally:
        made.close()


def noise(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@contextlib.contextmanager
def source_of(name: str, watched: bool = True) -> Iterator[FeedSource]:
    """Make a source that is not open yet."""
    source = FeedSource(make_feed(name), CaptureOptions(), Decoration("", "br", 0.0, ""))
    try:
        yield source
    finally:
        source.close()
        source.dispose()


@contextlib.contextmanager
def opened(path: Path, rest: str = "") -> Iterator[FeedSource]:
    """Open a source that somebody watches, and refresh it."""
    scheme = "raw" if rest else "wcf"
    with source_of(f"{scheme}:{path}{rest}") as source:
        source.open(lambda: None)
        source.set_watched(30)
        refreshed(source)
        yield source


def shown(source: FeedSource) -> Pixels:
    return source.frame_buffer.pixels[:, :, :3]


def is_woken(source: FeedSource) -> bool:
    """Whether the encoder thread is woken, and finds that there is something to do."""
    return bool(select.select([source.descriptors().events], [], [], 0)[0]) and source.pending()


def has_ended(source: FeedSource, said: str) -> bool:
    """Whether it is found lost, as the encoder thread finds it."""
    try:
        source.pending(poll=True)
    except SourceNotReady as error:
        assert said in str(error)
        return True
    return False


def refreshed(source: FeedSource) -> list[int]:
    """Refresh, and fall asleep as the encoder thread does; gives the bands that changed."""
    bands = source.refresh()
    source.pending()
    return bands


def refusal(source: FeedSource) -> str:
    with pytest.raises(SourceNotReady) as caught:
        source.open(lambda: None)
    source.close()
    return str(caught.value)


# What is shown.


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("fourcc", ["RGB3", "BGR3", "XR24", "GREY"])
def test_pixels_of_each_format_are_shown(path: Path, fourcc: str, padding: int) -> None:
    size = {"XR24": 4, "GREY": 1}.get(fourcc, 3)
    memory = noise(1, HEIGHT, WIDTH * size + padding)
    pixels = memory[:, : WIDTH * size].reshape(HEIGHT, WIDTH, size)
    wanted = pixels[:, :, ::-1] if fourcc == "RGB3" else pixels[:, :, :3]
    with closing(RingWriter(path, memory.nbytes)) as writer:
        writer.put(FrameHeader(fourcc, WIDTH, HEIGHT, WIDTH * size + padding), memory.data)
        with opened(path) as source:
            assert np.array_equal(shown(source), np.broadcast_to(wanted, (HEIGHT, WIDTH, 3)))
            assert source.status().report()["feed"] == {
                **{"format": fourcc, "frame": 1, "dropped": 0, "slots": 3, "label": ""},
                **{"pid": os.getpid(), "wake": "inotify", "wakeNotUsed": None},
            }


def test_jpegs_are_shown_and_passed_on(path: Path) -> None:
    coded = mjpeg.encode(noise(1, HEIGHT, WIDTH, 3))
    frame = FrameHeader("JPEG", WIDTH, HEIGHT)
    with closing(RingWriter(path, 100_000)) as writer:
        writer.put(frame, coded)
        with opened(path) as source:
            with source.frame_buffer.composed() as picture:
                assert np.array_equal(picture.pixels[:, :, :3], mjpeg.decode(coded))
            # Its own size counts, whatever the ring says.
            writer.put(frame._replace(width=1, height=1), mjpeg.encode(noise(2, 32, 48, 3)))
            with pytest.raises(SourceChanged):
                source.refresh()
            source.close()
            source.open(lambda: None)
            assert source.frame_buffer.area.size == (48, 32)
            refreshed(source)
            writer.put(frame, coded[:-50])
            with pytest.raises(SourceNotReady, match=f"^wcf:{path}: the JPEG is damaged"):
                source.refresh()


def test_only_what_the_writer_says_is_looked_at(path: Path) -> None:
    pixels = noise(1, HEIGHT, WIDTH)
    with closing(RingWriter(path, pixels.nbytes)) as writer:
        writer.put(GREY, pixels.data)
        with opened(path) as source:
            pixels[20:30, 50:60] = 0
            writer.put(GREY._replace(dirty=(50, 20, 10, 10)), pixels.data)
            before = source.status().counts["bandsLookedAt"]
            assert refreshed(source) == [1]
            assert source.status().counts["bandsLookedAt"] == before + 1
            assert np.array_equal(shown(source)[:, :, 0], pixels)
            writer.put(GREY._replace(flags=Flags.SAME), pixels.data)
            assert is_woken(source) and refreshed(source) == []
            assert source.status().counts["bandsLookedAt"] == before + 1
            # Of what was not read, it cannot be known where the next differs.
            pixels[0], pixels[-1] = 1, 2
            writer.put(GREY._replace(dirty=(0, 0, WIDTH, 1)), pixels.data)
            writer.put(GREY._replace(dirty=(0, HEIGHT - 1, WIDTH, 1)), pixels.data)
            assert refreshed(source) == [0, 3]
            assert np.array_equal(shown(source)[:, :, 0], pixels)


def test_a_writer_that_says_too_little_is_found_out_in_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webcapd.capture.feeds.ring._FULL_READ_SECONDS", 0.0)
    with closing(RingWriter(path, WIDTH * HEIGHT)) as writer:
        writer.put(GREY, noise(1, HEIGHT, WIDTH).data)
        with opened(path) as source:
            pixels = noise(2, HEIGHT, WIDTH)
            writer.put(GREY._replace(dirty=(0, 0, 1, 1)), pixels.data)
            refreshed(source)
            assert np.array_equal(shown(source)[:, :, 0], pixels)


def test_fields_are_woven(path: Path) -> None:
    whole, top = noise(1, HEIGHT, WIDTH), noise(2, HEIGHT // 2, WIDTH)
    with closing(RingWriter(path, whole.nbytes)) as writer:
        writer.put(GREY, whole.data)
        with opened(path) as source:
            writer.put(GREY._replace(flags=Flags.TOP_FIELD), top.data)
            refreshed(source)
            whole[::2] = top
            assert np.array_equal(shown(source)[:, :, 0], whole)


@pytest.mark.parametrize("every", [False, True])
def test_frames_are_skipped_unless_the_writer_minds(path: Path, every: bool) -> None:
    mode = Mode.EVERY_FRAME if every else Mode(0)
    with closing(RingWriter(path, WIDTH * HEIGHT, slots=8, mode=mode)) as writer:
        writer.put(GREY, bytes(WIDTH * HEIGHT))
        with opened(path) as source:
            for number in range(1, 5):
                writer.put(GREY, bytes([number]) * (WIDTH * HEIGHT))
            seen = []
            assert is_woken(source)
            while source.pending(poll=True):
                refreshed(source)
                seen.append(int(shown(source)[0, 0, 0]))
            assert seen == ([1, 2, 3, 4] if every else [4])


def test_another_size_is_another_opening(path: Path) -> None:
    with closing(RingWriter(path, WIDTH * HEIGHT)) as writer:
        writer.put(GREY, bytes(WIDTH * HEIGHT))
        with opened(path) as source:
            # In the same file, as it is smaller.
            writer.put(FrameHeader("GREY", 48, 32, 48), bytes(48 * 32))
            with pytest.raises(SourceChanged):
                refreshed(source)
            source.close()
            source.open(lambda: None)
            assert source.frame_buffer.area.size == (48, 32)
            refreshed(source)
            # And in another one.
            writer.put(FrameHeader("XR24", 480, 320, 4 * 480), bytes(4 * 480 * 320))
            assert has_ended(source, "was removed, or made anew")
            source.close()
            source.open(lambda: None)
            assert source.frame_buffer.area.size == (480, 320)


# When.


def test_what_rests_or_nobody_watches_wakes_nobody(path: Path) -> None:
    with closing(RingWriter(path, WIDTH * HEIGHT)) as writer:
        writer.put(GREY, bytes(WIDTH * HEIGHT))
        with opened(path) as source:
            assert not source.pending() and not is_woken(source)
            writer.put(GREY, b"\1" * (WIDTH * HEIGHT))
            assert is_woken(source)
            refreshed(source)
            assert not is_woken(source)
            source.set_watched(0)
            source.pending()
            writer.put(GREY, b"\2" * (WIDTH * HEIGHT))
            assert not is_woken(source)
            source.set_watched(30)
            assert source.seconds_until_poll() == 0 and source.pending(poll=True)
            refreshed(source)
            assert shown(source)[0, 0, 0] == 2
            assert source.seconds_until_poll() > 1e9


def test_the_end_of_a_writer_is_seen_at_once(path: Path) -> None:
    writer = reference.Writer(path, WIDTH * HEIGHT)
    writer.put(bytes(WIDTH * HEIGHT), b"GREY", WIDTH, HEIGHT, WIDTH)
    with opened(path) as source:
        # Also where nobody watches, and there is a frame that nobody has seen.
        source.set_watched(0)
        writer.put(bytes(WIDTH * HEIGHT), b"GREY", WIDTH, HEIGHT, WIDTH)
        events = source.descriptors().events
        assert not source.pending() and not select.select([events], [], [], 0)[0]
        writer.close()
        assert select.select([events], [], [], 0)[0]
        assert has_ended(source, f"wcf:{path} has no writer")
        with pytest.raises(SourceNotReady, match=f"^wcf:{path} has no writer$"):
            source.refresh()
        source.close()
        assert "has no writer" in refusal(source)
        comeback = source.comeback()
        # Trying again tells of nothing that would have it tried again.
        assert comeback is not None and not source.may_be_back()
        assert not select.select([comeback], [], [], 0)[0]
        with closing(RingWriter(path, WIDTH * HEIGHT)) as again:
            assert select.select([comeback], [], [], 0)[0] and source.may_be_back()
            assert "has no frame yet" in refusal(source)
            again.put(GREY, b"\1" * (WIDTH * HEIGHT))
            assert select.select([comeback], [], [], 0)[0] and source.may_be_back()
            source.open(lambda: None)
            refreshed(source)
            assert shown(source)[0, 0, 0] == 1


def test_it_waits_for_its_writer(path: Path) -> None:
    with source_of(f"wcf:{path}") as source:
        assert refusal(source) == f"wcf:{path} is not there yet"
        path.write_bytes(b"WCFRING1")
        assert "is too short for a ring" in refusal(source)
        path.unlink()
        with closing(reference.Writer(path, 12)) as writer:
            writer.put(bytes(12), b"WHAT", 2, 2, 6)
            assert "unknown format, 'WHAT'" in refusal(source)
            writer.put(bytes(12), b"RGB3", 2, 2, 6, 8)
            assert "its writer has no picture just now" in refusal(source)


def test_a_writer_without_a_lock_lives_for_as_long_as_it_rings(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not every language has a call for flock(2)."""
    monkeypatch.setattr("webcapd.capture.feeds.ring._UNLOCKED_SECONDS", 1000.0)
    with closing(reference.Writer(path, WIDTH * HEIGHT)) as writer:
        fcntl.flock(writer.file, fcntl.LOCK_UN)
        writer.put(bytes(WIDTH * HEIGHT), b"GREY", WIDTH, HEIGHT, WIDTH)
        with opened(path) as source:
            assert 0 < source.seconds_until_poll() <= 1000
            # Whatever the clock says meanwhile.
            monkeypatch.setattr(time, "time", lambda: 1e9)
            os.utime(writer.file, (1, 1))
            refreshed(source)
            monkeypatch.setattr("webcapd.capture.feeds.ring._UNLOCKED_SECONDS", 0.0)
            assert has_ended(source, "has no writer")


def test_without_inotify_it_is_polled(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Inotify) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(Inotify, "__init__", refuse)
    with closing(RingWriter(path, WIDTH * HEIGHT)) as writer:
        writer.put(GREY, bytes(WIDTH * HEIGHT))
        with opened(path) as source:
            feed = source.status().feed
            assert feed is not None
            assert (feed["wake"], feed["wakeNotUsed"]) == ("poll", "inotify: Too many open files")
            wait_until("nothing is new", lambda: not source.pending(poll=True))
            assert source.seconds_until_poll() <= 0.01
            writer.put(GREY, b"\1" * (WIDTH * HEIGHT))
            wait_until("it is seen", lambda: source.pending(poll=True))
            refreshed(source)
            assert shown(source)[0, 0, 0] == 1
            writer.close()
            wait_until("its end is seen", lambda: has_ended(source, "was removed"))


def test_nothing_is_left_open(path: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    with closing(RingWriter(path, WIDTH * HEIGHT)) as writer:
        writer.put(GREY, bytes(WIDTH * HEIGHT))
        with opened(path) as source:
            source.close()
            source.open(lambda: None)
        with opened(path.with_name("raw"), ",4x4,gray"):
            pass
    assert set(os.listdir("/proc/self/fd")) <= before


# Without a header.


def test_a_headerless_file_is_made_and_shown_when_it_is_touched(path: Path) -> None:
    with opened(path, ",4x3,rgb24") as source:
        assert path.read_bytes() == bytes(36)
        assert not shown(source).any()
        assert not is_woken(source)
        pixels = noise(1, 3, 4, 3)
        with path.open("r+b", buffering=0) as file:
            file.write(pixels.tobytes())
            assert not is_woken(source)
            os.utime(file.fileno())
            assert is_woken(source)
            refreshed(source)
            assert np.array_equal(shown(source), pixels[:, :, ::-1])


def test_a_headerless_file_is_not_copied_while_it_is_locked(path: Path) -> None:
    with opened(path, ",4x3,gray") as source, path.open("r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(b"half..")
        os.utime(file.fileno())
        assert is_woken(source) and refreshed(source) == [] and source.pending()
        file.write(b"whole!")
        fcntl.flock(file, fcntl.LOCK_UN)
        assert refreshed(source) == [0]
        assert shown(source)[1, 2, 0] == ord("w")
        # One that never lets go is not waited for.
        fcntl.flock(file, fcntl.LOCK_EX)
        os.pwrite(file.fileno(), b"H", 0)
        os.utime(file.fileno())
        assert is_woken(source)
        wait_until("it is shown all the same", lambda: refreshed(source) == [0])
        assert not source.pending()


def test_a_headerless_file_that_is_locked_is_shown_at_first(path: Path) -> None:
    path.write_bytes(b"x" * 12)
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with opened(path, ",4x3,gray") as source:
            assert (shown(source) == ord("x")).all()


def test_a_headerless_file_of_another_length_is_refused(path: Path) -> None:
    path.write_bytes(bytes(35))
    with source_of(f"raw:{path},4x3,RGB3") as source:
        assert refusal(source).endswith("has 35 bytes, and 4x3 take 36")
        path.write_bytes(bytes(40))
        source.open(lambda: None)
        source.set_watched(30)
        refreshed(source)
        os.truncate(path, 10)
        with pytest.raises(SourceNotReady, match="has 10 bytes"):
            refreshed(source)
        path.unlink()
        with pytest.raises(SourceNotReady):
            source.refresh()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raw:/x", "is written raw:PATH,WIDTHxHEIGHT,FORMAT"),
        ("raw:,1x1,gray", "is written raw:PATH,WIDTHxHEIGHT,FORMAT"),
        ("raw:/x,0x1,gray", "0x1"),
        ("raw:/x,99999x99999,gray", "99999x99999"),
        ("raw:/x,16384x16384,gray", "cannot be shown"),
        ("raw:/x,1x1,yuv420p", "'yuv420p' is no format of raw:; there are rgb24, bgr24"),
        ("wcf:", "it is written wcf:PATH"),
    ],
)
def test_mistakes_are_told(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make_feed(name)


@pytest.mark.parametrize("name", ["raw:{},4x4,gray", "wcf:{}"])
def test_links_and_folders_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    with source_of(name.format(tmp_path / "link")) as source:
        assert "is a symbolic link, which is not followed" in refusal(source)
    with source_of(name.format(tmp_path)) as source:
        assert "is no regular file" in refusal(source)
    with source_of(name.format(tmp_path / "no" / "where")) as source:
        assert "No such file" in refusal(source) or "is not there yet" in refusal(source)


# Whatever is in the file.

FORMATS = (b"RGB3", b"BGR3", b"XR24", b"GREY", b"JPEG", b"\0\0\0\0")

numbers = st.sampled_from([0, 1, 2, 3, 8, 15, 16, 63, 64, 4095, 16384, 2**16, 2**31, 2**32 - 1])
sides = st.sampled_from([1, 2, 16, 40])


@st.composite
def slot_headers(draw: st.DrawFn) -> bytes:
    """Give the header of a slot, of which at most one word is wrong."""
    code, width, height = draw(st.sampled_from(FORMATS)), draw(sides), draw(sides)
    stride = 4 * width
    words = [stride * height, width, height, stride, draw(st.integers(0, 15))]
    if draw(st.booleans()):
        words[draw(st.integers(0, 4))] = draw(numbers)
    dirty = struct.pack("<HHHH", *draw(st.tuples(sides, sides, sides, sides)))
    times = draw(st.sampled_from([bytes(16), b"\xff" * 16]))
    crc = draw(st.sampled_from([bytes(4)] * 3 + [b"1234"]))
    return struct.pack("<I4sIIII", words[0], code, *words[1:]) + times + crc + dirty + bytes(4)


payloads = st.sampled_from([b"", bytes(6400), mjpeg.encode(noise(1, 16, 16, 3))])


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(slot_headers(), payloads), min_size=1, max_size=4), st.integers(0, 3))
def test_anything_in_a_ring_is_a_picture_or_a_sentence(
    tmp_path: Path, frames: list[tuple[bytes, bytes]], mode: int
) -> None:
    """Truncated, hostile, mixed: nothing else is raised, and what is shown has a size."""
    path = tmp_path / "a.wcf"
    with (
        closing(reference.Writer(path, 8000, slots=3, mode=mode)) as writer,
        source_of(f"wcf:{path}") as source,
    ):
        is_open = False
        for header, payload in frames:
            slot = writer.begin()
            writer.write(slot + 8, header + payload)
            writer.end(slot)
            try:
                if not is_open:
                    source.open(lambda: None)
                    source.set_watched(30)
                    is_open = True
                source.pending()
                source.refresh()
                with source.frame_buffer.composed() as picture:
                    event("shown")
                    assert picture.pixels.shape == (picture.height, picture.width, 4)
            except (SourceError, SourceChanged) as error:
                assert "\n" not in str(error)
                source.close()
                is_open = False
