"""What a capture or a server is to do: the options of the command line, by keywords."""

import difflib
import re
from typing import Any, TypeVar, Unpack

from webcapd.app.api.error import Error
from webcapd.app.api.keywords import CaptureKeywords, ServerKeywords
from webcapd.app.api.values import take
from webcapd.app.commandline import OPTIONS, Options, check_together
from webcapd.base.option import Declared, declared
from webcapd.base.redaction import one_line
from webcapd.capture.options import CaptureOptions
from webcapd.encoder.options import EncoderOptions
from webcapd.http.options import HttpOptions
from webcapd.outputs.options import RecordingOptions, RecordOptions, RingOptions

# What is for who runs a program: a library logs, and who uses it says where to.
_NOT_HERE = ("log_level",)

_Part = TypeVar("_Part")


def _names(one: Declared) -> list[str]:
    """Give the keywords by which an option goes."""
    return [flag.removeprefix("--").replace("-", "_") for flag in one.flags if flag[:2] == "--"]


_KNOWN = {
    name: one
    for options in OPTIONS
    for one in declared(options)
    for name in _names(one)
    if one.name not in _NOT_HERE
}
_CAPTURE = {one.name for part in (CaptureOptions, EncoderOptions) for one in declared(part)}
# By TCP and UDP, pictures may be sent to a capture as well.
_CAPTURE |= {"program", "publish_token_file"}


class Settings:
    """Options, checked, and never changed: any number of captures and servers may have them."""

    options: Options
    """All of them."""

    def __init__(self, **options: Unpack[ServerKeywords]) -> None:
        """Take the options that ``webcapd --help`` tells of, by name, with _ for each dash.

        What is left out, or None, is as there.  Where one may be given several times there, it
        is a sequence here, or one value.  ``program`` is the command to run in the display of
        ``virtual``.  Raises Error.
        """
        given = {name: value for name, value in options.items() if value is not None}
        program = _program(given.pop("program", ()))
        self._taken = _taken(given)
        self._given = {*self._taken, *(("program",) if program else ())}
        self.options = Options(
            self._part(CaptureOptions),
            self._part(EncoderOptions),
            self._part(HttpOptions),
            program,
            self._part(RecordOptions),
            self._part(RecordingOptions),
            self._part(RingOptions),
        )
        try:
            check_together(self.options, bool(program))
        except ValueError as error:
            raise Error(_of_keywords(str(error))) from None

    def __repr__(self) -> str:
        """Name what was given; values may be secrets."""
        return f"Settings({', '.join(f'{name}=...' for name in sorted(self._given))})"

    def _part(self, kind: type[_Part]) -> _Part:
        names = {one.name for one in declared(kind)}
        return kind(**{name: value for name, value in self._taken.items() if name in names})

    def check_for_capture(self) -> None:
        """See that they are for a capture, and not for a server; raises Error."""
        for name in sorted(self._given - _CAPTURE):
            raise Error(f"{name} is for webcapd.serve(), and a capture has no server")
        if any(source.whole.startswith("push:") for source in self.options.capture.source):
            raise Error("push: takes a server: webcapd.serve(source='push:NAME'); tcp: takes none")


def settings_of(
    settings: Settings | ServerKeywords | CaptureKeywords | None,
    options: ServerKeywords | CaptureKeywords | None = None,
) -> Settings:
    """Give settings that are given as such, as a dict, or by keywords; raises Error."""
    if isinstance(settings, dict):
        both: Any = {**settings, **(options or {})}
        return Settings(**both)
    if settings is None:
        return Settings(**(options or {}))
    if not isinstance(settings, Settings):
        raise Error(f"{settings!r} is no webcapd.Settings; options are given by their names")
    if options:
        raise Error(f"{next(iter(options))}: options are in the settings, or given by name")
    return settings


def _taken(given: dict[str, Any]) -> dict[str, Any]:
    """Read and check all that is given; gives it by the options' own names.  Raises Error."""
    taken: dict[str, Any] = {}
    for name, value in given.items():
        one = _KNOWN.get(name)
        if one is None:
            raise Error(_unknown(name))
        if one.name in taken:
            raise Error(f"{' and '.join(_names(one))} are one option, and given twice")
        try:
            taken[one.name] = take(one, value)
        except ValueError as error:
            raise Error(f"{name}: {one_line(_of_keywords(str(error)))}") from None
    return taken


def _unknown(name: str) -> str:
    if name in _NOT_HERE:
        return f"{name} is for the program; here logging.getLogger('webcapd') is what to ask"
    near = difflib.get_close_matches(name, [*_KNOWN, "program", "output"], 1)
    return f"there is no option {name}" + (f"; {near[0]} is one" if near else "")


def _program(given: object) -> tuple[str, ...]:
    """Read the command to run; raises Error."""
    if isinstance(given, str) or not isinstance(given, list | tuple):
        raise Error(f"program: {given!r} is no command; one looks like ['xterm', '-e', 'top']")
    if not all(isinstance(word, str) for word in given):
        raise Error(f"program: {given!r} is no command, which is all of text")
    return tuple(given)


def _of_keywords(sentence: str) -> str:
    """Have a sentence on flags speak of keywords."""

    def keyword(match: re.Match[str]) -> str:
        name = match[1].replace("-", "_")
        return f"{name}=" if name in _KNOWN else match[0]

    return re.sub(r"--([a-z][a-z0-9-]*)", keyword, sentence)
