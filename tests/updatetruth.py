"""A reader of updates that knows which pixels came exactly, and what was copied."""

from collections.abc import Callable
from typing import Any, Protocol

import cv2
import numpy as np
from updatereader import UpdateReader
from waiting import wait_until
from xserver import Pixels

# At a quality of 90, a photograph is no farther off on average; nor, with colour in full, is noise.
_ERROR = 8.0


class TruthReader(UpdateReader):
    """Beside the picture it keeps where that came by JPEG."""

    lossy: Any = np.zeros((0, 0), bool)
    marked: Any = lossy
    """The same, as of the last mark."""
    copied = 0
    """Pixels that were copied so far."""

    def _take(self, kind: str, rest: bytes, *fields: Any) -> None:
        super()._take(kind, rest, *fields)
        if kind == "G":
            self.lossy = np.zeros(self.picture.shape[:2], bool)
        elif kind in "JFLRNC":
            x, y, width, height = fields[:4]
            part = self.lossy[y : y + height, x : x + width]
            part[:] = kind == "J"
            if kind == "C":
                left, top = fields[4:6]
                part[:] = self.marked[top : top + height, left : left + width]
                self.copied += width * height
        elif kind == "E":
            self.marked = self.lossy.copy()


class Client(Protocol):
    """Shows what it reads."""

    @property
    def reader(self) -> UpdateReader: ...
    @property
    def latest(self) -> Pixels: ...
    @property
    def marks(self) -> int: ...
    def check(self) -> bool: ...


def wait_for_truth(client: Client, wanted: Callable[[], Pixels]) -> None:
    """Wait until it shows this: exactly, but near it where that came by JPEG.

    The server was given ``--paint-over-quality 90``.
    """
    reader = client.reader
    assert isinstance(reader, TruthReader)
    found = "nothing"

    def shows() -> bool:
        nonlocal found
        client.check()
        pixels, shown, lossy = wanted(), client.latest, reader.marked
        if shown.shape != pixels.shape or lossy.shape != shown.shape[:2]:
            return False
        wrong = int(((shown != pixels).any(2) & ~lossy).sum())
        error = float(cv2.absdiff(shown, pixels)[lossy].mean()) if lossy.any() else 0.0
        found = f"{wrong} pixels wrong, {int(lossy.sum())} by JPEG, {error:.1f} off"
        return not wrong and error <= _ERROR

    try:
        wait_until(f"the picture, after {client.marks} marks", shows)
    except AssertionError as error:
        raise AssertionError(f"{error} ({found})") from None
