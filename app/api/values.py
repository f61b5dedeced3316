"""Options as Python programs give them: values and no text, read and checked as text is.

A value may be the option's own type, or what people write on a command line.
"""

import os
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from webcapd.base.option import Declared, check_value, read_value

_NUMBERS: dict[type, tuple[type, str]] = {
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
}


def take(one: Declared, value: object) -> Any:
    """Read the value of an option; raises ValueError with a sentence.

    A repeatable one takes one value, or a sequence of them.
    """
    if one.repeatable:
        return tuple(_take_one(one, part) for part in _parts(value))
    return _take_one(one, value)


def _parts(value: object) -> Sequence[object]:
    """Give the values of a sequence; numbers beside each other are one value, such as a place."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return (value,)
    is_one = bool(value) and all(isinstance(part, Integral) for part in value)
    return (value,) if is_one else value


def _take_one(one: Declared, value: object) -> Any:
    if one.details.choices:
        return _chosen(one, value)
    if one.kind is bool:
        if not isinstance(value, bool):
            raise ValueError(f"{value!r} is neither True nor False")
        return value
    if one.kind in _NUMBERS and one.details.read is None:
        return _number(one, value)
    if value is True and one.details.const is not None:
        value = one.details.const
    return read_value(one, _text(value))


def _number(one: Declared, value: object) -> Any:
    kind, name = _NUMBERS[one.kind]
    # A bool is an int to Python, and to no user.
    if not isinstance(value, kind) or isinstance(value, bool) or value != value:
        raise ValueError(f"{value!r} is not {name}")
    number = one.kind(value)
    check_value(one, number, str(value))
    return number


def _chosen(one: Declared, value: object) -> Any:
    text, choices = str(value), one.details.choices or ()
    if text not in choices or isinstance(value, bool):
        raise ValueError(f"invalid choice: {value!r} (choose from {', '.join(choices)})")
    return one.kind(text)


def _text(value: object) -> str:
    """Give what somebody would type; raises ValueError with a sentence."""
    if isinstance(value, str):
        return value
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, Sequence) and all(isinstance(part, Integral) for part in value):
        return ",".join(map(str, value))
    raise ValueError(f"{value!r} is not a text")
