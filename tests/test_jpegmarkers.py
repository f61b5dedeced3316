"""The walk over a JPEG's markers: what it tells, what may be passed on, what is refused."""

import io
import struct

import cv2
import mjpeg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from xserver import Pixels

from webcapd.base.jpegmarkers import (
    DHT,
    SOF0,
    SOS,
    JpegError,
    JpegShape,
    plain_jpeg,
    read_shape,
    segments,
)


def picture(width: int, height: int, seed: int = 1) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def pillow(width: int, height: int, mode: str = "RGB", **options: object) -> bytes:
    """Encode by another writer: JFIF, metadata, progressive, CMYK."""
    file = io.BytesIO()
    Image.fromarray(picture(width, height)).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def with_segment(jpeg: bytes, marker: int, contents: bytes) -> bytes:
    """Put a segment behind SOI."""
    segment = b"\xff%c%b%b" % (marker, struct.pack(">H", len(contents) + 2), contents)
    return jpeg[:2] + segment + jpeg[2:]


JPEG = mjpeg.encode(picture(40, 24))


def test_tells_size_and_kind() -> None:
    shape = read_shape(JPEG)
    assert (shape.width, shape.height, shape.precision) == (40, 24, 8)
    assert (shape.frame_header, shape.components) == (SOF0, b"\1\2\3")
    assert shape.has_tables and shape.is_plain
    assert JPEG[shape.scan_at - 2 :][:2] == b"\x3f\x00", "the end of SOS of a baseline scan"


@pytest.mark.parametrize(
    ("jpeg", "plain"),
    [
        pytest.param(pillow(32, 16, "L"), True, id="gray"),
        pytest.param(pillow(32, 16, comment=b"hello", dpi=(72, 72)), True, id="metadata"),
        pytest.param(pillow(32, 16, progressive=True), False, id="progressive"),
        pytest.param(pillow(32, 16, "CMYK"), False, id="CMYK"),
        pytest.param(pillow(32, 16, keep_rgb=True), False, id="RGB"),
        pytest.param(with_segment(JPEG, 0xEE, b"Adobe" + bytes(6) + b"\0"), False, id="Adobe RGB"),
        pytest.param(with_segment(JPEG, 0xEE, b"Adobe" + bytes(6) + b"\1"), True, id="Adobe YCC"),
        pytest.param(with_segment(JPEG, 0xEE, b"other" + bytes(6) + b"\0"), True, id="APP14"),
    ],
)
def test_says_what_may_be_passed_on(jpeg: bytes, plain: bool) -> None:
    assert (plain_jpeg(jpeg, read_shape(jpeg)) is not None) is plain


def without_huffman(jpeg: bytes) -> bytes:
    kept = [
        jpeg[one.start - 2 : one.start + one.length] for one in segments(jpeg) if one.marker != DHT
    ]
    return b"".join((jpeg[:2], *kept, jpeg[read_shape(jpeg).scan_at :]))


def test_motion_jpeg_without_tables_is_not_passed_on() -> None:
    """Not every decoder knows the usual ones by heart; libjpeg-turbo does."""
    jpeg = without_huffman(JPEG)
    assert plain_jpeg(jpeg, read_shape(jpeg)) is None
    assert (mjpeg.decode(jpeg) == mjpeg.decode(JPEG)).all()


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from(sorted(mjpeg.SAMPLING)),
    st.lists(
        st.tuples(st.sampled_from([0xE0, 0xE1, 0xE2, 0xED, 0xFE]), st.binary(max_size=40)),
        max_size=4,
    ),
    st.binary(max_size=20),
    st.integers(0, 5),
)
def test_what_is_passed_on_is_the_picture_and_nothing_else(
    width: int,
    height: int,
    subsampling: str,
    metadata: list[tuple[int, bytes]],
    behind: bytes,
    fill: int,
) -> None:
    """Also with thumbnails in it, something behind it, and FF repeated before its end."""
    bare = mjpeg.encode(picture(width, height), subsampling=subsampling)
    jpeg = bare[:-2] + b"\xff" * fill + bare[-2:] + behind
    for marker, contents in metadata:
        jpeg = with_segment(jpeg, marker, contents)
    plain = plain_jpeg(jpeg, read_shape(jpeg))
    assert plain is not None
    assert (mjpeg.decode(plain) == mjpeg.decode(bare)).all()
    assert plain == plain_jpeg(bare, read_shape(bare))
    assert {one.marker for one in segments(plain)}.isdisjoint({*range(0xE0, 0xF0), 0xFE})
    assert (plain.count(b"\xff\xd8"), plain.count(b"\xff\xd9")) == (1, 1)


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param(b"", id="without its end"),
        pytest.param(b"\xff\xdc\0\4\0\x18\xff\xd9", id="height told behind the scan"),
        pytest.param(b"\xff\xd8" + JPEG, id="another picture begins within"),
    ],
)
def test_a_scan_with_another_end_is_not_passed_on(tail: bytes) -> None:
    jpeg = JPEG[:-2] + tail
    assert plain_jpeg(jpeg, read_shape(jpeg)) is None


def test_a_second_picture_behind_the_first_is_dropped() -> None:
    shape = read_shape(JPEG + JPEG)
    assert plain_jpeg(JPEG + JPEG, shape) == plain_jpeg(JPEG, shape)


@given(st.integers(0, len(JPEG) - 1))
def test_a_truncated_one_is_refused_or_not_passed_on(length: int) -> None:
    jpeg = JPEG[:length]
    try:
        assert plain_jpeg(jpeg, read_shape(jpeg)) is None
    except JpegError:
        assert length < read_shape(JPEG).scan_at


def patched(width: int, height: int) -> bytes:
    frame = next(one for one in segments(JPEG) if one.marker == SOF0)
    return JPEG[: frame.start + 3] + struct.pack(">HH", height, width) + JPEG[frame.start + 7 :]


def test_told_sizes_are_read_as_they_are() -> None:
    shape = read_shape(patched(65535, 65535))
    assert (shape.width, shape.height) == (65535, 65535)


@pytest.mark.parametrize(
    ("jpeg", "why"),
    [
        pytest.param(b"", "no JPEG", id="nothing"),
        pytest.param(b"GIF89a", "no JPEG", id="GIF"),
        pytest.param(JPEG[:2], "ends before", id="SOI only"),
        pytest.param(patched(0, 10), "size of 0x10", id="no width"),
        pytest.param(patched(10, 0), "size of 10x0", id="no height"),
        pytest.param(
            JPEG[:2] + JPEG[read_shape(JPEG).scan_at :], "no JPEG marker", id="no headers"
        ),
        pytest.param(JPEG[:2] + b"\xff\xda\0\2" + JPEG[-9:], "not tell its size", id="no frame"),
        pytest.param(
            with_segment(JPEG, SOF0, b"\x08\0\1\0\1\x01\1\x11\0"), "two sizes", id="two sizes"
        ),
        pytest.param(with_segment(JPEG, SOF0, b"\x08\0\1\0\1\xff"), "two sizes", id="short frame"),
        pytest.param(JPEG[:2] + b"\xff\xfe\0\1", "no JPEG marker", id="length 1"),
        pytest.param(JPEG[:2] + b"\xff\xfe\xff\xff", "ends before", id="long segment"),
        pytest.param(JPEG[:2] + b"\xff\0\0\2", "no JPEG marker", id="stuffed byte"),
        pytest.param(JPEG[:2] + b"\xff" * 500, "no JPEG marker", id="fill only"),
        pytest.param(JPEG[:2] + b"\xff\xfe\0\2" * 100_000, "too many segments", id="segments"),
    ],
)
def test_what_is_none_is_refused_in_a_sentence(jpeg: bytes, why: str) -> None:
    with pytest.raises(JpegError, match=why):
        read_shape(jpeg)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda data: b"\xff\xd8\xff" + data))
def test_any_bytes_have_a_shape_or_are_refused(data: bytes) -> None:
    try:
        assert isinstance(read_shape(data), JpegShape)
    except JpegError as error:
        assert str(error)


@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview])
def test_walks_over_any_buffer(buffer: type) -> None:
    assert [one.marker for one in segments(buffer(JPEG))][-1] == SOS
    assert read_shape(buffer(JPEG)) == read_shape(JPEG)


def test_fill_before_markers_is_skipped() -> None:
    first = next(segments(JPEG))
    filled = JPEG[: first.start - 2] + b"\xff" * 7 + JPEG[first.start - 2 :]
    plain = plain_jpeg(filled, read_shape(filled))
    assert plain == plain_jpeg(JPEG, read_shape(JPEG))
    assert cv2.imdecode(np.frombuffer(filled, np.uint8), cv2.IMREAD_COLOR) is not None
