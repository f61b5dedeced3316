"""Numbers as people write them, in options and in the query of a request alike.  Pure.

int() and float() take more: other scripts' digits, underscores, blanks, words.
What one place takes for a number and another does not is two numbers.
"""

import re

# More digits say nothing more, and int() has a bound of its own.
_MAX_DIGITS = 40

_WHOLE = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)")


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
