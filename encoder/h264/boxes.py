"""H.264 as fragmented MP4 (ISO/IEC 14496-12 and -15): a fragment a frame, sent as it is made.

Others' muxers write a fragment when they have the frame after it, and so hold back the last one
before the screen rests.  Pure functions.

    init segment   ftyp moov(mvhd trak(tkhd mdia(mdhd hdlr minf(vmhd dinf stbl(avc1 ...)))) mvex)
    fragment       moof(mfhd traf(tfhd tfdt trun)) mdat
"""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

TIMESCALE = 90_000
"""Units of time a second."""

FRAGMENT_BYTES = 108
"""What a fragment adds to a sample."""

_UNIT = re.compile(rb"\x00\x00\x01")

# Types of NAL units (ISO/IEC 14496-10, table 7-1).
_IDR, _SEI, _SPS, _PPS, _DELIMITER = 5, 6, 7, 8, 9

_TRACK = 1
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)

# Flags of a sample: it depends on no other, or on others and is no point to begin at.
_KEY, _DELTA = 0x02000000, 0x01010000


class Sample(NamedTuple):
    """One frame as MP4 holds it."""

    data: bytes
    """NAL units, the length in four bytes before each; no parameter sets."""
    sps: bytes = b""
    """The sequence parameter set that came with a key frame, else empty."""
    pps: bytes = b""


def units(stream: bytes) -> Iterator[bytes]:
    """Cut a byte stream (ISO/IEC 14496-10, annex B) into its NAL units."""
    starts = list(_UNIT.finditer(stream))
    ends = [found.start() for found in starts[1:]] + [len(stream)]
    for found, end in zip(starts, ends, strict=False):
        # A unit never ends in a zero byte: what stands there belongs to the next start code.
        if unit := stream[found.end() : end].rstrip(b"\x00"):
            yield unit


def sample_of(stream: bytes) -> Sample:
    """Give a frame of a byte stream as a sample; ValueError if there is no picture in it.

    What only says by which program it was made is left out.
    """
    parts, sets = list[bytes](), {_SPS: b"", _PPS: b""}
    for unit in units(stream):
        kind = unit[0] & 31
        if kind in sets:
            sets[kind] = unit
        elif kind not in (_SEI, _DELIMITER):
            parts += (struct.pack(">I", len(unit)), unit)
    if not parts:
        raise ValueError("there is no picture in what was coded")
    return Sample(b"".join(parts), sets[_SPS], sets[_PPS])


def codec_string(sps: bytes) -> str:
    """Name the codec as browsers want it (RFC 6381): profile, constraints and level."""
    return f"avc1.{sps[1:4].hex().upper()}"


def avc_configuration(sps: bytes, pps: bytes) -> bytes:
    """Give the content of avcC: the "description" of WebCodecs, too."""
    head = bytes((1, sps[1], sps[2], sps[3], 0xFF, 0xE1))
    sets = struct.pack(">H", len(sps)) + sps + b"\x01" + struct.pack(">H", len(pps)) + pps
    # From profile High on it says again what colours there are: 4:2:0, 4:4:4; 8 bits.
    colours = {100: b"\xfd\xf8\xf8\x00", 244: b"\xff\xf8\xf8\x00"}
    return head + sets + colours.get(sps[1], b"")


def init_segment(width: int, height: int, sps: bytes, pps: bytes) -> bytes:
    """Give what comes before the fragments: one track without an end.

    Duration 0 and no mehd say that it is live: Chromium holds one frame then, not four.
    """
    return _box("ftyp", b"iso5", _u32(512), b"iso5iso6mp41") + _box(
        "moov",
        _full(
            "mvhd",
            0,
            _u32(0, 0, 1000, 0, 0x10000),
            b"\x01\x00",
            bytes(10),
            _MATRIX,
            bytes(24),
            _u32(_TRACK + 1),
        ),
        _track(width, height, sps, pps),
        _box("mvex", _full("trex", 0, _u32(_TRACK, 1, 0, 0, 0))),
    )


def _track(width: int, height: int, sps: bytes, pps: bytes) -> bytes:
    sizes = _u32(width << 16, height << 16)
    return _box(
        "trak",
        # Enabled, and in the presentation.
        _full("tkhd", 3, _u32(0, 0, _TRACK, 0, 0), bytes(16), _MATRIX, sizes),
        _box(
            "mdia",
            _full("mdhd", 0, _u32(0, 0, TIMESCALE, 0), b"\x55\xc4\x00\x00"),
            _full("hdlr", 0, bytes(4), b"vide", bytes(12), b"webcapd\x00"),
            _box(
                "minf",
                _full("vmhd", 1, bytes(8)),
                _box("dinf", _full("dref", 0, _u32(1), _full("url ", 1))),
                _sample_table(width, height, sps, pps),
            ),
        ),
    )


def _sample_table(width: int, height: int, sps: bytes, pps: bytes) -> bytes:
    resolution = _u32(0x480000, 0x480000, 0)
    entry = _box(
        "avc1",
        bytes(6) + b"\x00\x01" + bytes(16) + struct.pack(">HH", width, height) + resolution,
        b"\x00\x01" + bytes(32) + b"\x00\x18\xff\xff",
        _box("avcC", avc_configuration(sps, pps)),
        _box("pasp", _u32(1, 1)),
    )
    empty = (_full(name, 0, _u32(0)) for name in ("stts", "stsc", "stco"))
    return _box("stbl", _full("stsd", 0, _u32(1), entry), *empty, _full("stsz", 0, _u32(0, 0)))


def fragment_head(sequence: int, decode_time: int, duration: int, size: int, is_key: bool) -> bytes:
    """Give what comes before a sample of ``size`` bytes: moof, and the head of mdat.

    ``sequence`` counts fragments from 1.  ``decode_time`` is of the first one any, and then at
    least that of the one before and its ``duration``; both in units of TIMESCALE.
    """
    movie = _full("mfhd", 0, _u32(sequence & 0xFFFFFFFF))
    # Offsets count from where moof begins; duration, size and flags are the sample's.
    track = _full("tfhd", 0x020000, _u32(_TRACK))
    time = struct.pack(">4sIQ", b"tfdt", 1 << 24, decode_time)
    flags = _KEY if is_key else _DELTA
    run = _full("trun", 0x000701, _u32(1, FRAGMENT_BYTES, duration, size, flags))
    moof = _box("moof", movie, _box("traf", track, _u32(len(time) + 4), time, run))
    return moof + struct.pack(">I4s", 8 + size, b"mdat")


def fragment(sequence: int, decode_time: int, duration: int, sample: bytes, is_key: bool) -> bytes:
    """Give a frame as a fragment; fragment_head() says what the numbers are."""
    return fragment_head(sequence, decode_time, duration, len(sample), is_key) + sample


def nothing() -> bytes:
    """Give a box that readers pass over, of 8 bytes."""
    return _box("free")


def _box(name: str, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), name.encode()) + body


def _full(name: str, flags: int, *content: bytes) -> bytes:
    """Give a box of version 0 with flags."""
    return _box(name, _u32(flags), *content)


def _u32(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)
