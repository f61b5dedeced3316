"""The reference reader: any cut, any mutation, anything hostile; and the recording of version 1."""

import contextlib
import itertools
import struct
import tracemalloc
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from updatepixels import UpdateError
from updatereader import UpdateReader
from updaterecording import HEIGHT, RECORDING, SHOWN, WIDTH, png
from updatevideo import VideoReader

from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates import records

STREAM = RECORDING.read_bytes()
HELLO = records.hello({"run": "a" * 16, "form": ""})
BEGUN = HELLO + records.geometry(64, 48)
ALL = Rectangle(0, 0, 64, 48)
SHOWN_ONCE = BEGUN + records.fill(ALL, b"abc") + records.mark(1, 0)


def state_of(reader: UpdateReader) -> tuple[object, ...]:
    pointers = {n: (x, y, image.tobytes()) for n, (x, y, image) in reader.pointers.items()}
    return (
        *(reader.hello, reader.state, reader.end, reader.sequence, reader.whole, reader.captured),
        *(reader.pointer, pointers, reader.picture.tobytes()),
    )


def read(data: bytes) -> UpdateReader:
    reader = UpdateReader()
    reader.feed(data)
    return reader


def test_the_recording_is_still_read() -> None:
    marks: list[tuple[int, bool]] = []
    reader = UpdateReader(lambda: marks.append((reader.sequence, reader.whole)))
    reader.feed(STREAM)
    assert marks == [(7, False), (7, True), (8, True)]
    assert reader.hello["run"] == "00112233445566ff"
    assert reader.hello["name"] == "désk"
    assert reader.captured == 1_700_000_002_000_000
    assert reader.state == {
        "state": "lost", "reason": "the display is gone", "since": 1_700_000_003.5
    }  # fmt: skip
    assert reader.end == {"reason": "once"}
    assert reader.pointer == (0, 0, 0)
    assert reader.pointers[1][2].shape == (12, 9, 4)
    assert reader.picture.shape == (HEIGHT, WIDTH, 3)
    with Image.open(SHOWN) as opened:
        error = np.abs(np.asarray(opened).astype(int) - reader.picture)
    # Only JPEG may be decoded a little otherwise.
    assert error.max() <= 4
    error[16:48, 32:64] = 0
    assert not error.any()


def test_the_reader_is_short() -> None:
    """A format that takes more is too complicated."""
    assert len(Path(__file__).with_name("updatereader.py").read_text().splitlines()) < 100


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_cuts_make_no_difference(cuts: list[int]) -> None:
    reader = UpdateReader()
    edges = [0, *sorted(cuts), len(STREAM)]
    for begin, end in itertools.pairwise(edges):
        reader.feed(STREAM[begin:end])
    assert state_of(reader) == state_of(read(STREAM))


def test_byte_by_byte() -> None:
    reader = UpdateReader()
    for number in range(len(STREAM)):
        reader.feed(STREAM[number : number + 1])
    assert state_of(reader) == state_of(read(STREAM))


mutations = st.lists(
    st.tuples(
        st.sampled_from(["flip", "set", "insert", "delete", "repeat"]),
        st.integers(0, len(STREAM) - 1),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=6,
)


def mutated(changes: Sequence[tuple[str, int, int]]) -> bytes:
    data = bytearray(STREAM)
    for kind, at, value in changes:
        at %= len(data) or 1
        if kind == "flip":
            data[at] ^= 1 << value % 8
        elif kind == "set":
            data[at] = value
        elif kind == "insert":
            data[at:at] = bytes((value,)) * (value % 5 + 1)
        elif kind == "delete":
            del data[at : at + value]
        else:
            data[at:at] = data[at : at + value]
    return bytes(data)


@settings(deadline=None, max_examples=500)
@given(mutations)
def test_a_mutated_stream_is_read_or_refused(changes: list[tuple[str, int, int]]) -> None:
    reader = UpdateReader(most=1 << 16)
    tracemalloc.start()
    try:
        with contextlib.suppress(UpdateError):
            reader.feed(mutated(changes))
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from("WGSQJFLRNCEIPXkz").map(str.encode),
    st.binary(max_size=40),
    st.binary(max_size=40),
)
def test_any_payload_is_read_or_refused(kind: bytes, fields: bytes, more: bytes) -> None:
    with contextlib.suppress(UpdateError):
        read(SHOWN_ONCE + records.record(kind, fields, more))


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(UpdateError):
        read(data)


def deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush()


def large_png() -> bytes:
    """Give a PNG that says it is larger than the rectangle."""
    data = bytearray(zeros(48, 64, 3))
    data[16:24] = struct.pack(">II", 60000, 60000)
    return bytes(data)


def noted_png() -> bytes:
    """Give a PNG with a chunk more."""
    data = zeros(48, 64, 3)
    note = b"gAMA" + struct.pack(">I", 45455)
    chunk = struct.pack(">I", 4) + note + struct.pack(">I", zlib.crc32(note))
    return data[:33] + chunk + data[33:]


TWO = Rectangle(0, 0, 2, 1)
LEFT, RIGHT = Rectangle(0, 0, 32, 48), Rectangle(32, 0, 32, 48)


def zeros(height: int, width: int, planes: int) -> bytes:
    return png(np.zeros((height, width, planes), np.uint8))


REFUSED = {
    "no hello": records.geometry(1, 1),
    "another magic": records.record(b"W", b"WCU2", b'{"version":1}'),
    "another version": records.record(b"W", b"WCU1", b'{"version":2}'),
    "no version": records.record(b"W", b"WCU1", b"{}"),
    "not JSON": records.record(b"W", b"WCU1", b"{"),
    "a list": records.record(b"W", b"WCU1", b'[["version",1]]'),
    "deep JSON": records.record(b"W", b"WCU1", b"[" * 60000),
    "two hellos": HELLO + HELLO,
    "no size": HELLO + records.geometry(0, 1),
    "too large": HELLO + records.geometry(65535, 65535),
    "rectangle before the geometry": HELLO + records.fill(TWO, b"abc"),
    "mark before the geometry": HELLO + records.mark(1, 0),
    "copy without a picture": BEGUN + records.copy(TWO, 4, 4),
}
REFUSED_LATER = {
    "unknown and critical": records.record(b"Z"),
    "no letter": records.record(b"\x00"),
    "no letter, nor ASCII": records.record(b"\xe9"),
    "too long, long before it has come": b"F\xff\xff\xff",
    "too short": records.record(b"F", b"1234567890"),
    "more than known": records.record(b"G", b"\x00\x01\x00\x01\x00"),
    "empty": records.fill(Rectangle(0, 0, 0, 1), b"abc"),
    "outside": records.fill(Rectangle(63, 0, 2, 1), b"abc"),
    "below": records.fill(Rectangle(0, 47, 1, 2), b"abc"),
    "no such header": records.jpeg(TWO, 9, 1, b""),
    "header too short": records.jpeg_header(1, 9, 9, b"") + records.jpeg(TWO, 1, 1, b""),
    "index without colour": records.palette(TWO, 0x42, 3, b"\1\1\1\xff"),
    "index of no bits": records.palette(TWO, 0x40, 1, b"\1"),
    "index of nine bits": records.palette(TWO, 0x49, 1, b"\1\0\0\0"),
    "unknown flag": records.palette(TWO, 0x51, 2, b"\1\1\0"),
    "too few indices": records.palette(ALL, 0x41, 2, b"\1\1\0"),
    "too many indices": records.palette(TWO, 0x41, 2, b"\1\1\0\0"),
    "bomb": records.palette(TWO, 0xC1, 2, deflate(bytes(1 << 24))),
    "raw bomb": records.raw(TWO, 0xC0, deflate(bytes(1 << 24))),
    "deflated and more": records.raw(TWO, 0xC0, deflate(b"12") + b"3"),
    "deflated in part": records.raw(TWO, 0xC0, deflate(b"12")[:-1]),
    "deflated too short": records.raw(TWO, 0xC0, deflate(b"1")),
    "not deflated": records.raw(TWO, 0xC0, b"\xff\xff\xff"),
    "raw with bits": records.raw(TWO, 0x41, b"12"),
    "smaller PNG": records.png(ALL, zeros(1, 1, 3)),
    "larger PNG": records.png(ALL, large_png()),
    "PNG with a chunk more": records.png(ALL, noted_png()),
    "PNG with alpha": records.png(ALL, zeros(48, 64, 4)),
    "no PNG": records.png(ALL, b"GIF89a" * 9),
    "pointer without alpha": records.pointer_image(1, (0, 0), zeros(4, 4, 3)),
    "huge pointer": records.pointer_image(1, (0, 0), zeros(4, 257, 4)),
    "pointer without number": records.pointer_image(0, (0, 0), zeros(4, 4, 4)),
    "pointer without image": records.pointer(1, 0, 0),
    "mark that goes back": records.mark(0, 0),
    "mark again": records.mark(1, 0),
    "mark with an unknown flag": records.record(b"E", struct.pack(">IBQ", 2, 2, 0)),
    "copy after a partial mark": records.mark(2, 0, partial=True) + records.copy(TWO, 4, 4),
    "copy after a rectangle": records.fill(TWO, b"abc") + records.copy(TWO, 4, 4),
    "copy from outside": records.copy(TWO, 63, 0),
    "copy of a copy": records.copy(LEFT, 32, 0) + records.copy(RIGHT, 0, 0),
    "more after the end": records.end("once") + records.keepalive(0),
}


MALFORMED = REFUSED | {name: SHOWN_ONCE + data for name, data in REFUSED_LATER.items()}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=list(MALFORMED))
def test_what_is_malformed_is_refused(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UpdateError) as refusal:
            read(data)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert str(refusal.value)


def test_what_is_unknown_and_ancillary_is_skipped() -> None:
    reader = read(SHOWN_ONCE + records.record(b"z", bytes(1000)) + records.mark(2, 0))
    assert reader.sequence == 2
    # Fields that a later version adds to a known one, too.
    read(SHOWN_ONCE + records.record(b"k", bytes(12)))


def test_another_response_continues_the_picture() -> None:
    reader = read(SHOWN_ONCE + records.end("once"))
    reader.begin()
    reader.feed(records.hello({"run": "a" * 16, "form": "", "after": 1}))
    reader.feed(records.copy(TWO, 4, 4) + records.fill(TWO, b"xyz") + records.mark(5, 0))
    assert reader.sequence == 5
    assert reader.picture[0, :3].tobytes() == b"xyzxyzabc"


def test_another_response_begins_anew() -> None:
    reader = read(STREAM)
    reader.begin()
    reader.feed(HELLO)
    assert (reader.sequence, reader.pointers, reader.picture.size) == (-1, {}, 0)
    with pytest.raises(UpdateError):
        reader.feed(records.fill(TWO, b"abc"))


@pytest.mark.parametrize("facts", [
    {"run": "b" * 16, "form": "", "after": 1},
    {"run": "a" * 16, "form": "gray", "after": 1},
    {"run": "a" * 16, "form": "", "after": 2},
], ids=["another run", "another form", "another update"])  # fmt: skip
def test_a_response_that_continues_something_else_is_refused(facts: dict[str, object]) -> None:
    reader = read(SHOWN_ONCE + records.end("once"))
    reader.begin()
    with pytest.raises(UpdateError):
        reader.feed(records.hello(facts))


def test_a_copy_may_overlap_its_own_source() -> None:
    column = records.raw(Rectangle(0, 0, 1, 48), records.GREY, bytes(range(48)))
    reader = read(BEGUN + column + records.mark(1, 0))
    reader.feed(records.copy(Rectangle(0, 1, 1, 47), 0, 0) + records.mark(2, 0))
    assert reader.picture[:, 0, 0].tolist() == [0, *range(47)]
    reader.feed(records.copy(Rectangle(0, 0, 1, 47), 0, 1) + records.mark(3, 0))
    assert reader.picture[:, 0, 0].tolist() == [*range(47), 46]


def test_the_example_of_the_documentation_is_read() -> None:
    page = (Path(__file__).parent.parent / "docs" / "updates.md").read_text()
    example = page.partition("## 9. Example")[2].partition("## 10.")[0]
    lines = [line for line in example.splitlines() if line.startswith("    ")]
    reader = read(bytes.fromhex("".join(lines)))
    assert reader.end == {"reason": "once"}
    assert reader.picture[..., 0].tolist() == [[255, 0, 255, 0, 255, 0, 255, 255]] * 2


def test_the_documentation_names_each_record() -> None:
    page = (Path(__file__).parent.parent / "docs" / "updates.md").read_text()
    summary = page.partition("## 4. Summary")[2].partition("## 5.")[0]
    named = [line[2] for line in summary.splitlines() if line[3:5] == " |" and line[2] != "-"]
    assert sorted(named) == sorted(VideoReader.fields)
