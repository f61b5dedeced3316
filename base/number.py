"""Numbers, times and amounts of bytes as people write them, in options and queries alike.  Pure.

int() and float() take more: other scripts' digits, underscores, blanks, words.
What one place takes for a number and another does not is two numbers.
"""

import re
from collections.abc import Mapping

# More digits say nothing more, and int() has a bound of its own.
_MAX_DIGITS = 40

_WHOLE = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)")


_SECONDS: Mapping[str, float] = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES: Mapping[str, float] = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

# A hundred years: more is a slip, and would overflow somewhere.
_MAX_SECONDS = 100 * 366 * 86400


def parse_whole(text: str) -> int:
    """Read a whole number; raises ValueError with a sentence."""
    if len(text) > _MAX_DIGITS or not _WHOLE.fullmatch(text):
        raise ValueError(f"{_shown(text)} is not a whole number")
    return int(text)


def parse_number(text: str) -> float:
    """Read a number, with a point or without; raises ValueError with a sentence."""
    if len(text) > _MAX_DIGITS or not _NUMBER.fullmatch(text):
        raise ValueError(f"{_shown(text)} is not a number")
    return float(text)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _MAX_DIGITS else f"{text[:_MAX_DIGITS]}...")


def parse_seconds(text: str) -> float:
    """Read a time, such as 90s, 10m, 24h, 7d or 2.5; raises ValueError with a sentence."""
    seconds = _scaled(text, _SECONDS, "a time is written as 90s, 10m, 24h or 7d")
    if seconds > _MAX_SECONDS:
        raise ValueError(f"{text} is more than a hundred years")
    return seconds


def parse_period(text: str) -> float:
    """Read a time that is more than none; raises ValueError with a sentence."""
    seconds = parse_seconds(text)
    if seconds < 0.001:
        raise ValueError(f"{text} is less than a thousandth of a second")
    return seconds


def parse_bytes(text: str) -> int:
    """Read an amount, such as 100M or 1.5G (of 1024 M); raises ValueError with a sentence."""
    return round(_scaled(text, _BYTES, "an amount of bytes is written as 500K, 100M or 10G"))


def written_bytes(count: float) -> str:
    """Write an amount for people."""
    for unit, size in sorted(_BYTES.items(), key=lambda one: -one[1]):
        if count >= size:
            return f"{count / size:.1f} {unit}B"
    return f"{round(count)} bytes"


def _scaled(text: str, units: Mapping[str, float], sentence: str) -> float:
    factor = units.get(text[-1:], 0.0)
    try:
        number = parse_number(text[:-1] if factor else text)
    except ValueError:
        raise ValueError(f"{text!r}: {sentence}") from None
    if number < 0:
        raise ValueError(f"{text} is below 0")
    return number * (factor or 1)
