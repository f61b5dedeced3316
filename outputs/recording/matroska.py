"""MJPEG in Matroska (RFC 9559, RFC 8794): the bytes of a file that plays wherever it is cut.  Pure.

The header, then clusters, each with the frames of about a second; a file whose writer was
killed ends with a cluster or in one, and lacks no more than that.  What is only known at the
end has its place in the header: until then it is void there, or unknown.
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

_EPOCH = datetime(2001, 1, 1, tzinfo=UTC).timestamp()
"""Dates of Matroska count from here."""

_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
_TICKS = 1000
"""A second: times are in milliseconds."""

_SEEK_BYTES = 32
"""Room for the place of the cues."""


class Header(NamedTuple):
    """What a file begins with, and what is written over in it when it is known."""

    data: bytes
    segment_size_at: int
    segment_at: int
    """Where the segment's content begins, from which its places are counted."""
    seek_at: int
    duration_at: int


class CuePoint(NamedTuple):
    """Where a cluster is."""

    seconds: float
    offset: int
    """From the beginning of the file."""


def header(width: int, height: int, began: float) -> Header:
    """Give what a file begins with, of pictures of a size from ``began`` (CLOCK_REALTIME) on."""
    ebml = _element(
        "1A45DFA3",
        *(_number("4286", 1), _number("42F7", 1), _number("42F2", 4), _number("42F3", 8)),
        *(_element("4282", b"matroska"), _number("4287", 4), _number("4285", 2)),
    )
    duration = _void(11)
    info = _element(
        "1549A966",
        *(duration, _number("2AD7B1", 1_000_000_000 // _TICKS)),
        _element("4461", struct.pack(">q", round((began - _EPOCH) * 1e9))),
        *(_element("4D80", b"webcapd"), _element("5741", b"webcapd")),
    )
    video = _element("E0", _number("9A", 2), _number("B0", width), _number("BA", height))
    track = _element(
        "AE",
        *(_number("D7", 1), _number("73C5", 1), _number("83", 1), _number("9C", 0)),
        *(_element("22B59C", b"und"), _element("86", b"V_MJPEG"), video),
    )
    segment_size_at = len(ebml) + 4
    segment_at = segment_size_at + len(_UNKNOWN_SIZE)
    duration_at = segment_at + _SEEK_BYTES + info.index(duration)
    segment = bytes.fromhex("18538067") + _UNKNOWN_SIZE
    data = b"".join((ebml, segment, _void(_SEEK_BYTES), info, _element("1654AE6B", track)))
    return Header(data, segment_size_at, segment_at, segment_at, duration_at)


def cluster(frames: Sequence[tuple[float, bytes]]) -> list[bytes]:
    """Give a cluster, in pieces, of frames with their seconds from the beginning of the file.

    They are in order, and all within 30 s: a block's time is 16 bits from its cluster's.
    """
    first = _ticks(frames[0][0])
    pieces = [_number("E7", first)]
    for seconds, jpeg in frames:
        # Of track 1, and a keyframe, as every JPEG is.
        head = b"\x81" + struct.pack(">hB", _ticks(seconds) - first, 0x80)
        pieces += [b"\xa3" + _size(len(head) + len(jpeg)) + head, jpeg]
    return [bytes.fromhex("1F43B675") + _size(sum(map(len, pieces))), *pieces]


def duration(seconds: float) -> bytes:
    """Give the element for ``duration_at``."""
    return bytes.fromhex("448988") + struct.pack(">d", seconds * _TICKS)


def cues(points: Sequence[CuePoint], head: Header) -> bytes:
    """Give the cues, which stand behind all clusters: by them, players find any moment."""
    return _element(
        "1C53BB6B",
        *(
            _element(
                "BB",
                _number("B3", _ticks(point.seconds)),
                _element("B7", _number("F7", 1), _number("F1", point.offset - head.segment_at)),
            )
            for point in points
        ),
    )


def seek_head(cues_at: int, head: Header) -> bytes:
    """Give the elements for ``seek_at`` that say where in the file the cues are."""
    entry = _element(
        "4DBB",
        *(_element("53AB", bytes.fromhex("1C53BB6B")), _number("53AC", cues_at - head.segment_at)),
    )
    found = _element("114D9B74", entry)
    return found + _void(_SEEK_BYTES - len(found))


def segment_size(end: int, head: Header) -> bytes:
    """Give what belongs at ``segment_size_at`` in a file that ends at ``end``."""
    return struct.pack(">Q", (1 << 56) | (end - head.segment_at))


def _ticks(seconds: float) -> int:
    return round(seconds * _TICKS)


def _element(name: str, *content: bytes) -> bytes:
    body = b"".join(content)
    return bytes.fromhex(name) + _size(len(body)) + body


def _number(name: str, value: int) -> bytes:
    return _element(name, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _size(count: int) -> bytes:
    """Give a length as a variable-length integer; all ones would mean that it is unknown."""
    width = next(width for width in range(1, 9) if count < (1 << 7 * width) - 1)
    return ((1 << 7 * width) | count).to_bytes(width, "big")


def _void(length: int) -> bytes:
    """Give an element of so many bytes, from 2 to 128, that means nothing."""
    return b"\xec" + _size(length - 2) + bytes(length - 2)
