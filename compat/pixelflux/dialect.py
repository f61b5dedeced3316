"""In what 1.x and 2.x differ: headers, numbers, what a callback is given.  Pure.

Facts: the table of headers in the code of 1.2.2, and the bytes that 2.2.1 gives (both for JPEG
and H.264).  All numbers in headers are big-endian, frame ids modulo 65536.
"""

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from webcapd.compat.pixelflux.results import StripeEncodeResult, StripeFrame
from webcapd.encoder.stripes.stripe import Stripe, StripedFrame

Give = Callable[[Stripe, StripedFrame, bool], None]
"""Gives a stripe of a frame to somebody; the last says whether without a header."""

_IDS = 0xFFFF

# What a header of H.264 begins with; one of JPEG does with 3.
_VIDEO, _STILL = 4, 3


class Dialect(NamedTuple):
    """One of the two APIs."""

    name: str
    restarts: bool
    """Whether starting a running capture starts it anew; else it is an error."""
    trigger_fps: float
    """The rate at which paint_over_trigger_frames count; 0 for that of the capture."""
    subsampling: str
    """Of JPEG."""
    give: Give


def first(callback: Callable[[Any, Any], object], user_data: object, restarts: bool) -> Dialect:
    """Give the API of 1.x, for ``callback(result, user_data)``."""

    def give(stripe: Stripe, frame: StripedFrame, bare: bool) -> None:
        data = stripe.data if bare else first_header(stripe, frame.number) + stripe.data
        kind = 2 if stripe.is_video else 1
        top, height = stripe.rows
        callback(StripeEncodeResult(data, kind, top, height, frame.number & _IDS), user_data)

    return Dialect("1.x", restarts, 0.0, "420", give)


def second(callback: Callable[[Any], object]) -> Dialect:
    """Give the API of 2.x, for ``callback(frame)``."""

    def give(stripe: Stripe, frame: StripedFrame, bare: bool) -> None:
        data = stripe.data if bare else second_header(stripe, frame.number) + stripe.data
        reference = stripe.reference if stripe.is_key else stripe.reference & _IDS
        times = (frame.captured, frame.begun, frame.ended)
        given = StripeFrame(
            data,
            int(stripe.is_video),
            *stripe.rows,
            frame.number & _IDS,
            reference if stripe.is_video else -2,
            times,
        )
        callback(given)

    return Dialect("2.x", True, 60.0, "444", give)


def first_header(stripe: Stripe, number: int) -> bytes:
    """Give the header that 1.x puts before a stripe of frame ``number``."""
    (top, height), number = stripe.rows, number & _IDS
    if not stripe.is_video:
        return struct.pack(">HH", number, top)
    key = int(stripe.is_key)
    return struct.pack(">BBHHHH", _VIDEO, key, number, top, stripe.width, height)


def second_header(stripe: Stripe, number: int) -> bytes:
    """Give the header that 2.2 puts before a stripe of frame ``number``."""
    (top, height), number = stripe.rows, number & _IDS
    if not stripe.is_video:
        return struct.pack(">BBHH", _STILL, 0, number, top)
    # The codec's number, and whether it is a key, which builds on itself.
    kind = 1 << 4 | stripe.is_key
    reference = number if stripe.is_key else stripe.reference & _IDS
    return struct.pack(">BBHHHHH", _VIDEO, kind, number, top, stripe.width, height, reference)
