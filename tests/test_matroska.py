"""MJPEG in Matroska, as ffprobe reads it; also where it was cut off."""

import math
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import jpeg
from recordings import decoded, ffprobe, frame, probe

from webcapd.outputs.recording import matroska
from webcapd.outputs.recording.videofile import VideoFile
from webcapd.outputs.writing import write_all

WALL = 1_800_000_000.0

# Rest, a burst, rest, two frames at nearly the same time.
UNEVEN = [0.0, 5.0, *(5.0 + number / 60 for number in range(1, 90)), 20.0, 20.001, 31.0]


def opened(path: Path) -> VideoFile:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    return VideoFile(descriptor, lambda data: write_all(descriptor, data), True, True)


def written(path: Path, times: list[float]) -> VideoFile:
    """Write frames that were seen at some times into a file that nobody ends."""
    file = opened(path)
    for number, at in enumerate(times):
        one = frame(jpeg(seed=number % 7), number)
        if not number:
            file.begin(one, at, WALL)
        file.add(one, at)
    file.flush()
    return file


def test_times_are_kept_at_any_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    written(path, [100 + at for at in UNEVEN]).close(140.0, repeats=True)
    found = probe(path)
    assert (found.codec, found.width, found.height) == ("mjpeg", 64, 48)
    assert found.times == pytest.approx([*UNEVEN, 40.0], abs=0.002)
    assert found.duration == pytest.approx(40.0, abs=0.002)
    assert decoded(path) == len(UNEVEN) + 1


def test_it_says_when_it_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    written(path, [0.0]).close(0.0, repeats=True)
    tags = ffprobe(path, "-show_format")["format"]["tags"]
    assert tags["creation_time"].startswith("2027-01-15T08:00:00")


def test_players_find_any_moment_by_the_cues(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    written(path, [number / 10 for number in range(600)]).close(60.0, repeats=True)
    shown = ffprobe(path, "-read_intervals", "45%+#1", "-show_packets")["packets"]
    assert float(shown[0]["pts_time"]) == pytest.approx(45.0, abs=1.1)


@pytest.mark.parametrize("cut", range(1, 16))
def test_what_was_written_plays_wherever_it_is_cut(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.mkv"
    whole = written(path, UNEVEN)
    first = path.read_bytes().index(b"\x1f\x43\xb6\x75")
    # Behind the first cluster, whose length it has: that is what may be asked for.
    lengths = range(first + len(jpeg()) + 100, whole.size)
    os.truncate(path, lengths[len(lengths) * cut // 16])
    whole.abandon()
    os.truncate(path, lengths[len(lengths) * cut // 16])
    found = probe(path)
    assert 1 <= len(found.times) <= len(UNEVEN)
    assert found.times == pytest.approx(UNEVEN[: len(found.times)], abs=0.002)


def test_without_an_end_it_says_how_long_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    file = written(path, [0.0, 1.0])
    assert probe(path).duration == pytest.approx(1.0, abs=0.002)
    file.set_duration(9.0)
    assert probe(path).duration == pytest.approx(9.0, abs=0.002)
    file.abandon()


def test_abandoned_it_ends_where_it_was_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    file = written(path, UNEVEN)
    with path.open("ab") as more:
        more.write(b"\x1f\x43\xb6\x75\x20")
    file.abandon()
    assert path.stat().st_size == file.size
    assert decoded(path) == len(UNEVEN)


def elements(data: bytes, end: int) -> list[tuple[bytes, bytes]]:
    """Read the elements of Matroska that stand beside each other: names and contents."""
    found, at = [], 0
    while at < end:
        name_length = 9 - data[at].bit_length()
        name, at = data[at : at + name_length], at + name_length
        width = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1)
        at += width
        found.append((name, data[at : at + size]))
        at += size
    assert at == end
    return found


@given(
    st.lists(st.integers(0, 30_000), min_size=1, max_size=5).map(sorted),
    st.integers(0, 10**9),
    st.integers(0, 300),
)
@settings(max_examples=100)
def test_clusters_hold_what_was_put_into_them(times: list[int], base: int, size: int) -> None:
    jpegs = [os.urandom(size + number) for number in range(len(times))]
    frames = [((base + at) / 1000, one) for at, one in zip(times, jpegs, strict=True)]
    data = b"".join(matroska.cluster(frames))
    ((name, content),) = elements(data, len(data))
    assert name == b"\x1f\x43\xb6\x75"
    (_, first), *blocks = elements(content, len(content))
    found = []
    for block, payload in blocks:
        assert (block, payload[0], payload[3]) == (b"\xa3", 0x81, 0x80)
        relative = int.from_bytes(payload[1:3], "big", signed=True)
        found.append((int.from_bytes(first, "big") + relative, payload[4:]))
    assert found == [(base + at, one) for at, one in zip(times, jpegs, strict=True)]


@given(st.integers(1, 65535), st.integers(1, 65535), st.floats(-(10**9), 4 * 10**9))
@settings(max_examples=60)
def test_places_in_the_header_are_where_it_says(width: int, height: int, wall: float) -> None:
    head = matroska.header(width, height, wall)
    assert head.data[head.segment_size_at - 4 : head.segment_size_at].hex() == "18538067"
    assert head.data[head.duration_at : head.duration_at + 11] == b"\xec\x89" + bytes(9)
    assert len(matroska.duration(math.pi)) == 11
    assert head.data[head.seek_at] == 0xEC
    assert len(matroska.seek_head(1 << 45, head)) == head.data[head.seek_at + 1] % 128 + 2
    assert len(matroska.segment_size(1 << 45, head)) == 8
