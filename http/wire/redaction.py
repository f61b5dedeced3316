"""What the log may say of a request: nothing that could be a secret.  Pure.

Whoever has a token may write it wrong, and it is a token all the same.  So
what is shown is what can be none, rather than all but what looks like one.
"""

import re
from urllib.parse import unquote

_HIDDEN = "..."

# What divides an address, right or wrong.
_DIVIDERS = re.compile(r"([/?&;=#]+)")

# Behind one of these nothing is shown: where a secret ends, who knows.
_NAMES_OF_SECRETS = re.compile("token|pass|secret|auth|key")

# No token is that short.
_HARMLESS_WORD = re.compile(r"[A-Za-z0-9_.:*-]{0,15}")

# What the values of parameters are made of, as a password is not.
_HARMLESS_VALUE = re.compile(r"[0-9.,:-]{0,24}|[hv]{1,2}|(stream|snapshot|info)(_[0-9]{1,3})?")

# Of a line; enough to see what it is, and no work for who sends tens of kilobytes.
_MAX_SHOWN = 500

# Escapes of escapes: nobody means more.
_MAX_ESCAPES = 8


def one_line(text: str) -> str:
    """Make a stranger's text fit for one line of a log or an answer."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def redacted(text: str) -> str:
    """Give a request line, or a part of one, as it may stand in a log."""
    if len(text) > _MAX_SHOWN:
        # What is cut may be a secret: longer, it is not shown.
        text = text[:_MAX_SHOWN] + "x" * _MAX_SHOWN
    return one_line(" ".join(map(_word, text.split(" "))))


def _word(word: str) -> str:
    """Give what may be shown of a word, such as an address."""
    plain = _unescaped(word)
    if "@" in plain:
        # Names and passwords stand before it, also where none belong.
        return _HIDDEN + (_word(word.rpartition("@")[2]) if "@" in word else "")
    shown = ""
    divider = ""
    for piece in _DIVIDERS.split(word):
        if _DIVIDERS.fullmatch(piece):
            shown, divider = shown + piece, piece
        elif named := _NAMES_OF_SECRETS.search(_unescaped(piece)):
            return f"{shown}{named[0]}{_HIDDEN}"
        else:
            harmless = _HARMLESS_VALUE if "=" in divider else _HARMLESS_WORD
            shown += piece if harmless.fullmatch(piece) else _HIDDEN
    return shown


def _unescaped(text: str) -> str:
    """Undo what hides the letters of a word."""
    for _ in range(_MAX_ESCAPES):
        text, before = unquote(text), text
        if text == before:
            break
    return text.lower()
