"""The records of the update stream, version 1: values to bytes.  docs/updates.md says it all.

A record is its type (one letter), the length of what follows (three bytes), and
that.  Numbers are unsigned and big-endian unless said otherwise.
"""

import json
import struct
from collections.abc import Iterator, Mapping

from webcapd.capture.geometry import Rectangle

VERSION = 1
MAGIC = b"WCU1"
MAX_PAYLOAD = 0xFFFFFF
MAX_SCAN = MAX_PAYLOAD - struct.calcsize(">4HBH")
"""Bytes of a JPEG rectangle's scan."""
PARTIAL = 1
"""Flag of a mark: more of the same state follows."""
GREY, DEFLATED = 0x40, 0x80
"""Flags of palettes and of raw pixels."""
KEY = 1
"""Flag of a frame of a video: it needs no other."""


def record(kind: bytes, *parts: bytes) -> bytes:
    """Frame a payload; raises ValueError if it is too long."""
    length = sum(map(len, parts))
    if length > MAX_PAYLOAD:
        raise ValueError(f"a record of {length} bytes is too long")
    return b"".join((kind, length.to_bytes(3, "big"), *parts))


def hello(facts: Mapping[str, object]) -> bytes:
    """Begin a response: run, form, server, name, display, keepalive, after."""
    return record(b"W", MAGIC, _json({"version": VERSION, **facts}))


def geometry(width: int, height: int) -> bytes:
    """Begin a picture anew: what the reader has is void."""
    return record(b"G", struct.pack(">HH", width, height))


def state(live: bool, reason: str | None = None, since: float | None = None) -> bytes:
    """Say whether there is a display, and if not, why and since when."""
    facts = {"state": "live" if live else "lost", "reason": reason, "since": since}
    return record(b"S", _json(facts))


def jpeg_header(number: int, size_at: int, interval_at: int, header: bytes) -> bytes:
    """Send once what JPEG rectangles of one quality have in common."""
    return record(b"Q", struct.pack(">BHH", number, size_at, interval_at), header)


def jpeg(rect: Rectangle, header: int, interval: int, scan: bytes) -> bytes:
    """Send a rectangle as the scan of a JPEG that has header number ``header``."""
    return record(b"J", struct.pack(">4HBH", *rect, header, interval), scan)


def fill(rect: Rectangle, rgb: bytes) -> bytes:
    """Send a rectangle of one colour."""
    return record(b"F", struct.pack(">4H3s", *rect, rgb))


def palette(rect: Rectangle, flags: int, count: int, data: bytes) -> bytes:
    """Send a rectangle of up to 256 colours: planes of colours, then indices, perhaps deflated.

    The lower bits of the flags say how many bits an index has.
    """
    return record(b"L", struct.pack(">4HBB", *rect, flags, count - 1), data)


def raw(rect: Rectangle, flags: int, data: bytes) -> bytes:
    """Send a rectangle as its pixels, grey or R, G, B, perhaps deflated."""
    return record(b"R", struct.pack(">4HB", *rect, flags), data)


def png(rect: Rectangle, data: bytes) -> bytes:
    """Send a rectangle as a PNG."""
    return record(b"N", struct.pack(">4H", *rect), data)


def copy(rect: Rectangle, x: int, y: int) -> bytes:
    """Have a rectangle be what stood at x, y at the last mark."""
    return record(b"C", struct.pack(">6H", *rect, x, y))


def video(number: int, rect: Rectangle, segment: bytes) -> bytes:
    """Have a rectangle show a video from now on; the segment is its initialization segment."""
    return record(b"V", struct.pack(">B4H", number, *rect), segment)


def video_frame(number: int, is_key: bool, segment: bytes) -> bytes:
    """Send a frame of a video: a media segment of one sample."""
    return record(b"H", struct.pack(">BB", number, KEY if is_key else 0), segment)


def video_end(number: int) -> bytes:
    """End a video: what it showed last stays."""
    return record(b"T", struct.pack(">B", number))


def mark(sequence: int, captured: float, partial: bool = False) -> bytes:
    """End an update: the picture is as it was at ``captured``, in seconds of Unix time."""
    flags = PARTIAL if partial else 0
    return record(b"E", struct.pack(">IBQ", sequence, flags, round(captured * 1e6)))


def group(size: int, name: bytes) -> bytes:
    """Have the records of a group stand here, which has so many bytes."""
    return record(b"U", struct.pack(">I16s", size, name))


def part(number: int, is_step: bool = False) -> bytes:
    """Begin what changed last in a state, or a step that leads on from it."""
    return record(b"A", struct.pack(">BI", is_step, number))


def split(data: bytes) -> Iterator[bytes]:
    """Cut records apart that were joined."""
    at = 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at + 1 : at + 4], "big")
        yield data[at:end]
        at = end


def place_of(one: bytes) -> Rectangle:
    """Give the place of a record that has one: C, F, J, L, N or R."""
    return Rectangle(*struct.unpack_from(">4H", one, 4))


def header_of(one: bytes) -> int | None:
    """Give the number of the header that a rectangle needs, None if it needs none."""
    return one[12] if one[:1] == b"J" else None


def pointer_image(number: int, hot_spot: tuple[int, int], data: bytes) -> bytes:
    """Send the pointer's image, a PNG with alpha."""
    return record(b"I", struct.pack(">BHH", number, *hot_spot), data)


def pointer(number: int, x: int, y: int) -> bytes:
    """Put the pointer's hot spot somewhere; number 0 hides it."""
    return record(b"P", struct.pack(">Bii", number, x, y))


def keepalive(now: float) -> bytes:
    """Say that all is well, at ``now`` in seconds of Unix time."""
    return record(b"k", struct.pack(">Q", round(now * 1e6)))


def end(reason: str) -> bytes:
    """Say why nothing follows."""
    return record(b"X", _json({"reason": reason}))


def _json(facts: Mapping[str, object]) -> bytes:
    return json.dumps(facts, separators=(",", ":"), ensure_ascii=False).encode()
