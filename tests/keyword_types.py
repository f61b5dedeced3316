"""The types of the keywords of the Python API, made from the options as declared.

Run as a program, it writes them into app/api/keywords.py.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from webcapd.app.commandline import OPTIONS  # noqa: E402
from webcapd.base.option import Declared, declared  # noqa: E402
from webcapd.capture.options import CaptureOptions  # noqa: E402
from webcapd.encoder.options import EncoderOptions  # noqa: E402
from webcapd.http.options import HttpOptions  # noqa: E402

FILE = ROOT / "app" / "api" / "keywords.py"

_HEAD = '''"""Types of the Python API's keywords: python tests/keyword_types.py writes them.

What each is for, its range and its default is where the option is declared, in ``webcapd --help``
and in docs/options.md.
"""

from collections.abc import Sequence
from os import PathLike
from typing import Literal, TypedDict

Text = str | PathLike[str]
Place = Sequence[int] | str
"""X, y, width and height, in pixels."""

'''

# Of one value, by the option's own type.
_TYPES = {"Rectangle": "Place", "Confidential": "Text", "str": "Text"}


def _of(one: Declared) -> str:
    name = one.kind.__name__
    kind = _TYPES.get(name, name)
    if one.details.choices and one.kind is str:
        # What also goes by a number has a better name.
        is_word = not all(choice.isdigit() for choice in one.details.choices)
        words = [word for word in one.details.choices if not (is_word and word.isdigit())]
        quoted = [f'"{word}"' for word in words]
        kind = f"Literal[{', '.join(quoted)}]"
    if one.details.const is not None:
        kind += " | bool"
    if one.repeatable:
        several = "Sequence[Place]" if name == "Rectangle" else "Sequence[Text]"
        kind += f" | {several}"
    return f"{kind} | None"


# What captures have of the options of servers.
_SHARED = ("publish_token_file",)


def _keywords(options: type, without: Sequence[str] = ("log_level", *_SHARED)) -> list[str]:
    return [
        f"    {flag[2:].replace('-', '_')}: {_of(one)}"
        for one in declared(options)
        for flag in one.flags
        if one.name not in without and flag.startswith("--")
    ]


def written() -> str:
    """Give the text of the file."""
    lines = ["class CaptureKeywords(TypedDict, total=False):"]
    lines += ['    """The options of a capture."""', "", "    program: Sequence[str] | None"]
    lines += [*_keywords(CaptureOptions), *_keywords(EncoderOptions)]
    others = [one.name for one in declared(HttpOptions) if one.name not in _SHARED]
    lines += _keywords(HttpOptions, others)
    lines += ["", "", "class ServerKeywords(CaptureKeywords, total=False):"]
    lines += ['    """The options of a server, which has all those of a capture."""', ""]
    for options in OPTIONS:
        if options not in (CaptureOptions, EncoderOptions):
            lines += _keywords(options)
    return _HEAD + "\n" + "\n".join(lines) + "\n"


def main() -> None:
    FILE.write_text(written())


if __name__ == "__main__":
    main()
