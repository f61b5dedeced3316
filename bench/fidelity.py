"""How true the picture of a film is that a reader has: its peak signal-to-noise ratio (PSNR).

The barcode tells which frame is shown, and a frame can be made again.  So each
picture that a reader had in front of it, decoded as it would be, is compared with
the frame that was drawn, pixel by pixel, where the film is.
"""

import math
import statistics
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from barcode import BLOCK
from picture import Pixels, film_frame
from screens import screen
from wires import Walk, Wire

Rgb = NDArray[np.uint8]
"""(height, width, 3) bytes R, G, B."""

_LUMA = np.array((0.299, 0.587, 0.114), np.float32)
_MOST = 99.0
"""dB, of what has no error."""


class Shown(NamedTuple):
    """A picture that a reader had in front of it."""

    at: int
    """Where in the stream it was complete."""
    number: int
    """What the barcode in it says."""
    picture: Rgb


def shown(data: bytearray, wire: Wire, top: int) -> Iterator[Shown]:
    """Give the picture of each frame or update that has a barcode, each valid until the next."""
    screened = screen(wire, top)
    number, end, frame = None, 0, None
    for piece in Walk(wire).on(data):
        part = piece.part
        # A frame in pieces is complete when the first of another one comes.
        if number is not None and (frame is None or part.frame not in (None, frame)):
            yield Shown(end, number, screened.picture)
            number = None
        found = screened.take(bytes(data[piece.start - part.head : piece.end]), part)
        number = number if found is None else found
        end, frame = piece.end, frame if part.frame is None else part.frame


def decibels(picture: Rgb, wanted: Pixels) -> tuple[float, float]:
    """Give the PSNR of the colours (R, G, B), and of brightness alone."""
    error = picture.astype(np.float32) - wanted[..., 2::-1]
    return _ratio(error), _ratio(error @ _LUMA)


def _ratio(error: NDArray[np.floating[Any]]) -> float:
    mean = float(np.square(error).mean())
    return min(_MOST, 10 * math.log10(255**2 / mean)) if mean else _MOST


def fidelity(
    data: bytearray, wire: Wire, top: int, begin: int, film: list[Pixels]
) -> dict[str, float]:
    """Give the medians over what was shown after place ``begin`` of a stream.

    The film is in the lower right corner; rows with the barcode, at ``top``, do not count.
    """
    height, width = film[0].shape[:2]
    found = []
    for one in shown(data, wire, top):
        if one.at > begin:
            rows = np.arange(-height, 0) + len(one.picture)
            kept = (rows < top) | (rows >= top + BLOCK)
            part, wanted = one.picture[-height:, -width:], film_frame(film, one.number - 1)
            found.append(decibels(part[kept], wanted[kept]))
    if not found:
        raise RuntimeError("no barcode was shown")
    colours, brightness = (statistics.median(values) for values in zip(*found, strict=True))
    return {"colours": round(colours, 2), "brightness": round(brightness, 2)}
