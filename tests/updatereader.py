"""The reference reader of update streams, written from docs/updates.md alone: order and framing."""

import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from updatepixels import UpdateError, decode, need, png

FIELDS = {"W": "4s", "G": "HH", "S": "", "Q": "BHH", "J": "4HBH", "F": "4H3s", "L": "4HBB"}
FIELDS |= {"R": "4HB", "N": "4H", "C": "6H", "E": "IBQ", "I": "BHH", "P": "Bii", "X": "", "k": "Q"}
MOST = dict.fromkeys("WSQX", 0xFFFF) | {"I": 0x7FFFF}
MOST |= {k: struct.calcsize(">" + FIELDS[k]) for k in "GFCEP"}


class UpdateReader:
    fields, most = FIELDS, MOST

    def __init__(self, on_mark: Callable[[], None] = lambda: None, most: int = 1 << 25) -> None:
        """``most`` bounds the pixels of a picture."""
        self.on_mark, self.most_pixels, self.hello = on_mark, most, dict[str, Any]()
        self._void()
        self.begin()

    def _void(self) -> None:
        self.picture, self.sequence, self.whole = np.zeros((0, 0, 3), np.uint8), -1, False
        self.state, self.pointers, self.pointer = dict[str, Any](), dict[int, Any](), (0, 0, 0)

    def begin(self) -> None:
        """Expect another response, which may continue the one before."""
        self._buffer, self._begun, self.end = bytearray(), False, dict[str, Any]()
        self._headers, self._copied, self._may_copy = dict[int, Any](), list[Any](), True

    def feed(self, data: bytes) -> None:
        """Take more of a response's body, cut anywhere; raises UpdateError."""
        self._buffer += data
        while len(self._buffer) >= 4:
            kind, length = chr(self._buffer[0]), int.from_bytes(self._buffer[1:4], "big")
            need(kind in self.fields or "a" <= kind <= "z", f"type {kind!a} is unknown")
            form, most = struct.Struct(">" + self.fields.get(kind, "")), self.most.get(kind, length)
            need(form.size <= length <= most, f"a {kind} of {length} bytes")
            need(self._begun == (kind != "W") and not self.end, f"a {kind} is out of place")
            if len(self._buffer) < 4 + length:
                break
            payload = bytes(self._buffer[4 : 4 + length])
            del self._buffer[: 4 + length]
            try:
                self._take(kind, payload[form.size :], *form.unpack_from(payload))
            except (ValueError, TypeError, LookupError, RecursionError) as error:
                raise UpdateError(f"a {kind} cannot be read: {error}") from error

    def _take(self, kind: str, rest: bytes, *fields: Any) -> None:
        if kind == "W":
            before, self.hello, self._begun = self.hello, {} | json.loads(rest), True
            need(fields[0] == b"WCU1" and self.hello["version"] == 1, "it is another version")
            if "after" not in self.hello:
                self._void()
            same = all(before.get(k) == self.hello[k] for k in ("run", "form")) and self.whole
            need(self.hello.get("after", -1) == self.sequence, "it continues another update")
            need(same or "after" not in self.hello, "it continues another picture")
        elif kind == "G":
            need(0 < fields[0] * fields[1] <= self.most_pixels, "no picture can have this size")
            self.picture, self.whole = np.zeros((*fields[::-1], 3), np.uint8), False
        elif kind in "SX":
            setattr(self, "state" if kind == "S" else "end", {"reason": None} | json.loads(rest))
        elif kind == "Q":
            self._headers[fields[0]] = *fields[1:], rest
        elif kind == "I":
            need(0 < fields[0] < 64, "a pointer has no such number")
            self.pointers[fields[0]] = *fields[1:], png(rest, "RGBA", 256, 256)
        elif kind == "P":
            need(not fields[0] or fields[0] in self.pointers, "a pointer has no image")
            self.pointer = fields
        elif kind == "E":
            need(self.picture.size and fields[1] < 2, "a mark says what is unknown")
            need(fields[0] >= self.sequence + self.whole, "a mark goes back")
            self.sequence, self.whole, self.captured = fields[0], not fields[1], fields[2]
            self._may_copy, self._copied = True, []
            self.on_mark()
        elif kind == "C":
            self._area(*fields[:4])[:] = self._copy(*fields)
        elif kind in "JFLRN":
            self._may_copy = False
            self._area(*fields[:4])[:] = decode(kind, rest, self._headers, *fields[2:])

    def _area(self, x: int, y: int, w: int, h: int) -> Any:
        high, wide = self.picture.shape[:2]
        need(w and h and x + w <= wide and y + h <= high, "a rectangle is empty or outside")
        return self.picture[y : y + h, x : x + w]

    def _copy(self, x: int, y: int, w: int, h: int, left: int, top: int) -> Any:
        need(self.whole and self._may_copy, "a copy is out of place")
        for a, b, c, d in self._copied:
            apart = left + w <= a or left >= c or top + h <= b or top >= d
            need(apart, "a copy takes what another one made")
        self._copied.append((x, y, x + w, y + h))
        return self._area(left, top, w, h).copy()
