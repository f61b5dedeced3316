"""Rings of frames in shared memory: their bytes, both ends, and whoever misbehaves."""

import contextlib
import fcntl
import os
import re
import subprocess
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ringreference as reference
from hypothesis import given
from hypothesis import strategies as st
from program import ROOT

from webcapd.base.ring.layout import (
    Flags,
    FrameHeader,
    Mode,
    RingError,
    RingHeader,
    check_frame,
    pack_frame,
    pack_header,
    parse_frame,
    parse_header,
    slot_stride_for,
)
from webcapd.base.ring.reader import RingReader
from webcapd.base.ring.writer import RingWriter

PAYLOAD = bytes(range(12))
TINY = FrameHeader("RGB3", 2, 2, 6)
NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.wcf"


@contextlib.contextmanager
def writing(path: Path, capacity: int = 12, **more: Any) -> Iterator[RingWriter]:
    with contextlib.closing(RingWriter(path, capacity, **more)) as writer:
        yield writer


@contextlib.contextmanager
def reading(path: Path, **more: Any) -> Iterator[RingReader]:
    with contextlib.closing(RingReader(path, **more)) as reader:
        yield reader


def payload(reader: RingReader) -> bytes:
    return bytes(reader.payload)


# The format.


def standard_bytes() -> dict[int, str]:
    """Give the hexadecimal digits of the file in docs/frames.md, by their place."""
    text = (ROOT / "docs" / "frames.md").read_text()
    rows = re.findall("^([0-9a-f]{4})  ([0-9a-frpmw ]+)$", text, re.MULTILINE)
    return {int(place, 16): digits.replace(" ", "") for place, digits in rows}


def test_bytes_are_those_of_the_standard(path: Path) -> None:
    """Told in docs/frames.md, for everybody who writes or reads rings."""
    with writing(path, slots=2) as writer:
        writer.put(
            TINY._replace(monotonic=0x1122334455667788, realtime=0x99AABBCCDDEEFF00), PAYLOAD
        )
        data = path.read_bytes()
    assert len(data) == 12288
    wanted = {
        **{"rrrrrrrrrrrrrrrr": data[24:32].hex(), "mmmmmmmmmmmmmmmm": "8877665544332211"},
        **{"pppppppp": os.getpid().to_bytes(4, "little").hex()},
        **{"wwwwwwwwwwwwwwww": "00ffeeddccbbaa99"},
    }
    told = bytearray(len(data))
    rows = standard_bytes()
    assert len(rows) == 5
    for place, digits in rows.items():
        for letters, value in wanted.items():
            digits = digits.replace(letters, value)
        told[place : place + len(digits) // 2] = bytes.fromhex(digits)
    assert data == told


LABELS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


@given(
    st.integers(2, 64),
    st.integers(1, 10**6),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 1),
    LABELS,
    st.integers(0, 2**64 - 1),
)
def test_file_headers_come_back(
    slots: int, capacity: int, run: int, pid: int, label: str, latest: int
) -> None:
    header = RingHeader(slots, slot_stride_for(capacity), run, pid, Mode(1), label, latest)
    data = pack_header(header)
    assert len(data) == 72
    back = parse_header(data, header.file_bytes)
    assert label.startswith(back.label) and len(back.label.encode()) <= 24
    assert back == header._replace(label=back.label)
    assert header.capacity >= capacity


@given(st.binary(min_size=0, max_size=80), st.integers(0, 10**6))
def test_any_bytes_are_a_header_or_an_error(data: bytes, size: int) -> None:
    for candidate in (data, b"WCFRING1" + data, b"WCFRING1\0\x10\0\0" + data):
        with contextlib.suppress(RingError):
            header = parse_header(candidate, size)
            assert header.file_bytes <= size


@given(st.binary(min_size=64, max_size=64), st.integers(0, 10**6))
def test_any_bytes_are_a_bounded_frame_or_an_error(data: bytes, capacity: int) -> None:
    for code in (data[12:16], b"RGB3", b"XR24", b"GREY", b"JPEG"):
        _, frame = parse_frame(data[:12] + code + data[16:], capacity)
        assert frame.size <= capacity
        with contextlib.suppress(RingError):
            check_frame(frame)
            assert frame.pixel_data_bytes <= frame.size <= 2**28
            assert frame.width * frame.height <= 2**26


def test_frame_headers_come_back() -> None:
    frame = FrameHeader("XR24", 7, 5, 32, 160, Flags.BOTTOM_FIELD, 1, 2, 3, (1, 2, 3, 4))
    assert parse_frame(pack_frame(frame, 77), 4032) == (77, frame)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (FrameHeader("YUYV", 2, 2, 4, 8), "unknown format, 'YUYV'"),
        (FrameHeader("RGB3", 0, 2, 6, 12), "0x2 pixels"),
        (FrameHeader("RGB3", 2**32 - 1, 2, 6, 12), "4294967295x2 pixels"),
        (FrameHeader("GREY", 16384, 16384, 16384, 2**28), "16384x16384 pixels"),
        (FrameHeader("RGB3", 2, 2, 5, 12), "lines of 5 bytes"),
        (FrameHeader("RGB3", 2, 2, 2**32 - 1, 12), "lines of 4294967295 bytes"),
        (FrameHeader("RGB3", 2, 2, 6, 11), "11 bytes, too few"),
        (FrameHeader("RGB3", 2, 2, 6, 2**32 - 1), "4294967295 bytes, which is too much"),
        (FrameHeader("GREY", 1, 16384, 131072, 2**31), "2147483648 bytes, which is too much"),
        (FrameHeader("JPEG", 2, 2, 0, 0), "JPEG frames of 0 bytes"),
        (FrameHeader("JPEG", 2, 2, 0, 2**27), "JPEG frames of 134217728 bytes"),
    ],
)
def test_frames_that_are_none_are_refused(frame: FrameHeader, said: str) -> None:
    with pytest.raises(RingError, match=said):
        check_frame(frame)


@pytest.mark.parametrize(
    ("height", "size", "flags", "lines", "field"),
    [
        (5, 30, Flags.TOP_FIELD, 5, 0),
        (5, 18, Flags.TOP_FIELD, 3, 0),
        (5, 12, Flags.BOTTOM_FIELD, 2, 1),
        (5, 30, Flags(0), 5, None),
        (5, 30, Flags.TOP_FIELD | Flags.BOTTOM_FIELD, 5, None),
    ],
)
def test_a_field_has_all_lines_or_its_own(
    height: int, size: int, flags: Flags, lines: int, field: int | None
) -> None:
    frame = FrameHeader("RGB3", 2, height, 6, size, flags)
    check_frame(frame)
    assert (frame.lines, frame.field) == (lines, field)


# Both ends, each against the reference.


def test_reference_reads_what_is_written(path: Path) -> None:
    with writing(path, slots=3, label="Café") as writer:
        for number in range(1, 9):
            data = bytes([number]) * 12
            frame = TINY._replace(flags=Flags.SAME, dirty=(1, 0, 1, 2))
            assert writer.put(frame, data, with_crc=number % 2 == 0) == number
            read = reference.read_newest(path)
            assert read is not None
            assert (read.number, read.payload, read.fourcc) == (number, data, b"RGB3")
            assert (read.width, read.height, read.stride, read.flags) == (2, 2, 6, 4)
            assert read.dirty == (1, 0, 1, 2)
            assert bool(read.crc) == (number % 2 == 0)
            assert 0 <= time.time_ns() - read.realtime < 60e9
            assert 0 <= time.monotonic_ns() - read.monotonic < 60e9


def test_what_the_reference_writes_is_read(path: Path) -> None:
    with contextlib.closing(reference.Writer(path, 12)) as writer, reading(path) as reader:
        assert reader.header.label == "reference" and reader.has_writer()
        assert not reader.has_news() and reader.read() is None
        for number in range(1, 9):
            data = bytes([number]) * 12
            writer.put(data, b"BGR3", 2, 2, 6, 0, (0, 0, 0, 0), zlib.crc32(data))
            assert reader.has_news()
            frame = reader.read()
            assert frame is not None and frame.number == number
            assert frame.header[:5] == ("BGR3", 2, 2, 6, 12)
            assert payload(reader) == data
            assert not reader.has_news() and reader.read() is None
        assert reader.dropped == 0


def test_the_newest_is_read_and_the_others_are_counted(path: Path) -> None:
    with writing(path) as writer, reading(path) as reader:
        for number in range(5):
            writer.put(TINY, bytes([number]) * 12)
        frame = reader.read()
        assert frame is not None and frame.number == 5 and reader.dropped == 0
        for number in range(5):
            writer.put(TINY, bytes([number]) * 12)
        frame = reader.read()
        assert frame is not None and frame.number == 10 and reader.dropped == 4
        assert not frame.follows


@pytest.mark.parametrize("slots", [2, 3, 5])
def test_each_frame_is_read_where_the_writer_wishes_it(path: Path, slots: int) -> None:
    with writing(path, slots=slots, mode=Mode.EVERY_FRAME) as writer, reading(path) as reader:
        writer.put(TINY, PAYLOAD)
        assert reader.read() is not None
        for _ in range(slots - 1):
            writer.put(TINY, PAYLOAD)
        for number in range(2, slots + 1):
            frame = reader.read()
            assert frame is not None and frame.number == number
        assert reader.read() is None
        # Too late for all of them: those that stay the longest.
        for _ in range(3 * slots):
            writer.put(TINY, PAYLOAD)
        frame = reader.read()
        assert frame is not None and frame.number == 4 * slots - slots + 2


def test_only_lines_that_may_differ_are_read_again(path: Path) -> None:
    frame = FrameHeader("GREY", 4, 4, 4)
    with writing(path, 16) as writer, reading(path) as reader:
        writer.put(frame, bytes(16))
        assert reader.read() is not None
        # Its header says less than its pixels.
        writer.put(frame._replace(dirty=(1, 1, 1, 2)), b"\1" * 16)
        assert reader.read() is not None
        assert payload(reader) == bytes(4) + b"\1" * 8 + bytes(4)
        writer.put(frame._replace(flags=Flags.SAME), b"\2" * 16)
        assert reader.read() is not None
        assert payload(reader) == bytes(4) + b"\1" * 8 + bytes(4)
        writer.put(frame._replace(dirty=(1, 1, 1, 2)), b"\3" * 16)
        assert reader.read(in_part=False) is not None
        assert payload(reader) == b"\3" * 16
        # One was missed.
        writer.put(frame, b"\4" * 16)
        writer.put(frame._replace(dirty=(1, 1, 1, 2)), b"\5" * 16)
        assert reader.read() is not None
        assert payload(reader) == b"\5" * 16


def test_fields_are_woven_into_the_picture(path: Path) -> None:
    frame = FrameHeader("GREY", 2, 3, 2)
    with writing(path, 6) as writer, reading(path) as reader:

        def read(data: bytes, **more: Any) -> bytes:
            writer.put(frame._replace(**more), data, with_crc=True)
            assert reader.read() is not None
            return payload(reader)

        assert read(b"aabb", flags=Flags.TOP_FIELD) == b"aa\0\0bb"
        assert read(b"cc", flags=Flags.BOTTOM_FIELD) == b"aaccbb"
        assert read(b"112233") == b"112233"
        # Fields may have all lines, too; half of them mean nothing.
        assert read(b"ddeeff", flags=Flags.TOP_FIELD) == b"dd22ff"
        assert read(b"ddgghh", flags=Flags.BOTTOM_FIELD) == b"ddggff"
        assert read(b"ddiiff", dirty=(0, 1, 1, 1)) == b"ddiiff"
        # Its checksum says that more has changed than it says itself.
        assert read(b"jjkkll", dirty=(0, 1, 1, 1)) == b"jjkkll"


def test_a_field_of_another_size_begins_a_picture(path: Path) -> None:
    with writing(path, 6) as writer, reading(path) as reader:
        writer.put(FrameHeader("GREY", 2, 3, 2), b"112233")
        assert reader.read() is not None
        writer.put(FrameHeader("GREY", 1, 3, 1, flags=Flags.TOP_FIELD), b"ab")
        assert reader.read() is not None
        assert payload(reader) == b"a\0b"


def test_a_checksum_that_is_wrong_is_refused(path: Path) -> None:
    with contextlib.closing(reference.Writer(path, 12)) as writer, reading(path) as reader:
        writer.put(PAYLOAD, b"RGB3", 2, 2, 6, 0, (0, 0, 0, 0), 1)
        with pytest.raises(RingError, match="checksum is wrong"):
            reader.read()


@pytest.mark.parametrize("damage", ["begun", "filled", "unsaid"])
def test_half_a_frame_is_not_read(path: Path, damage: str) -> None:
    """As a writer leaves it that was killed there."""
    with contextlib.closing(reference.Writer(path, 12, slots=2)) as writer, reading(path) as reader:
        writer.put(PAYLOAD, b"RGB3", 2, 2, 6)
        slot = writer.begin()
        if damage != "begun":
            writer.fill(slot, bytes(12), b"RGB3", 2, 2, 6)
        if damage == "unsaid":
            writer.write(slot, (4).to_bytes(8, "little"))
        frame = reader.read()
        assert frame is not None and (frame.number, payload(reader)) == (1, PAYLOAD)
        assert reader.read() is None


def test_a_frame_that_is_overwritten_meanwhile_is_not_read(path: Path) -> None:
    with contextlib.closing(reference.Writer(path, 12)) as writer, reading(path) as reader:
        writer.put(PAYLOAD, b"RGB3", 2, 2, 6)
        # So it looks to who has read which is the newest, and then was stopped for long.
        writer.write(4096 + writer.stride, (5).to_bytes(8, "little"))
        assert reader.read() is None


# Writers that come, go and are many.


def test_the_writer_is_there_until_it_ends(path: Path) -> None:
    with reading_after_writing(path) as (writer, reader):
        assert reader.has_writer() and not reader.is_replaced()
        writer.close()
        writer.close()
        assert not reader.has_writer() and reader.is_replaced()
        assert not path.exists()


@contextlib.contextmanager
def reading_after_writing(path: Path) -> Iterator[tuple[RingWriter, RingReader]]:
    with writing(path) as writer:
        writer.put(TINY, PAYLOAD)
        with reading(path) as reader:
            yield writer, reader


def test_a_second_writer_is_refused(path: Path) -> None:
    with reading_after_writing(path) as (_, reader):
        with pytest.raises(
            RingError, match=rf"{path} is already written, by process {os.getpid()}$"
        ):
            RingWriter(path, 12)
        assert not reader.is_replaced()


def test_readers_that_ask_for_the_writer_are_no_writers(path: Path) -> None:
    with writing(path):
        pass
    with contextlib.closing(reference.Writer(path, 12)):
        pass
    holder = os.open(path, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_SH)
    with pytest.raises(RingError, match="is already written"):
        RingWriter(path, 12)
    os.close(holder)
    with writing(path) as writer:
        assert writer.put(TINY, PAYLOAD) == 1


def test_a_ring_of_the_dead_is_replaced(path: Path) -> None:
    reference.Writer(path, 12).close()
    with reading(path) as reader:
        assert not reader.has_writer()
        with writing(path):
            assert reader.is_replaced()


def test_who_is_replaced_stops_writing(path: Path) -> None:
    with writing(path) as writer:
        replaced = pytest.raises(RingError, match="is written by somebody else now")
        with contextlib.closing(reference.Writer(path, 12)), replaced:
            writer.put(TINY, PAYLOAD)
        writer.close()
        assert path.exists()


def test_a_larger_frame_makes_the_ring_anew(path: Path) -> None:
    with reading_after_writing(path) as (writer, reader):
        large = FrameHeader("XR24", 100, 100, 400)
        assert writer.put(large, bytes(40000)) == 1
        assert reader.is_replaced()
        with reading(path) as again:
            # There is no moment without a frame.
            assert again.latest() == 1 and again.has_writer()
        assert writer.put(TINY, PAYLOAD) == 2
    assert list(path.parent.iterdir()) == []


def test_what_is_no_ring_is_not_overwritten(path: Path) -> None:
    path.write_text("dear diary")
    with pytest.raises(RingError, match="is no ring: it is not overwritten"):
        RingWriter(path, 12)
    assert path.read_text() == "dear diary"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RingError, match=r"a\.wcf cannot be written: No such file or directory"):
        RingWriter(tmp_path / "missing" / "a.wcf", 12)


def test_leftovers_of_the_killed_are_removed(path: Path) -> None:
    dead, alive = path.with_name("a.wcf.123.tmp"), path.with_name("a.wcf.124.tmp")
    others = path.with_name("a.wcf.notes.tmp")
    for one in (dead, alive, others):
        one.touch()
    with alive.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with writing(path):
            assert {one.name for one in path.parent.iterdir()} == {
                *("a.wcf", "a.wcf.124.tmp", "a.wcf.notes.tmp")
            }


def test_a_ring_is_for_its_user_and_group(path: Path) -> None:
    with writing(path):
        assert oct(path.stat().st_mode & 0o777) == "0o640"


@pytest.fixture
def small_tmpfs(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of half a megabyte, where that is allowed."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root may mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_file_system_is_said_and_nothing_is_left(small_tmpfs: Path) -> None:
    path = small_tmpfs / "a.wcf"
    with pytest.raises(RingError, match="No space left on device"):
        RingWriter(path, 10**6)
    assert list(small_tmpfs.iterdir()) == []
    with writing(path) as writer:
        with pytest.raises(RingError, match="No space left on device"):
            writer.put(FrameHeader("GREY", 1000, 1000, 1000), bytes(10**6))
        assert list(small_tmpfs.iterdir()) == [path]
        # What there was room for goes on.
        assert writer.put(TINY, PAYLOAD) == 1


# Readers of what is no good.


def refusal(path: Path, **more: Any) -> str:
    with pytest.raises(RingError) as caught:
        RingReader(path, **more)
    return str(caught.value)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"magic": b"WCFRING2"}, "is a ring of layout b'2'"),
        ({"magic": b"PNG-----"}, "does not begin with WCFRING1"),
        ({"header_size": 64}, "header claims 64 bytes"),
        ({"claimed_slots": 0}, "claims 0 slots"),
        ({"claimed_slots": 1}, "claims 1 slots"),
        ({"claimed_slots": 2**32 - 1}, "claims 4294967295 slots"),
        ({"claimed_stride": 0}, "2 slots of 0"),
        ({"claimed_stride": 2**63}, "2 slots of 9223372036854775808"),
        ({"claimed_stride": 8192}, "2 slots of 8192"),
    ],
)
def test_headers_that_lie_are_refused(path: Path, claims: dict[str, Any], said: str) -> None:
    with contextlib.closing(reference.Writer(path, 12, **claims)):
        assert said in refusal(path)


def test_what_is_no_file_is_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        RingReader(path)
    path.write_bytes(b"WCFRING1")
    assert "is too short" in refusal(path)
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert "is a symbolic link" in refusal(path)
    assert "is no regular file" in refusal(tmp_path)
    os.mkfifo(tmp_path / "fifo")
    assert "is no regular file" in refusal(tmp_path / "fifo")


def test_frames_larger_than_their_slot_are_clamped_and_refused(path: Path) -> None:
    with contextlib.closing(reference.Writer(path, 12)) as writer, reading(path) as reader:
        slot = writer.begin()
        writer.fill(slot, PAYLOAD, b"GREY", 4000, 2, 4000)
        writer.write(slot + 8, b"\xff\xff\xff\xff")
        writer.end(slot)
        with pytest.raises(RingError, match="4032 bytes, too few for 4000x2 GREY"):
            reader.read()
        # The next may be better.
        writer.put(PAYLOAD, b"RGB3", 2, 2, 6)
        assert reader.read() is not None


def test_a_file_that_becomes_shorter_is_an_error(path: Path) -> None:
    with reading_after_writing(path) as (writer, reader):
        os.truncate(path, 8200)
        with pytest.raises(RingError, match="is shorter than it was"):
            reader.read()
        os.truncate(path, 10)
        with pytest.raises(RingError, match="is shorter than it was"):
            reader.has_news()
        writer.close()


def test_frames_of_other_users_are_refused(path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root gives files away")
    with writing(path) as writer:
        writer.put(TINY, PAYLOAD)
        os.chown(path, NOBODY, NOBODY)
        assert "belongs to the user 65534" in refusal(path)
        with reading(path, any_owner=True) as reader:
            assert reader.read() is not None


def test_a_number_that_goes_back_is_a_frame_all_the_same(path: Path) -> None:
    with contextlib.closing(reference.Writer(path, 12, mode=1)) as writer, reading(path) as reader:
        for _ in range(4):
            writer.put(PAYLOAD, b"RGB3", 2, 2, 6)
            assert reader.read() is not None
        writer.latest = 0
        writer.put(PAYLOAD, b"RGB3", 2, 2, 6)
        frame = reader.read()
        assert frame is not None and frame.number == 1
