"""The bytes of a JPEG, cut and joined."""

import mjpeg
import numpy as np
import pytest
import turbojpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from xserver import Pixels

from webcapd.base.jpegmarkers import JpegError
from webcapd.capture.bands import BAND_ROWS
from webcapd.encoder.jpeg.bitstream import (
    EOI,
    entropy_coded,
    frame_header,
    header_of,
    intervals,
    join_tiles,
    restart_interval,
    restart_marker,
    splice,
)

SUBSAMPLINGS = ("444", "422", "420")


def noise(width: int, height: int) -> Pixels:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


@given(
    st.tuples(st.integers(1, 200), st.integers(1, 150)),
    st.sampled_from(SUBSAMPLINGS),
    st.integers(1, 100),
)
@settings(deadline=None, max_examples=30)
def test_split_and_splice_are_inverse(
    size: tuple[int, int], subsampling: str, quality: int
) -> None:
    jpeg = mjpeg.encode(noise(*size), quality, subsampling)
    header, entropy = header_of(jpeg), bytes(entropy_coded(jpeg))
    assert header + entropy + EOI == jpeg
    assert splice(header, [entropy]) == jpeg
    assert splice(frame_header(header, size[1]), [entropy]) == jpeg


# Pieces of a JPEG in any order come further into the parser than random bytes do.
pieces = st.sampled_from([
    b"\xff", b"\xff\xd8", b"\xff\xd9", b"\xff\xc0", b"\xff\xc0\x00\x02", b"\xff\xda",
    b"\xff\xda\x00\x02", b"\xff\xdb\x00\x04\x00\x00", b"\x00", b"\x00\x11",
])  # fmt: skip
malformed = st.binary(max_size=40) | st.lists(pieces | st.binary(max_size=3), max_size=8).map(
    lambda some: b"\xff\xd8" + b"".join(some)
)


@settings(deadline=None, max_examples=300)
@given(malformed)
def test_any_bytes_are_split_in_two_or_refused(data: bytes) -> None:
    try:
        header, entropy = header_of(data), entropy_coded(data)
    except JpegError:
        return
    assert header + entropy + EOI == data


@settings(deadline=None, max_examples=300)
@given(malformed, st.integers(1, 0xFFFF))
def test_any_bytes_make_a_frame_header_or_are_refused(data: bytes, height: int) -> None:
    try:
        header = frame_header(data, height)
    except JpegError:
        return
    assert len(header) == len(data)


codes = st.binary(max_size=30).map(lambda data: data.replace(b"\xff", b"\xff\x00"))


@settings(deadline=None)
@given(st.lists(codes, min_size=1, max_size=20))
def test_intervals_are_what_was_joined(segments: list[bytes]) -> None:
    frame = splice(b"", segments)
    assert intervals(frame[: -len(EOI)]) == segments


@given(st.data())
@settings(deadline=None, max_examples=50)
def test_truncated_jpeg_is_refused(data: st.DataObject) -> None:
    jpeg = mjpeg.encode(noise(20, 20))
    length = data.draw(st.integers(0, len(jpeg) - 1))
    with pytest.raises(JpegError):
        entropy_coded(jpeg[:length])


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_restart_interval_beyond_the_format_is_refused(subsampling: str) -> None:
    assert restart_interval(65500, BAND_ROWS, subsampling) <= 0xFFFF
    with pytest.raises(JpegError):
        restart_interval(1 << 20, BAND_ROWS, subsampling)


def test_restart_interval_counts_begun_mcus() -> None:
    assert restart_interval(17, 16, "420") == 2
    assert restart_interval(17, 16, "422") == 4
    assert restart_interval(17, 16, "444") == 6


@settings(deadline=None)
@given(st.lists(st.lists(codes, min_size=3, max_size=3), min_size=1, max_size=9))
def test_tiles_are_numbered_through_all_bands(bands: list[list[bytes]]) -> None:
    joined = [join_tiles(number, tiles) for number, tiles in enumerate(bands)]
    scan = splice(b"", joined, columns=3)[: -len(EOI)]
    assert intervals(scan) == [tile for tiles in bands for tile in tiles]
    markers = [scan[i + 1] & 7 for i in range(len(scan) - 1) if scan[i] == 0xFF and scan[i + 1]]
    assert markers == [number % 8 for number in range(3 * len(bands) - 1)]


def test_restart_markers_are_numbered_modulo_eight() -> None:
    numbers = [restart_marker(number)[1] & 7 for number in range(20)]
    assert numbers == [number % 8 for number in range(20)]


def test_frame_header_has_the_height() -> None:
    framed = frame_header(header_of(mjpeg.encode(noise(20, 16))), 321)
    size = framed.index(b"\xff\xc0") + 5
    assert framed[size : size + 4] == bytes((321 >> 8, 321 & 255, 0, 20))


def test_jpeg_that_is_not_baseline_is_refused() -> None:
    """Its height would stay that of the band, and a viewer would see one band alone."""
    progressive = turbojpeg.TurboJPEG().encode(noise(20, 16), flags=turbojpeg.TJFLAG_PROGRESSIVE)
    with pytest.raises(JpegError):
        frame_header(header_of(progressive), 321)
