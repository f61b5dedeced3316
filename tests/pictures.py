"""Pictures that somebody sends, good ones and bad ones."""

import struct

import cv2
import mjpeg
import numpy as np
from xserver import Pixels

BOUNDARY = b"--sent"


def noise(width: int = 64, height: int = 48, seed: int = 1) -> Pixels:
    """Give pixels that no other seed has."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def jpeg(width: int = 64, height: int = 48, seed: int = 1) -> bytes:
    """Encode a baseline JPEG, as cameras do."""
    return mjpeg.encode(noise(width, height, seed))


def with_size(picture: bytes, width: int, height: int) -> bytes:
    """Have a baseline JPEG claim another size."""
    at = picture.index(b"\xff\xc0") + 5
    return picture[:at] + struct.pack(">HH", height, width) + picture[at + 4 :]


def progressive(width: int = 64, height: int = 48) -> bytes:
    done, coded = cv2.imencode(".jpg", noise(width, height), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    assert done
    return coded.tobytes()


def part(picture: bytes, length: bool = True) -> bytes:
    """Give a part of multipart, and the boundary behind it."""
    counted = b"Content-Length: %d\r\n" % len(picture) if length else b""
    return b"Content-Type: image/jpeg\r\n%b\r\n%b\r\n%b\r\n" % (counted, picture, BOUNDARY)


# By what is wrong with them; a word of the sentence that says so.
BAD = {
    "truncated": (jpeg()[:-500], "damaged"),
    "without a picture": (b"\xff\xd8\xff\xd9", "ends before"),
    "one MCU that claims 100 megapixels": (with_size(jpeg(8, 8), 10000, 10000), "10000x10000"),
    "100 megapixels that claim to be one": (with_size(jpeg(1024, 1024), 1, 1), "damaged"),
    "as large as JPEG can tell": (with_size(jpeg(8, 8), 65535, 65535), "65535x65535"),
    "no size": (with_size(jpeg(), 0, 0), "0x0"),
}
