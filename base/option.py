"""How an option is declared: default, flags, unit and help, once.

Each folder declares its own options as a frozen dataclass whose fields are
made by ``option()``.  Command-line flags, ``--help``, the configuration in
``/?info`` and the table in the README all derive from these declarations.
This module stands in the lowest folder because all others declare with it.
"""

import argparse
import dataclasses
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from webcapd.base.number import parse_number, parse_whole

_Options = TypeVar("_Options")

_READERS: dict[type, Callable[[str], Any]] = {int: parse_whole, float: parse_number}


@dataclass(frozen=True)
class Option:
    """What is known of one option beside its name, type and default."""

    help: str
    aliases: tuple[str, ...] = ()
    metavar: str | None = None
    choices: tuple[str, ...] | None = None
    low: float | None = None
    high: float | None = None
    const: str | None = None
    """The value of a flag that is given bare, where its value may be left out."""
    read: Callable[[str], Any] | None = None
    """Makes the value from its text; raises ValueError with a sentence."""
    check: Callable[[Any], Any] | None = None
    """Raises ValueError with a sentence if the value is no good."""


def option(default: Any, help: str, *aliases: str, **details: Any) -> Any:  # noqa: A002
    """Declare a dataclass field as an option; ``details`` are Option's fields."""
    declared = Option(help=help, aliases=aliases, **details)
    return dataclasses.field(default=default, metadata={"option": declared})


@dataclass(frozen=True)
class Declared:
    """One option as declared on a dataclass, with all that derives from it."""

    name: str
    kind: type
    """Of one value."""
    default: Any
    repeatable: bool
    details: Option

    @property
    def flags(self) -> tuple[str, ...]:
        return ("--" + self.name.replace("_", "-"), *self.details.aliases)

    @property
    def metavar(self) -> str | None:
        if self.kind is bool or (self.details.choices and not self.details.metavar):
            return None
        return self.details.metavar or "N"

    @property
    def range_text(self) -> str:
        """The range of a number, as an addition to the help text.

        Empty where the metavar says it, and where it is so wide that it says nothing.
        """
        low, high = self.details.low, self.details.high
        shown = any(character.isdigit() for character in self.details.metavar or "")
        if low is None or high is None or shown or high >= 10000:
            return ""
        return f"; {low:g} to {high:g}"

    @property
    def default_text(self) -> str:
        """The default as a person would type it; empty where there is none."""
        if self.kind is bool:
            return "yes" if self.default else "no"
        if self.default is None or self.repeatable:
            return ""
        return f"{self.default:g}" if isinstance(self.default, float) else str(self.default)

    @property
    def help(self) -> str:
        """The help text, closed by the default where there is one."""
        text = self.details.help + self.range_text
        if not self.default_text:
            return text
        return f"{text} (default: {self.default_text})"


def declared(options: type) -> Iterator[Declared]:
    """List the options declared on a dataclass, in order."""
    kinds = typing.get_type_hints(options)
    for field in dataclasses.fields(options):
        # An option without a default is "int | None": the flag takes the int.
        kind, *_ = typing.get_args(kinds[field.name]) or (kinds[field.name],)
        repeatable = typing.get_origin(kinds[field.name]) is tuple
        yield Declared(field.name, kind, field.default, repeatable, field.metadata["option"])


def add_flags(parser: argparse.ArgumentParser, options: type) -> None:
    """Add the flags of one options dataclass, under its docstring's first line."""
    group = parser.add_argument_group((options.__doc__ or "").splitlines()[0].rstrip("."))
    for one in declared(options):
        group.add_argument(*one.flags, **_argument(one))


def from_namespace(options: type[_Options], given: argparse.Namespace) -> _Options:
    """Make the options object from what the parser collected."""
    values = {one.name: getattr(given, one.name) for one in declared(options)}
    # What was not given is None, and so left to the dataclass's default.
    return options(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
            if value is not None
        }
    )


class _Switch(argparse.BooleanOptionalAction):
    """A pair of flags, --name and --no-name, that leaves the help text alone.

    Up to Python 3.12 the base class appends the default to it once more.
    """

    def __init__(self, option_strings: list[str], dest: str, **details: Any) -> None:
        super().__init__(option_strings, dest, **details)
        self.help = details["help"]


def _argument(one: Declared) -> dict[str, Any]:
    """Give the keyword arguments that declare one flag to argparse."""
    common: dict[str, Any] = {"dest": one.name, "default": None}
    common["help"] = one.help.replace("%", "%%")
    if one.kind is bool:
        # What is off by its name is not switched on by another.
        is_off = one.flags[0].startswith("--no-")
        return common | {"action": "store_true" if is_off else _Switch}
    common |= {"metavar": one.metavar}
    if one.details.choices:
        # By their very texts, so that a number has one spelling only.
        chosen = {choice: one.kind(choice) for choice in one.details.choices}
        return common | {
            "choices": tuple(chosen.values()),
            "type": lambda text: chosen.get(text, text),
        }
    if one.repeatable:
        common |= {"action": "append"}
    if one.details.const is not None:
        common |= {"nargs": "?", "const": one.details.const}
    return common | {"type": _reader(one)}


def _reader(one: Declared) -> Callable[[str], Any]:
    """Make the function that reads one value and checks it."""

    def read(text: str) -> Any:
        try:
            return read_value(one, text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def read_value(one: Declared, text: str) -> Any:
    """Read one value from its text, and check it; raises ValueError with a sentence."""
    if one.details.read is not None:
        return one.details.read(text)
    value = _READERS.get(one.kind, one.kind)(text)
    check_value(one, value, text)
    return value


def check_value(one: Declared, value: Any, text: str) -> None:
    """See that a value is in range, and pleases; raises ValueError with a sentence on its text."""
    low, high = one.details.low, one.details.high
    if low is not None and value < low:
        raise ValueError(f"{text} is below the least, {low:g}")
    if high is not None and value > high:
        raise ValueError(f"{text} is above the most, {high:g}")
    if one.details.check is not None:
        one.details.check(value)


def check_given(text: str) -> None:
    """Raise ValueError with a sentence if a text is empty, as of an unset variable."""
    if not text:
        raise ValueError("the value is empty")


def read_text(text: str) -> str:
    """Read what is shown or looked for as text; raises ValueError with a sentence.

    Where the locale is not the terminal's, and cannot read what was typed, that is
    mostly UTF-8.
    """
    check_given(text)
    try:
        return text.encode("utf-8", "surrogateescape").decode()
    except UnicodeDecodeError:
        raise ValueError("the text is not in the encoding of this locale") from None
