"""Names, the list of what was recorded, and how much of it is kept."""

import json
import math
import os
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.outputs.recording.folder import Folder
from webcapd.outputs.recording.manifest import MANIFEST, Manifest, Occupied
from webcapd.outputs.recording.naming import DEFAULTS, Naming, naming_for
from webcapd.outputs.recording.retention import (
    Kept,
    Limits,
    Room,
    SegmentRule,
    Space,
    parse_room,
    parse_segment,
    surplus,
)
from webcapd.outputs.writing import CannotWrite

NO_LIMITS = Limits()
NAMING = Naming("frame_{n:04d}.jpg")


@pytest.mark.parametrize("pattern", [*DEFAULTS.values(), "frame_{n:04d}.jpg", "{n}.jpg", "a%%{n}"])
@given(number=st.integers(1, 10**12), moment=st.floats(0, 4e9))
@settings(max_examples=30)
def test_numbers_are_read_from_the_names_they_are_in(
    pattern: str, number: int, moment: float
) -> None:
    naming = Naming(pattern)
    assert naming.number(naming.name(number, moment)) == number


def test_names_sort_as_it_was_recorded_whatever_the_clock_does() -> None:
    for pattern in DEFAULTS.values():
        moments = [2e9, 1e9, 0.0, 3e9]
        names = [Naming(pattern).name(number, at) for number, at in enumerate(moments)]
        assert names == sorted(names)


@pytest.mark.parametrize(
    "pattern",
    [
        *("frame.jpg", "{n}{n}.jpg", "{m}.jpg", "{n!r}.jpg", "{n:4d}.jpg", "{n.__class__}.jpg"),
        *("../{n}.jpg", "a/{n}.jpg", ".{n}.jpg", "a\n{n}.jpg", "%{n}.jpg", "a" * 300 + "{n}.jpg"),
        "{n}.png",
    ],
)
def test_what_is_no_name_is_refused_in_a_sentence(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"^(a name|a %|the name) "):
        naming_for("jpg", pattern)


kept = st.builds(Kept, st.integers(0, 1000), st.floats(0, 1000))
limits = st.builds(
    Limits,
    st.floats(0, 1000) | st.just(math.inf),
    st.integers(0, 5000) | st.just(math.inf),
    st.integers(1, 20) | st.just(math.inf),
    st.builds(Room, st.integers(0, 5000), st.floats(0, 0.5)),
)


@given(st.lists(kept, max_size=30), limits, st.integers(0, 5000))
def test_as_few_go_as_must_the_oldest_first_and_never_the_newest(
    files: list[Kept], limits: Limits, free: int
) -> None:
    files.sort(key=lambda one: -one.age)
    space = Space(free, 10_000)

    def fits(gone: int) -> bool:
        rest, freed = files[gone:], sum(one.size for one in files[:gone])
        return (
            len(rest) <= limits.files
            and sum(one.size for one in rest) <= limits.size
            and all(one.age <= limits.seconds for one in rest)
            and not Space(free + freed, 10_000).shortage(limits)
        )

    size = sum(one.size for one in files)
    gone = surplus(files, len(files), size, space, limits)
    assert 0 <= gone <= max(0, len(files) - 1)
    assert fits(gone) or gone >= len(files) - 1
    assert not any(fits(fewer) for fewer in range(gone))


@pytest.mark.parametrize(
    ("text", "room"), [("5%", Room(share=0.05)), ("1G", Room(least=1 << 30)), ("0", Room())]
)
def test_room(text: str, room: Room) -> None:
    assert parse_room(text) == room


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("10m", SegmentRule(seconds=600)),
        ("100M", SegmentRule(size=100 << 20)),
        ("clock:1h", SegmentRule(clock=3600)),
    ],
)
def test_segments(text: str, rule: SegmentRule) -> None:
    assert parse_segment(text) == rule


@pytest.mark.parametrize("text", ["", "0", "0.1s", "1K", "clock:", "clock:1G", "clock", "x:1h"])
def test_what_is_no_segment_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"is written as|is less than"):
        parse_segment(text)


def test_a_file_ends_when_the_clock_turns_in_either_direction() -> None:
    rule = parse_segment("clock:1h")
    assert not rule.is_over(1000, 0, 3601, 7199)
    assert rule.is_over(1, 0, 7199, 7200)
    assert rule.is_over(1, 0, 7200, 7199)


def folder_in(path: Path, limits: Limits = NO_LIMITS) -> Folder:
    return Folder(path, NAMING, limits)


def names_in(path: Path) -> list[str]:
    return sorted(one.name for one in path.iterdir() if one.name[0] != ".")


def test_numbers_go_on_after_the_highest_there_is(tmp_path: Path) -> None:
    (tmp_path / "frame_0041.jpg").write_bytes(b"another's")
    for expected in ("frame_0042.jpg", "frame_0043.jpg"):
        folder = folder_in(tmp_path / ".")
        assert folder.put(b"x") == expected
        folder.close()
    (tmp_path / "frame_9999.jpg").write_bytes(b"another's")
    folder = folder_in(tmp_path)
    assert [folder.put(b"x") for _ in range(2)] == ["frame_10000.jpg", "frame_10001.jpg"]
    folder.close()


def test_a_name_that_was_taken_meanwhile_is_left_alone(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    for number in (1, 2):
        (tmp_path / f"frame_000{number}.jpg").write_bytes(b"another's")
    assert folder.put(b"x") == "frame_0003.jpg"
    (tmp_path / "frame_0004.jpg").symlink_to("nowhere")
    assert folder.create()[1] == "frame_0005.jpg"
    folder.close()
    assert (tmp_path / "frame_0001.jpg").read_bytes() == b"another's"


def test_only_what_it_wrote_is_deleted(tmp_path: Path) -> None:
    folder = folder_in(tmp_path, Limits(files=1))
    (tmp_path / "holiday.jpg").write_bytes(b"another's")
    written = [folder.put(b"x" * 10) for _ in range(5)]
    foreign = tmp_path / "frame_0000.jpg"
    foreign.write_bytes(b"x" * 10)
    (tmp_path / written[1]).write_bytes(b"edited")
    (tmp_path / written[2]).unlink()
    (tmp_path / written[2]).symlink_to("holiday.jpg")
    (tmp_path / written[3]).unlink()
    folder.make_room()
    folder.close()
    assert names_in(tmp_path) == sorted(
        [foreign.name, "holiday.jpg", written[1], written[2], written[4]]
    )
    assert (tmp_path / "holiday.jpg").read_bytes() == b"another's"


LINES = [
    b'{"file": "../secret", "bytes": 6, "ended": 1}',
    b'{"file": "/etc/passwd", "bytes": 6, "ended": 1}',
    b'{"file": ".hidden", "bytes": 6, "ended": 1}',
    b'{"file": "holiday.jpg", "bytes": "6", "ended": 1}',
    b'{"file": "holiday.jpg", "bytes": true, "ended": 1}',
    b'{"file": ["holiday.jpg"], "bytes": 6}',
    b'{"file": "a\\u0000b", "bytes": 6, "ended": 1}',
    *(b"[]", b"7", b"null", b"\xff\xfe", b"", b'{"file": "holi', b'{"mark": 1, "file": "x"}'),
]


def test_lines_that_are_no_good_have_nothing_deleted(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    for path in (tmp_path / "secret", inner / "holiday.jpg", inner / ".hidden"):
        path.write_bytes(b"secret")
    (inner / MANIFEST).write_bytes(b"\n".join(LINES))
    folder = folder_in(inner, Limits(files=1, seconds=0.0, size=0))
    folder.put(b"x"), folder.put(b"y")
    folder.make_room()
    folder.close()
    assert (tmp_path / "secret").exists() and (inner / ".hidden").exists()
    assert names_in(inner) == ["frame_0002.jpg", "holiday.jpg"]


@given(cut=st.integers(0, 10_000))
@settings(max_examples=40)
def test_the_list_may_be_cut_anywhere(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cut")
    folder = folder_in(path)
    names = [folder.put(b"x") for _ in range(4)]
    folder.close()
    content = (path / MANIFEST).read_bytes()
    os.truncate(path / MANIFEST, cut % (len(content) + 1))
    folder = folder_in(path)
    listed = [one.name for one in folder.manifest.entries]
    assert listed == names[: len(listed)]
    names.append(folder.put(b"x"))
    folder.close()
    folder = folder_in(path)
    assert [one.name for one in folder.manifest.entries] == [*listed, names[-1]]
    folder.close()


def test_what_a_killed_one_left_is_listed_with_its_size(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    descriptor, name = folder.create()
    os.write(descriptor, b"12345")
    os.close(descriptor)
    folder.close()
    folder = folder_in(tmp_path, Limits(files=1))
    assert [(one.name, one.size) for one in folder.manifest.entries] == [(name, 5)]
    newer = folder.put(b"x")
    folder.make_room()
    folder.close()
    assert names_in(tmp_path) == [newer]


def test_a_clock_that_jumps_makes_nothing_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits(seconds=3600)
    folder = folder_in(tmp_path, limits)
    now = time.time()
    for moment in (now, now + 10**8, 0.0, now):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        folder.put(b"x")
        folder.make_room()
    assert len(names_in(tmp_path)) == 4
    folder.close()
    # A machine without a clock that is right begins in the past.
    monkeypatch.setattr(time, "time", lambda: 0.0)
    folder = folder_in(tmp_path, limits)
    folder.make_room()
    assert len(names_in(tmp_path)) == 4
    folder.close()
    monkeypatch.setattr(time, "time", lambda: now + 7200)
    folder = folder_in(tmp_path, limits)
    folder.make_room()
    folder.close()
    # The one that the clock puts into the future is kept, and the newest always is.
    assert "frame_0002.jpg" in names_in(tmp_path) and "frame_0004.jpg" in names_in(tmp_path)
    assert "frame_0001.jpg" not in names_in(tmp_path)


def test_only_one_records_into_a_folder(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    with pytest.raises(CannotWrite, match="another webcapd records into"):
        folder_in(tmp_path)
    with pytest.raises(Occupied):
        Manifest(tmp_path)
    folder.close()
    folder_in(tmp_path).close()


def test_ten_thousand_files_and_a_list_that_stays_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webcapd.outputs.recording.manifest._MAX_STALE_LINES", 500)
    folder = folder_in(tmp_path, Limits(files=100))
    for number in range(10_000):
        folder.put(b"x")
        if number % 50 == 49:
            folder.make_room()
    inode = os.fstat(folder.manifest._file).st_ino
    assert inode == (tmp_path / MANIFEST).stat().st_ino
    folder.close()
    assert len(names_in(tmp_path)) == 100
    lines = (tmp_path / MANIFEST).read_bytes().splitlines()
    assert len(lines) < 1000
    assert json.loads(lines[-1])["file"] == "frame_10000.jpg"
    assert (tmp_path / "frame_10000.jpg").exists()
    assert not list(tmp_path.glob(".*.new"))


def test_too_little_room_is_said_in_numbers(tmp_path: Path) -> None:
    folder = folder_in(tmp_path, Limits(room=Room(least=1 << 60)))
    folder.put(b"x"), folder.put(b"y")
    with pytest.raises(CannotWrite, match=r"too little room left.*GB of .*B are free") as caught:
        folder.make_room()
    assert caught.value.is_full
    folder.close()
    assert names_in(tmp_path) == ["frame_0002.jpg"]


def test_the_link_to_the_latest_takes_the_place_of_no_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = folder_in(tmp_path)
    for _ in range(2):
        folder.point_to_latest(folder.put(b"x"))
    assert os.readlink(tmp_path / "latest.jpg") == "frame_0002.jpg"
    (tmp_path / "latest.jpg").unlink()
    (tmp_path / "latest.jpg").write_bytes(b"another's")
    for _ in range(3):
        folder.point_to_latest(folder.put(b"x"))
    folder.close()
    assert (tmp_path / "latest.jpg").read_bytes() == b"another's"
    assert len([one for one in caplog.messages if re.search("latest.*is not kept", one)]) == 1
