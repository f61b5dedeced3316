"""What recorded files are called: a pattern with a number and, if wanted, the time.  Pure."""

import re
import time

# What strftime makes of these is as long as this; of others, anything.
_WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "y": 2, "j": 3, "I": 2}

_NUMBER = re.compile(r"\{n(?::0([1-9]))?(?:d)?\}")
_PIECE = re.compile(r"(\{n[^}]*\}|%.)")

# With the number first, names sort as it was recorded, whatever the clock did.
DEFAULTS = {
    "jpg": "{n:08d}-%Y%m%d-%H%M%S.jpg",
    "mkv": "{n:06d}-%Y%m%d-%H%M%S.mkv",
    "mjpeg": "{n:06d}-%Y%m%d-%H%M%S.mjpeg",
}
FORMATS = tuple(DEFAULTS)

LATEST = "latest.jpg"
_MAX_NAME = 200


class Naming:
    """A pattern, such as ``frame_{n:04d}.jpg`` or ``{n:06d}-%H%M%S.mkv``."""

    def __init__(self, pattern: str) -> None:
        """Take a pattern; raises ValueError with a sentence."""
        if len(_NUMBER.findall(pattern)) != 1 or re.search("[{}]", _NUMBER.sub("", pattern)):
            raise ValueError("a name has the number in it once, as {n} or {n:06d}")
        if "/" in pattern or pattern.startswith(".") or not pattern.isprintable():
            raise ValueError("a name is that of a file in the folder, and begins with no dot")
        if "%" in re.sub("%[A-Za-z%]", "", pattern):
            raise ValueError("a % in a name begins a field of the time, such as %H; %% is one %")
        if len(pattern) > _MAX_NAME:
            raise ValueError(f"a name has at most {_MAX_NAME} characters")
        self._pattern = pattern
        self._regex = re.compile("".join(map(_matching, _PIECE.split(pattern))))

    @property
    def suffix(self) -> str:
        return "." + self._pattern.rpartition(".")[2]

    def name(self, number: int, moment: float) -> str:
        """Give the name of a file; ``moment`` is in seconds of CLOCK_REALTIME."""
        width = _NUMBER.search(self._pattern)
        assert width is not None
        shown = f"{number:0{width[1] or 1}d}"
        parts = _NUMBER.split(self._pattern)
        when = time.localtime(moment)
        before, after = (time.strftime(part, when) if part else "" for part in parts[::2])
        # What a locale makes of a time may have anything in it.
        return re.sub(r"[/\x00-\x1f]", "_", f"{before}{shown}{after}")

    def number(self, name: str) -> int | None:
        """Read the number of a name; None if the pattern makes no such name."""
        found = self._regex.fullmatch(name)
        return int(found[1]) if found else None


def naming_for(kind: str, pattern: str) -> Naming:
    """Give how files of a format are called; raises ValueError with a sentence."""
    naming = Naming(pattern or DEFAULTS[kind])
    if naming.suffix != f".{kind}":
        raise ValueError(f"the name of a file in this format ends in .{kind}")
    return naming


def _matching(piece: str) -> str:
    """Give the regular expression of what a piece of a pattern becomes."""
    if piece.startswith("{n"):
        return r"(\d+)"
    if piece == "%%":
        return "%"
    if piece.startswith("%"):
        width = _WIDTHS.get(piece[1:])
        return rf"\d{{{width}}}" if width else ".*"
    return re.escape(piece)
