"""What a window's title reads, by a property of whatever type, and whether it is wanted.  Pure."""

import re
import unicodedata
from collections.abc import Iterable

from webcapd.capture.x11.windows import compoundtext

_ID = re.compile("0[xX][0-9a-fA-F]+")


def readings(value: bytes) -> tuple[str, ...]:
    """Give all that the bytes of a title may read.

    The property's type would tell (UTF8_STRING, STRING in Latin-1,
    COMPOUND_TEXT), but programs are known to say one and write another.
    """
    found = [value.decode(errors="ignore")]
    if not value.isascii() or b"\x1b" in value:
        found += [value.decode("latin-1"), compoundtext.decode(value)]
    return tuple(map(_folded, found))


def _folded(text: str) -> str:
    """Give a text without what makes no difference: case, and ways to write one character."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


class Wanted:
    """Windows wanted: by an id (0x1400003), or by a part of the title, in any case."""

    def __init__(self, wanted: Iterable[str]) -> None:
        wanted = tuple(wanted)
        self._ids = {int(one, 16) for one in wanted if _ID.fullmatch(one)}
        self._parts = tuple(_folded(one) for one in wanted if not _ID.fullmatch(one))

    def has(self, window: int, titles: Iterable[str]) -> bool:
        """Whether a window with these readings of its titles is one of them."""
        return window in self._ids or any(part in title for title in titles for part in self._parts)
