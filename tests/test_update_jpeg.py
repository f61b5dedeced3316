"""Tiles of the whole frame, packed as a JPEG of a rectangle of them."""

import re
import struct

import cv2
import mjpeg
import numpy as np
import pytest
import turbojpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from xserver import Pixels

from webcapd.encoder.updates.jpegpack import (
    JpegHeader,
    TileBlock,
    join_scan,
    shared_header,
    tile_blocks,
)

MCU = {"444": (8, 8), "422": (16, 8), "420": (16, 16)}
QUALITY = 80


def picture(width: int, height: int) -> Pixels:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def coded(pixels: Pixels, subsampling: str, interval: int) -> bytes:
    parameters = [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_RST_INTERVAL, interval]
    parameters += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, mjpeg.SAMPLING[subsampling]]
    done, jpeg = cv2.imencode(".jpg", pixels, parameters)
    assert done
    return jpeg.tobytes()


def scan_of(jpeg: bytes) -> bytes:
    after_marker = jpeg[jpeg.index(b"\xff\xda") + 2 :]
    return after_marker[int.from_bytes(after_marker[:2], "big") : -2]


def intervals(jpeg: bytes) -> list[bytes]:
    """Cut the scan at the restart markers."""
    return re.split(rb"\xff[\xd0-\xd7]", scan_of(jpeg))


def whole_jpeg(header: JpegHeader, width: int, height: int, interval: int, scan: bytes) -> bytes:
    """Do what a reader does: put a rectangle's own numbers in, and end the picture."""
    head = bytearray(header.data)
    struct.pack_into(">HH", head, header.size_at, height, width)
    struct.pack_into(">H", head, header.interval_at, interval)
    return bytes(head) + scan + b"\xff\xd9"


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(sorted(MCU)),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 9),
    st.integers(0, 7),
    st.integers(0, 7),
    st.data(),
)
def test_a_rectangle_of_tiles_is_the_jpeg_of_that_rectangle(
    subsampling: str, mcus: int, across: int, down: int, less: int, lower: int, data: st.DataObject
) -> None:
    """The very bytes that encoding it by itself gives."""
    wide, high = MCU[subsampling][0] * mcus, MCU[subsampling][1]
    whole = picture(wide * across - less, high * down - lower)
    tiles = intervals(coded(whole, subsampling, mcus))
    left = data.draw(st.integers(0, across - 1))
    right = data.draw(st.integers(left, across - 1))
    top = data.draw(st.integers(0, down - 1))
    bottom = data.draw(st.integers(top, down - 1))
    part = whole[top * high : (bottom + 1) * high, left * wide : (right + 1) * wide]
    rows = [tiles[row * across + left : row * across + right + 1] for row in range(top, bottom + 1)]
    # The header comes from any picture of the same quality.
    header = shared_header(coded(whole[:8, :8], subsampling, 1))
    packed = whole_jpeg(header, part.shape[1], part.shape[0], mcus, join_scan(rows))
    assert packed == coded(part, subsampling, mcus)


def test_a_header_without_an_interval_gets_one() -> None:
    pixels = picture(64, 48)
    jpeg = mjpeg.encode(pixels, QUALITY)
    header = shared_header(jpeg)
    scan = scan_of(jpeg)
    again = whole_jpeg(header, 64, 48, 0, scan)
    assert len(header.data) + len(scan) + 2 == len(jpeg) + 6
    assert (mjpeg.decode(again) == mjpeg.decode(jpeg)).all()


def test_gray_is_packed_too() -> None:
    pixels = picture(48, 32)[..., 0]
    _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_RST_INTERVAL, 2])
    tiles = intervals(jpeg.tobytes())
    packed = whole_jpeg(shared_header(jpeg.tobytes()), 16, 8, 2, tiles[1])
    assert mjpeg.decode(packed).shape == (8, 16, 3)
    assert np.abs(mjpeg.decode(packed)[..., 0].astype(int) - pixels[:8, 16:32]).mean() < 20


def test_progressive_is_refused() -> None:
    _, jpeg = cv2.imencode(".jpg", picture(16, 16), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    with pytest.raises(ValueError, match="not a baseline JPEG"):
        shared_header(jpeg.tobytes())


@given(st.binary(max_size=40) | st.binary(max_size=40).map(lambda data: b"\xff\xd8\xff" + data))
def test_any_bytes_have_a_header_or_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        shared_header(data)


@given(st.sets(st.tuples(st.integers(0, 8), st.integers(0, 5))))
def test_blocks_cover_each_tile_once(tiles: set[tuple[int, int]]) -> None:
    covered = [
        (row, column)
        for block in tile_blocks(tiles)
        for row in range(block.top, block.bottom + 1)
        for column in range(block.left, block.right + 1)
    ]
    assert sorted(covered) == sorted(tiles)


def test_a_full_rectangle_is_one_block() -> None:
    tiles = [(row, column) for row in range(3, 40) for column in range(2, 5)]
    assert tile_blocks(tiles) == [TileBlock(3, 39, 2, 4)]


def test_decoders_agree_that_it_is_whole() -> None:
    """No warning of libjpeg-turbo about restart markers, also where they wrap around."""
    tiles = intervals(coded(picture(16, 320), "420", 1))
    packed = whole_jpeg(
        shared_header(coded(picture(16, 16), "420", 1)),
        16,
        288,
        1,
        join_scan([[t] for t in tiles[1:19]]),
    )
    pixels = turbojpeg.TurboJPEG().decode(packed, flags=turbojpeg.TJFLAG_STOPONWARNING)
    assert pixels.shape == (288, 16, 3)
