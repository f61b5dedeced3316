"""How stripecapture.py writes what it is given, and how a test reads that."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

_HEAD = struct.Struct("<IiiiIiqqq")


class Stripe(Protocol):
    """A StripeFrame, real or ours, but for its buffer."""

    data_type: int
    stripe_y_start: int
    stripe_height: int
    frame_id: int
    reference_frame_id: int
    capture_ns: int
    encode_start_ns: int
    encode_end_ns: int


class Given(NamedTuple):
    """A stripe that a program of 2.x was given."""

    data: bytes
    data_type: int
    top: int
    height: int
    frame_id: int
    reference: int
    captured: int
    begun: int
    ended: int


def written(frame: Stripe, data: memoryview) -> bytes:
    """Give the record of a stripe and its bytes."""
    place = (frame.data_type, frame.stripe_y_start, frame.stripe_height, frame.frame_id)
    times = (frame.capture_ns, frame.encode_start_ns, frame.encode_end_ns)
    return _HEAD.pack(len(data), *place, frame.reference_frame_id, *times) + data


def given_in(path: Path) -> list[Given]:
    """Read what a program has written so far."""
    return list(_given(path.read_bytes())) if path.exists() else []


def _given(data: bytes) -> Iterator[Given]:
    begin = 0
    while begin + _HEAD.size <= len(data):
        size, kind, top, height, number, reference, *times = _HEAD.unpack_from(data, begin)
        begin += _HEAD.size + size
        if begin <= len(data):
            stripe = data[begin - size : begin]
            captured, begun, ended = times
            yield Given(stripe, kind, top, height, number, reference, captured, begun, ended)
