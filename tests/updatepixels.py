"""The pixels of rectangles in update streams: what the reference reader decodes.

Nothing allocates more than the rectangle, whose size has been checked, asks for.
"""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

PNG_CHUNKS = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}


class UpdateError(Exception):
    """These bytes are no stream of updates; the text is one sentence."""


def need(condition: object, sentence: str) -> None:
    if not condition:
        raise UpdateError(sentence)


def decode(kind: str, rest: bytes, headers: Any, width: int, height: int, *more: Any) -> Any:
    """Give the pixels of a record J, F, L, R or N, or the colour of all."""
    if kind == "F":
        return np.frombuffer(more[0], np.uint8)
    if kind == "J":
        return jpeg(headers[more[0]], more[1], rest, (width, height))
    if kind == "R":
        return raw(rest, more[0], width, height)
    if kind == "L":
        return palette(rest, more[0], more[1] + 1, width, height)
    pixels = png(rest, "L P RGB", width, height)
    need(pixels.shape[:2] == (height, width), "a PNG is of another size")
    return pixels


def plain(data: bytes, flags: int, size: int) -> Any:
    """Give so many bytes, inflated if they are deflated."""
    need(not flags & 0x30, "a flag is unknown")
    if flags & 0x80:
        inflater = zlib.decompressobj(-15)
        try:
            data = inflater.decompress(data, size + 1)
        except zlib.error as error:
            raise UpdateError(f"data cannot be inflated: {error}") from error
        need(inflater.eof and not inflater.unused_data, "deflated data do not end with the record")
    need(len(data) == size, "data are too long or too short")
    return np.frombuffer(data, np.uint8)


def png(data: bytes, modes: str, width: int, height: int) -> Any:
    """Read a PNG of at most this size."""
    need(
        len(data) > 28 and data[24] == 8 and not data[28], "a PNG has not 8 bits, or is interlaced"
    )
    at, chunks = 8, set[bytes]()
    while at + 12 <= len(data):
        chunks.add(data[at + 4 : at + 8])
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    need(at == len(data) and chunks <= PNG_CHUNKS, "a PNG has more than its pixels")
    wide, high = struct.unpack(">II", data[16:24])
    need(wide <= width and high <= height, "a PNG is too large")
    return image(data, "PNG", modes, (wide, high))


def image(data: bytes, kind: str, modes: str, size: tuple[int, int]) -> Any:
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as found:
            need(found.size == size and found.mode in modes.split(), f"a {kind} is of another form")
            return np.asarray(found if found.mode == "RGBA" else found.convert("RGB"))
    except UpdateError:
        raise
    except Exception as error:
        raise UpdateError(f"a {kind} cannot be read: {error}") from error


def jpeg(header: tuple[int, int, bytes], interval: int, scan: bytes, size: tuple[int, int]) -> Any:
    """Put a rectangle's numbers into a header, and read the picture."""
    size_at, interval_at, head = header[0], header[1], bytearray(header[2])
    need(size_at + 4 <= len(head) and interval_at + 2 <= len(head), "a JPEG header is too short")
    struct.pack_into(">HH", head, size_at, *size[::-1])
    struct.pack_into(">H", head, interval_at, interval)
    return image(bytes(head) + scan + b"\xff\xd9", "JPEG", "L RGB", size)


def raw(data: bytes, flags: int, width: int, height: int) -> Any:
    """Read pixels without a palette."""
    planes = 1 if flags & 0x40 else 3
    need(not flags & 15, "a flag is unknown")
    return plain(data, flags, width * height * planes).reshape(height, width, planes)


def palette(data: bytes, flags: int, count: int, width: int, height: int) -> Any:
    """Read colours, and indices of so many bits."""
    planes, bits = 1 if flags & 0x40 else 3, flags & 15
    need(0 < bits <= 8, "an index has 1 to 8 bits")
    row, begin = (width * bits + 7) // 8, planes * count
    body = plain(data, flags, begin + row * height)
    colours = np.cumsum(body[:begin].reshape(planes, count), axis=1, dtype=np.uint8).T
    apart = np.unpackbits(body[begin:].reshape(height, row), axis=1)[:, : width * bits]
    indices = np.packbits(apart.reshape(height, width, bits), axis=2)[..., 0] >> (8 - bits)
    need(indices.max() < count, "an index has no colour")
    return colours[indices]
