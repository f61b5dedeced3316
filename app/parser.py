"""How the command line of webcapd and of its commands is read."""

import argparse
import difflib
from collections.abc import Sequence
from typing import NoReturn, TypeVar

from webcapd.base.option import add_flags, from_namespace
from webcapd.base.redaction import one_line

_Options = TypeVar("_Options")


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake is answered by one sentence and not by a page."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"webcapd: {one_line(message)} (see {self._see})\n")

    def parse_all(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Read arguments, none of which may be left over."""
        given, unknown = self.parse_known_args(arguments)
        if unknown and unknown[0].startswith("-"):
            self.error(self.unknown_option(unknown[0]))
        if unknown:
            # Not quoted: there may be a password in it.
            self.error("there is an argument too many: beside options, one is taken")
        return given

    def unknown_option(self, argument: str) -> str:
        """Say that there is no such option, and which may have been meant."""
        name = argument.partition("=")[0]
        flags = [flag for action in self._actions for flag in action.option_strings]
        near = difflib.get_close_matches(name, flags, 1)
        return f"there is no option {name}" + (f"; {near[0]} is one" if near else "")

    @property
    def _see(self) -> str:
        return "--help" if self.prog == "webcapd" else f"{self.prog} --help"


def read_command(
    name: str, positional: str, summary: str, options: type[_Options], arguments: Sequence[str]
) -> tuple[Parser, str, _Options]:
    """Read the arguments of a command: one word, and options.

    The word is empty if it is not there.  Gives the parser, too: by its error() a mistake
    found later ends the program.
    """
    parser = command_parser(name, positional, summary, options)
    given = parser.parse_all(arguments)
    return parser, given.positional, from_namespace(options, given)


def command_parser(name: str, positional: str, summary: str, *options: type) -> Parser:
    """Make the parser of a command that takes one word, and options of several kinds.

    What it reads is for from_namespace(), and the word is ``positional``, empty without one.
    """
    parser = Parser(
        prog=f"webcapd {name}",
        usage=f"webcapd {name} {positional} [options]",
        description=summary,
        allow_abbrev=False,
    )
    parser.add_argument("positional", nargs="?", default="", help=argparse.SUPPRESS)
    for one in options:
        add_flags(parser, one)
    return parser
