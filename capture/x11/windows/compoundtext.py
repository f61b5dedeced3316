"""Compound Text: the older way of X clients to write what Latin-1 cannot.  Pure.

Bytes below 128 (GL) and above 160 (GR) stand for characters of whatever sets
escape sequences have named last.  By "Compound Text Encoding" of the X
Consortium, whose sets Python knows but for CNS 11643.
"""

import re
from collections.abc import Callable, Iterator

# Escape and control sequences, ISO 2022's and ISO 6429's, or characters of one half.
_PIECE = re.compile(
    rb"\x1b%G(?P<utf8>.*?)(?:\x1b%@|\Z)"
    rb"|\x1b%/[0-4](?P<high>[\x80-\xff])(?P<low>[\x80-\xff])"
    rb"|\x1b(?P<middle>[\x20-\x2f]+)(?P<final>[\x30-\x7e])"
    rb"|\x9b[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]"
    rb"|(?P<left>[\x00-\x1a\x1c-\x7f]+)"
    rb"|(?P<right>[\xa0-\xff]+)",
    re.DOTALL,
)

_Charset = Callable[[bytes], str]


def _codec(name: str, high: bool = True) -> _Charset:
    """Give what decodes by a Python codec that has the set in its upper or lower half."""
    if high:
        return lambda part: bytes(byte | 0x80 for byte in part).decode(name, "replace")
    return lambda part: bytes(byte & 0x7F for byte in part).decode(name, "replace")


def _jisx0212(part: bytes) -> str:
    """Decode the supplementary kanji, which EUC marks by a third byte."""
    pairs = (part[place : place + 2] for place in range(0, len(part), 2))
    return b"".join(b"\x8f" + bytes(byte | 0x80 for byte in pair) for pair in pairs).decode(
        "euc_jp", "replace"
    )


_ASCII, _LATIN1 = _codec("ascii", high=False), _codec("iso8859_1")

# By the escape sequences' final letters.
_OF_94 = {
    b"B": _ASCII,
    b"J": _codec("shift_jis", high=False),
    b"I": _codec("shift_jis"),
}
_OF_96 = {
    final.encode(): _codec(f"iso8859_{number}")
    for final, number in zip(
        "ABCDFGHLMVYbf", (1, 2, 3, 4, 7, 6, 8, 5, 9, 10, 13, 15, 16), strict=True
    )
} | {b"_": _codec("iso8859_14"), b"T": _codec("tis_620")}
_OF_94_BY_94 = {
    b"A": _codec("gb2312"),
    b"B": _codec("euc_jp"),
    b"C": _codec("euc_kr"),
    b"D": _jisx0212,
}


def decode(text: bytes) -> str:
    """Decode compound text; what it has no meaning for is left out."""
    return "".join(_decoded(text))


def _decoded(text: bytes) -> Iterator[str]:
    left, right = _ASCII, _LATIN1
    place = 0
    while place < len(text):
        piece = _PIECE.match(text, place)
        if piece is None:
            place += 1
            continue
        place = piece.end()
        if piece["utf8"] is not None:
            yield piece["utf8"].decode(errors="replace")
        elif piece["high"] is not None:
            length = (piece["high"][0] & 0x7F) * 128 + (piece["low"][0] & 0x7F)
            yield _extended(text[place : place + length])
            place += length
        elif piece["left"] is not None:
            yield left(piece["left"])
        elif piece["right"] is not None:
            yield right(piece["right"])
        elif piece["middle"] is not None:
            left, right = _named(piece["middle"], piece["final"], left, right)


def _named(
    middle: bytes, final: bytes, left: _Charset, right: _Charset
) -> tuple[_Charset, _Charset]:
    """Give the sets of both halves after an escape sequence."""
    sets = {b"(": _OF_94, b")": _OF_94, b"-": _OF_96}.get(middle, _OF_94_BY_94)
    charset = sets.get(final, _LATIN1)
    if middle in (b"(", b"$("):
        return charset, right
    if middle in (b")", b"-", b"$)"):
        return left, charset
    return left, right


def _extended(segment: bytes) -> str:
    """Decode a segment that names its encoding itself, such as big5-0 or koi8-r."""
    name, _, text = segment.partition(b"\x02")
    encoding = name.decode("ascii", "replace").lower()
    for codec in (encoding, encoding.rpartition("-")[0]):
        try:
            return text.decode(codec, "replace")
        except (LookupError, ValueError):
            continue
    return ""
