"""Reads a picture from a file that somebody else may be writing."""

import io
import logging
import os
import stat
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from webcapd.capture.feeds.feed import FeedPicture
from webcapd.capture.feeds.pixels import picture_of, size_obstacle
from webcapd.capture.feeds.received.jpeg import DamagedJpeg, jpeg_picture
from webcapd.capture.overlay import Pixels

log = logging.getLogger(__name__)

# What can be decoded without running another program.
_FORMATS = ("JPEG", "PNG", "PPM", "BMP", "GIF", "WEBP")
SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".pnm", ".bmp", ".gif", ".webp"))

# The EXIF tag that tells how the camera was held; 1 for upright.
_ORIENTATION = 0x0112

_MAX_BYTES = 256 * 1024 * 1024

# What is wrong is said by ourselves, and neither printed nor logged.
logging.getLogger("PIL").setLevel(logging.WARNING)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL[.]")
warnings.simplefilter("error", Image.DecompressionBombWarning)


class FileError(Exception):
    """There is no picture to be had from a file; what is wrong, to go behind its name."""


class Version(NamedTuple):
    """Differs once a file is another, or was written to."""

    device: int
    inode: int
    size: int
    changed: int
    """Nanoseconds."""


def version_of(status: os.stat_result) -> Version:
    return Version(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def read_picture(path: Path) -> tuple[Version, FeedPicture]:
    """Read a file; gives what it was, and its picture.

    Raises FileError, also if it was written to meanwhile; FileNotFoundError.
    """
    version, data = _read(path)
    captured = version.changed / 1e9
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if obstacle := size_obstacle(*image.size):
                raise FileError(f"has {obstacle}")
            if image.format == "JPEG" and image.getexif().get(_ORIENTATION, 1) == 1:
                try:
                    return version, jpeg_picture(data, captured)
                except DamagedJpeg:
                    # Pillow would show what there is of it.
                    raise
                except ValueError:
                    log.debug("%s is a JPEG of a kind that Pillow has to decode", path)
            pixels = _pixels(ImageOps.exif_transpose(image))
            return version, picture_of(pixels, captured=captured)
    except UnidentifiedImageError:
        raise FileError("is no picture that can be read") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise FileError("has too many pixels") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError) as error:
        # Whatever Pillow's decoders say of what they cannot make sense of.
        raise FileError(f"is not a whole picture: {error}") from None


def _read(path: Path) -> tuple[Version, bytes]:
    try:
        # A pipe would have us wait for its other end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror}") from None
    with open(descriptor, "rb") as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise FileError("is no file")
        if before.st_size > _MAX_BYTES:
            raise FileError(f"has more than {_MAX_BYTES >> 20} MiB")
        try:
            data = file.read(_MAX_BYTES)
        except OSError as error:
            raise FileError(f"cannot be read: {error.strerror}") from None
        version = version_of(os.fstat(descriptor))
    if version != version_of(before):
        raise FileError("is being written")
    return version, data


def _pixels(image: Image.Image) -> Pixels:
    """Decode; what shines through is black."""
    if image.mode.startswith("I"):
        # Gray of 16 bits, which Pillow would cut off at 255.
        image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        whole = image.convert("RGBA")
        image = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image.alpha_composite(whole)
    rgbx = np.asarray(image.convert("RGBX"))
    return np.ascontiguousarray(rgbx[:, :, (2, 1, 0, 3)])
