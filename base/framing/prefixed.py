"""Pictures on a TCP connection, each behind its length.  Pure.

4 bytes  "WCP1"
4        length of the picture, big-endian
8        when it was captured, nanoseconds since 1970, big-endian
         the JPEG
"""

import struct

from webcapd.base.framing.picture import MAX_BYTES, Stamped, check_bytes

_MAGIC = b"WCP1"
_HEADER = struct.Struct(">4sIQ")


def prefixed(picture: Stamped) -> bytes:
    """Give what is sent of a picture."""
    return _HEADER.pack(_MAGIC, len(picture.data), picture.captured) + picture.data


class PrefixedReader:
    """Cuts what comes on a connection into pictures; holds one and what was fed last."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max = max_bytes
        self._data = bytearray()

    @property
    def is_within(self) -> bool:
        """Whether a picture has begun that is not whole."""
        return bool(self._data)

    def feed(self, data: bytes) -> list[Stamped]:
        """Take what has come; gives the pictures that are whole by now.

        Raises ValueError with a sentence, TooLarge among them: then nothing more can be read.
        """
        self._data += data
        position, found = 0, []
        while (picture := self._at(position)) is not None:
            found.append(picture)
            position += _HEADER.size + len(picture.data)
        del self._data[:position]
        return found

    def _at(self, position: int) -> Stamped | None:
        begun = bytes(self._data[position : position + len(_MAGIC)])
        if not _MAGIC.startswith(begun):
            raise ValueError("it does not begin with WCP1, as each picture does here")
        if len(self._data) - position < _HEADER.size:
            return None
        _, length, captured = _HEADER.unpack_from(self._data, position)
        check_bytes(length, self._max)
        start = position + _HEADER.size
        if len(self._data) < start + length:
            return None
        return Stamped(captured, bytes(self._data[start : start + length]))
