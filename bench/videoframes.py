"""H.264 as peers send it, taken apart into frames and decoded.  No sockets here."""

import itertools
import re
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

Luma = NDArray[np.uint8]

# What pixelflux puts before a frame: kind (2 bytes), numbers, place and size.
_STRIPE_HEAD = 12

_DELIMITER = re.compile(rb"\x00\x00\x00\x01\x09")


class Coded(NamedTuple):
    """A frame, and where in the stream it was complete."""

    end: int
    data: bytes
    extra: bytes = b""
    """What a decoder is to be told before, if it is the first."""


class Shown(NamedTuple):
    """A frame, decoded."""

    end: int
    luma: Luma
    """As it is coded, of a limited or the full range."""
    is_bt709: bool
    is_full: bool


Split = Callable[[bytes], Iterator[Coded]]


def of_mp4(data: bytes) -> Iterator[Coded]:
    """Take a response of fragmented MP4 apart, a fragment a frame."""
    at, extra = data.index(b"\r\n\r\n") + 4, b""
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        end = at + size
        if end > len(data):
            return
        if name == b"moov":
            begin = data.index(b"avcC", at)
            extra = data[begin + 4 : begin - 4 + struct.unpack_from(">I", data, begin - 4)[0]]
        elif name == b"mdat":
            yield Coded(end, data[at + 8 : end], extra)
        at = end


def of_byte_stream(data: bytes) -> Iterator[Coded]:
    """Take a byte stream apart, each frame of which begins with a delimiter."""
    starts = [found.start() for found in _DELIMITER.finditer(data)]
    for start, end in itertools.pairwise(starts):
        yield Coded(end, data[start:end])


def of_messages(data: bytes) -> Iterator[Coded]:
    """Take messages of a WebSocket apart, a frame each."""
    at = data.index(b"\r\n\r\n") + 4
    while at + 10 <= len(data):
        is_binary, length = data[at] & 15 == 2, data[at + 1] & 127
        extra = {126: 2, 127: 8}.get(length, 0)
        start = at + 2 + extra
        at = start + (int.from_bytes(data[start - extra : start], "big") if extra else length)
        if at > len(data):
            return
        if is_binary:
            yield Coded(at, data[start + _STRIPE_HEAD : at])


def shown(data: bytes, split: Split) -> Iterator[Shown]:
    """Decode a stream; gives each frame as soon as it is decoded.

    Raises RuntimeError if one comes out later than it is in.
    """
    decoder: VideoCodecContext | None = None
    for coded in split(data):
        if decoder is None:
            decoder = av.CodecContext.create("h264", "r")
            decoder.thread_count = 1
            decoder.flags |= 1 << 19  # AV_CODEC_FLAG_LOW_DELAY
            if coded.extra:
                decoder.extradata = coded.extra
        frames = decoder.decode(av.Packet(coded.data))
        if len(frames) != 1:
            raise RuntimeError(f"a frame gave {len(frames)} pictures")
        frame = frames[0]
        plane = frame.planes[0]
        luma = np.asarray(memoryview(plane)).reshape(-1, plane.line_size)[:, : frame.width]
        yield Shown(coded.end, luma[: frame.height], frame.colorspace == 1, frame.color_range == 2)
