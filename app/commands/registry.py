"""What webcapd does beside serving: ``webcapd NAME ...``.

Each command is a module of its own, loaded when it is named, with a function
``prepare(arguments)``: it reads the arguments, ends the program with code 2 by a
mistake, loads what is heavy, and gives what runs the command and returns its exit code.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import NamedTuple


class Command(NamedTuple):
    """A command, as ``--help`` tells of it."""

    module: str
    """In this folder."""
    summary: str


COMMANDS: Mapping[str, Command] = {
    "push": Command("push", "send a display or another source to a machine that shows it"),
    "export": Command("export", "make an .mp4 of a recording, by ffmpeg"),
    "record": Command("record", "record a display or another source, without serving it"),
    "view": Command("view", "show a source in a window, and save its pictures"),
    "screens": Command("screens", "write a test screen into a ring of shared memory"),
}


def command_named(name: str) -> Callable[[Sequence[str]], Callable[[], int]] | None:
    """Give a command's prepare(); None if there is no such command."""
    if name not in COMMANDS:
        return None
    prepare: Callable[[Sequence[str]], Callable[[], int]]
    prepare = import_module(f"webcapd.app.commands.{COMMANDS[name].module}").prepare
    return prepare


def described() -> str:
    """List the commands, for ``--help``."""
    told = [f"webcapd {name} --help: {command.summary}" for name, command in COMMANDS.items()]
    return "Other commands: " + "; ".join(told) + "."


def meant(word: str) -> str:
    """Give the command that a word may have been meant for; empty if there is none."""
    return next(iter(difflib.get_close_matches(word, COMMANDS, 1)), "")
