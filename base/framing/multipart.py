"""Pictures out of a body: one JPEG, or multipart (RFC 2046, 5.1.1) as cameras send it.  Pure.

Senders differ: ffmpeg gives no Content-Type and no lengths, others a boundary with or without
its dashes.  So the body's own first line says what divides it; a part without
Content-Length ends where that line comes again.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from webcapd.base.framing.picture import MAX_BYTES, TooLarge, check_bytes

# Of the first line; RFC 2046 allows 70 characters.
_MAX_BOUNDARY = 200
# Of a part's header lines together.
_MAX_HEAD = 8 * 1024
# Before the first line, and before each that divides.
_MAX_BLANK = 16

_TYPES = ("", "image/jpeg", "image/jpg", "image/pjpeg", "application/octet-stream")


class Part(NamedTuple):
    """A picture, and the header lines before it."""

    headers: Mapping[str, str]
    """By name in lower case."""
    data: bytes


class MultipartReader:
    """Cuts a body into pictures as its bytes come.

    It holds no more than one picture and what was fed last.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        """``max_bytes`` bounds one picture."""
        self._max = max_bytes
        self._data = bytearray()
        self._searched = 0
        """Up to where what is looked for is not in _data."""
        self._boundary = b""
        self._headers: dict[str, str] = {}
        self._head_bytes = 0
        self._length = 0
        self._step: Callable[[], bool] = self._begin
        self._parts: list[Part] = []
        self.is_multipart = False
        """Whether more pictures may follow the first; known once some bytes were fed."""

    def feed(self, data: bytes) -> list[Part]:
        """Take more of the body; gives the pictures that are whole by now.

        Raises ValueError with a sentence, TooLarge among them: then nothing more can be read.
        """
        self._data += data
        while self._step():
            pass
        return self._taken()

    def end(self) -> list[Part]:
        """Give the picture that only the body's end completes; raises ValueError as feed() does."""
        if self._step == self._until_boundary and self._data:
            self._complete(bytes(self._data).removesuffix(b"\n").removesuffix(b"\r"))
        elif self._step == self._whole:
            self._complete(bytes(self._data))
        elif self._step == self._begin:
            raise ValueError("there is no picture in it")
        elif self._step in (self._headline, self._counted) and (self._data or self._headers):
            raise ValueError("it ends within a picture")
        self._step = self._after_end
        return self._taken()

    def _taken(self) -> list[Part]:
        taken, self._parts = self._parts, []
        return taken

    # Each step returns whether there may be another one in what has come.

    def _begin(self) -> bool:
        """Find out what it is."""
        self._skip_blank()
        if len(self._data) < 2:
            return False
        if self._data.startswith(b"\xff\xd8"):
            self._step = self._whole
        elif self._data.startswith(b"--"):
            self._step, self.is_multipart = self._first_line, True
        else:
            raise ValueError("it begins neither as a JPEG nor as multipart does")
        self._head_bytes = 0
        return True

    def _whole(self) -> bool:
        """Wait for the end of a single picture."""
        if len(self._data) > self._max:
            raise TooLarge(
                f"the picture has more than {self._max} bytes; many are to be sent as multipart "
                "(ffmpeg: -f mpjpeg)"
            )
        return False

    def _first_line(self) -> bool:
        line = self._line(_MAX_BOUNDARY)
        if line is None:
            return False
        if len(line) < 3 or not line.isascii() or not line.decode("ascii").isprintable():
            raise ValueError("its first line is no boundary of multipart")
        self._boundary = line
        return self._begin_part()

    def _begin_part(self) -> bool:
        self._headers, self._head_bytes, self._searched = {}, 0, 0
        self._step = self._headline
        return True

    def _headline(self) -> bool:
        """Read a header line, or the blank one behind them."""
        line = self._line(_MAX_HEAD)
        if line is None:
            return False
        if line:
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon:
                raise ValueError("a part of it has a header line without a colon")
            self._headers[name.strip().lower()] = value.strip()
            return True
        kind = self._headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _TYPES:
            raise ValueError("a part of it is no image/jpeg")
        self._searched = 0
        if "content-length" not in self._headers:
            self._step = self._until_boundary
            return True
        self._length = _length_of(self._headers["content-length"])
        check_bytes(self._length, self._max)
        self._step = self._counted
        return True

    def _counted(self) -> bool:
        """Wait for as many bytes as were promised."""
        if len(self._data) < self._length:
            return False
        self._complete(bytes(self._data[: self._length]))
        del self._data[: self._length]
        self._head_bytes, self._step = 0, self._dividing
        return True

    def _dividing(self) -> bool:
        """Read the line between two parts."""
        self._skip_blank()
        begun = self._data[: len(self._boundary)]
        if len(self._data) < len(self._boundary) + 2 and self._boundary.startswith(begun):
            return False
        if not self._data.startswith(self._boundary):
            raise ValueError("a part of it is longer than its Content-Length")
        return self._begin_next(len(self._boundary))

    def _until_boundary(self) -> bool:
        """Wait for the line that ends a part of unknown length."""
        delimiter = b"\n" + self._boundary
        found = self._data.find(delimiter, self._searched)
        if found < 0:
            check_bytes(len(self._data) - len(delimiter) - 2, self._max)
            self._searched = max(0, len(self._data) - len(delimiter) + 1)
            return False
        check_bytes(found, self._max)
        self._searched = found
        if len(self._data) < found + len(delimiter) + 2:
            return False
        self._complete(bytes(self._data[:found].removesuffix(b"\r")))
        return self._begin_next(found + len(delimiter))

    def _begin_next(self, position: int) -> bool:
        """Go on behind a boundary, two more bytes of which have come."""
        last = self._data[position : position + 2] == b"--"
        del self._data[:position]
        self._head_bytes, self._searched = 0, 0
        self._step = self._after_end if last else self._rest_of_line
        return True

    def _rest_of_line(self) -> bool:
        """Read what stands behind a boundary on its line: nothing but blanks."""
        line = self._line(_MAX_BOUNDARY)
        if line is None:
            return False
        if line.strip():
            raise ValueError("a boundary of it has something behind it")
        return self._begin_part()

    def _after_end(self) -> bool:
        """Overlook what comes behind the last part."""
        self._data.clear()
        return False

    def _line(self, most: int) -> bytes | None:
        """Take the next line, without its end; None while it has none."""
        end = self._data.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._data)
            self._check_head(self._head_bytes + len(self._data), most)
            return None
        self._count_head(end + 1, most)
        line = bytes(self._data[:end]).removesuffix(b"\r")
        del self._data[: end + 1]
        self._searched = 0
        return line

    def _skip_blank(self) -> None:
        """Skip ends of lines."""
        while self._data.startswith((b"\r", b"\n")):
            del self._data[0]
            self._count_head(1, _MAX_BLANK)

    def _count_head(self, size: int, most: int) -> None:
        self._head_bytes += size
        self._check_head(self._head_bytes, most)

    def _check_head(self, size: int, most: int) -> None:
        if size > most:
            raise ValueError("a header of its parts is too long")

    def _complete(self, data: bytes) -> None:
        # Some fill the time with empty parts.
        if data:
            self._parts.append(Part(self._headers, data))
        self._headers = {}


def _length_of(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ValueError("a part of it has a Content-Length that is no number")
    return int(text)
