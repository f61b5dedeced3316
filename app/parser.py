"""How the command line of webcapd and of its commands is read."""

import argparse
from collections.abc import Sequence
from typing import NoReturn, TypeVar

from webcapd.base.option import add_flags, from_namespace
from webcapd.base.redaction import one_line

_Options = TypeVar("_Options")


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake is answered by one sentence and not by a page."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"webcapd: {one_line(message)} (see {self._see})\n")

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
    given = parser.parse_args(arguments)
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
