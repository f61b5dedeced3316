"""The stream in tests/updates-1.bin, which future versions must still read.

It has each record of version 1.  Made once, by ``python tests/updaterecording.py``;
a new version adds a recording and leaves this one alone.
"""

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from webcapd.capture.geometry import Rectangle
from webcapd.encoder.updates import records
from webcapd.encoder.updates.encode import encode
from webcapd.encoder.updates.jpegpack import join_scan, shared_header
from webcapd.encoder.updates.pixels import Pixels

RECORDING = Path(__file__).with_name("updates-1.bin")
SHOWN = Path(__file__).with_name("updates-1.png")
"""What a reader shows in the end; where JPEG was, within a few levels."""
WIDTH, HEIGHT = 96, 64


def png(pixels: Pixels) -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    return written.getvalue()


def jpeg_records(rect: Rectangle) -> bytes:
    """Give the header, and a rectangle of 2 x 2 tiles, each of one MCU."""
    across, down = np.arange(rect.width), np.arange(rect.height)[:, None]
    ramp = np.stack((across * 4 + down * 0, across * 0 + down * 6, across + down), 2)
    parameters = [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_RST_INTERVAL, 1]
    tiles = []
    for y in range(0, rect.height, 16):
        for x in range(0, rect.width, 16):
            _, coded = cv2.imencode(
                ".jpg", ramp[y : y + 16, x : x + 16].astype(np.uint8), parameters
            )
            head = shared_header(coded.tobytes())
            tiles.append(coded.tobytes()[len(head.data) : -2])
    header = records.jpeg_header(3, head.size_at, head.interval_at, head.data)
    return header + records.jpeg(rect, 3, 1, join_scan([tiles]))


def recording() -> bytes:
    """Make the stream."""
    generator = np.random.default_rng(1)
    letter = Rectangle(3, 5, 8, 16)
    glyph = generator.choice([10, 80, 200], (16, 8, 1)).repeat(4, 2).astype(np.uint8)
    coloured = generator.integers(0, 256, (20, 4), np.uint8)[generator.integers(0, 20, (9, 13))]
    colours = encode(Rectangle(60, 40, 13, 9), coloured)
    black = encode(letter, glyph)
    assert colours
    assert black
    pointer = generator.integers(0, 256, (12, 9, 4), np.uint8)
    small = generator.integers(0, 256, (5, 7, 3), np.uint8)
    facts = {"run": "00112233445566ff", "form": "scale=0.5", "server": "webcapd", "name": "désk",
             "display": ":0", "keepalive": 9}  # fmt: skip
    return b"".join((
        records.hello(facts),
        records.state(True),
        records.geometry(WIDTH, HEIGHT),
        records.fill(Rectangle(0, 0, WIDTH, HEIGHT), b"\x20\x40\x60"),
        jpeg_records(Rectangle(32, 16, 32, 32)),
        records.mark(7, 1_700_000_000.25, partial=True),
        black,
        records.png(Rectangle(80, 0, 7, 5), png(small)),
        records.raw(Rectangle(0, 50, 4, 2), records.GREY, bytes(range(8))),
        records.mark(7, 1_700_000_000.25),
        records.pointer_image(1, (2, 3), png(pointer)),
        records.pointer(1, -4, 50),
        records.keepalive(1_700_000_001),
        records.record(b"z", b"of another version"),
        records.copy(Rectangle(0, 24, 32, 24), 0, 0),
        colours,
        records.mark(8, 1_700_000_002),
        records.pointer(0, 0, 0),
        records.state(False, "the display is gone", 1_700_000_003.5),
        records.end("once"),
    ))  # fmt: skip


def main() -> None:
    """Write both files."""
    from updatereader import UpdateReader

    data, reader = recording(), UpdateReader()
    reader.feed(data)
    RECORDING.write_bytes(data)
    SHOWN.write_bytes(png(reader.picture))


if __name__ == "__main__":
    main()
