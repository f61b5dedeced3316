"""Pictures in datagrams of 1400 bytes at most.  Pure.

    4 bytes  "WCU1"                     all numbers are big-endian
    4        run: another number each time the sender starts
    4        frame: counts up, modulo 2^32
    2        index of this datagram within the frame, from 0
    2        count of the frame's datagrams
    4        total: bytes of the JPEG
    8        when it was captured, nanoseconds since 1970
             a part of the JPEG: ceil(total / count) bytes, the last one what is left
   16        with a key: BLAKE2b over all before it, keyed with the SHA-256 of the token

What is lost is not sent again: a frame that lacks a part is never shown, and the next one is
another picture anyway.
"""

import hashlib
import hmac
import struct
from collections.abc import Iterator, Sequence

from webcapd.base.framing.picture import MAX_BYTES, Stamped

_MAGIC = b"WCU1"
_HEADER = struct.Struct(">4sIIHHIQ")
_TAG_BYTES = 16
_MAX_DATAGRAM = 1400
_PART_BYTES = _MAX_DATAGRAM - _HEADER.size - _TAG_BYTES

# A frame that is not whole by then has lost a part.
_PATIENCE_SECONDS = 0.2
# The one that is coming in, and the next, whose parts may overtake.
_MAX_FRAMES = 2
# Another sender is not listened to while there is one.
SILENCE_SECONDS = 2.0


def datagrams(picture: Stamped, run: int, frame: int, key: bytes = b"") -> Iterator[bytes]:
    """Give the datagrams of a picture; with a ``key`` they are signed."""
    total = len(picture.data)
    count = max(1, -(-total // _PART_BYTES))
    size = _part_bytes(total, count)
    for index in range(count):
        header = _HEADER.pack(_MAGIC, run, frame, index, count, total, picture.captured)
        signed = header + picture.data[index * size : (index + 1) * size]
        yield signed + (_tag(signed, key) if key else b"")


def _part_bytes(total: int, count: int) -> int:
    """Give how many bytes each part has but the last."""
    return -(-total // count)


def _tag(signed: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(signed, digest_size=_TAG_BYTES, key=key).digest()


def _is_newer(one: int, other: int) -> bool:
    """Whether a frame number comes behind another (RFC 1982, serial number arithmetic)."""
    return 0 < (one - other) & 0xFFFFFFFF < 1 << 31


class _Frame:
    """A frame of which some parts are there."""

    def __init__(self, told: tuple[int, int, int], now: float) -> None:
        self.told = told
        """Count, total, time: the same in all its datagrams."""
        self.since = now
        self.parts: dict[int, bytes] = {}

    def is_whole(self) -> bool:
        return len(self.parts) == self.told[0]

    def picture(self) -> Stamped:
        data = b"".join(self.parts[index] for index in range(self.told[0]))
        return Stamped(self.told[2], data)


class DatagramReader:
    """Puts frames together from datagrams, in whatever order they come.

    It holds two frames at most.  Of a run each frame is newer than the one before.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max = max_bytes
        self._run: int | None = None
        self._newest: int | None = None
        """Number of the last frame that was whole, of this run."""
        self._heard = 0.0
        """When that was."""
        self._newest_time = -1
        """When that was captured, by the sender's clock."""
        self._frames: dict[int, _Frame] = {}
        self.refused = 0
        """Datagrams that were none, had a wrong signature, or came too late."""

    def feed(self, datagram: bytes, now: float, keys: Sequence[bytes] = ()) -> Stamped | None:
        """Take a datagram that came at ``now`` (seconds); gives a picture that it completes.

        With ``keys`` it has to be signed with one of them.
        """
        signed = _checked(datagram, keys)
        picture = None
        if signed is None or not self._take(signed, now, bool(keys)):
            self.refused += 1
        else:
            picture = self._whole(now)
        return picture

    def _take(self, signed: bytes, now: float, is_signed: bool) -> bool:
        """Put a part where it belongs; tells whether it belongs anywhere."""
        magic, run, number, index, count, total, time = _HEADER.unpack_from(signed)
        part = signed[_HEADER.size :]
        if magic != _MAGIC or not (index < count <= total <= self._max):
            return False
        size = _part_bytes(total, count)
        if len(part) != min(size, total - index * size):
            return False
        if not self._is_of_run(run, time, now, is_signed):
            return False
        frame = self._frame(number, (count, total, time), now)
        if frame is None or index in frame.parts:
            return False
        frame.parts[index] = part
        return True

    def _is_of_run(self, run: int, time: int, now: float, is_signed: bool) -> bool:
        """Whether a run is the one that is shown, or takes its place."""
        if run == self._run:
            return True
        if self._run is not None and now - self._heard < SILENCE_SECONDS:
            return False
        # A signed run that was recorded is not to be shown again.
        if is_signed and time <= self._newest_time:
            return False
        self._run, self._newest, self._frames, self._heard = run, None, {}, now
        return True

    def _frame(self, number: int, told: tuple[int, int, int], now: float) -> _Frame | None:
        """Give the frame of a number, None if it is too late for it or it is told otherwise."""
        if self._newest is not None and not _is_newer(number, self._newest):
            return None
        for late in [n for n, f in self._frames.items() if now - f.since > _PATIENCE_SECONDS]:
            del self._frames[late]
        frame = self._frames.get(number)
        if frame is not None:
            return frame if frame.told == told else None
        if len(self._frames) >= _MAX_FRAMES:
            first, second = self._frames
            oldest = first if _is_newer(second, first) else second
            if not _is_newer(number, oldest):
                return None
            del self._frames[oldest]
        frame = self._frames[number] = _Frame(told, now)
        return frame

    def _whole(self, now: float) -> Stamped | None:
        """Take out the frame that has become whole, and forget those before it."""
        number = next((n for n, frame in self._frames.items() if frame.is_whole()), None)
        if number is None:
            return None
        picture = self._frames[number].picture()
        self._newest, self._heard = number, now
        self._newest_time = max(self._newest_time, picture.captured)
        self._frames = {n: f for n, f in self._frames.items() if _is_newer(n, number)}
        return picture


def _checked(datagram: bytes, keys: Sequence[bytes]) -> bytes | None:
    """Give what is signed; None if the signature is wrong, or it is too short or too long."""
    signed = datagram
    if keys:
        signed, tag = datagram[:-_TAG_BYTES], datagram[-_TAG_BYTES:]
        if not any(hmac.compare_digest(tag, _tag(signed, key)) for key in keys):
            return None
    if not _HEADER.size < len(signed) <= _MAX_DATAGRAM:
        return None
    return signed
