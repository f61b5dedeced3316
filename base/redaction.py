"""Strangers' text, made fit for a log: one line, without what could be a secret.  Pure.

A mistyped address may still hold a token.  So what is shown is what cannot be a
secret, rather than all but what looks like one.
"""

import re
from typing import Self
from urllib.parse import unquote

_HIDDEN = "..."

# What separates the parts of an address, well-formed or not.
_SEPARATORS = re.compile(r"([/?&;=#]+)")

# Behind one of these nothing is shown: nobody knows where the secret ends.
_NAMES_OF_SECRETS = re.compile("token|pass|secret|auth|key")

# No token is that short.
_HARMLESS_WORD = re.compile(r"[A-Za-z0-9_.:*-]{0,15}")

# What values of parameters look like, and passwords do not.
_HARMLESS_VALUE = re.compile(r"[0-9.,:-]{0,24}|[hv]{1,2}|(stream|snapshot|info)(_[0-9]{1,3})?")

_QUOTATION = re.compile(r"""(['"])(.*?)\1(?!\w)""")
_HARMLESS_QUOTATION = re.compile(r"[A-Za-z0-9_.:=+-]{0,20}")

# What names a host and its port.
_HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]{0,255}")

# Characters of a line; enough to recognise it, however long it is.
_MAX_SHOWN = 500

# Escapes within escapes; more are not meant seriously.
_MAX_ESCAPES = 8


def one_line(text: str) -> str:
    """Make a stranger's text fit for one line of a log or a response."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def redacted(text: str) -> str:
    """Give a request line, or a part of one, as it may stand in a log."""
    if len(text) > _MAX_SHOWN:
        # The last word may be cut out of a secret: made longer, it is not shown.
        text = text[:_MAX_SHOWN] + "x" * _MAX_SHOWN
    return one_line(" ".join(map(_word, text.split(" "))))


def redacted_source(text: str) -> str:
    """Give what a source is called, such as http://user:word@host/?token=x, as one harmless word.

    Of several addresses in it, nothing is shown but the first scheme and the last host.
    """
    scheme, separator, rest = text.partition("://")
    if separator:
        hidden, _, place = rest.rpartition("@")
        if not hidden and "@" in _unescaped(rest):
            hidden, place = rest, ""
        named = _HOST.match(place)
        host = named[0] if named else ""
        path = _word(place[len(host) :])
        text = f"{scheme}://{_HIDDEN + '@' if hidden else ''}{host}{path}"
    return "%20".join(one_line(text).split())


def quoting_no_secrets(sentence: str) -> str:
    """Give a sentence on what somebody typed, without quotations that may hold a secret."""
    return _QUOTATION.sub(
        lambda match: match[0] if _HARMLESS_QUOTATION.fullmatch(match[2]) else f"'{_HIDDEN}'",
        sentence,
    )


class Confidential(str):
    """A text that may hold a secret: shown, compared and serialised without it."""

    whole: str
    """What is not to be shown."""

    def __new__(cls, shown: str, whole: str) -> Self:
        made = super().__new__(cls, shown)
        made.whole = whole
        return made

    def __deepcopy__(self, memo: object) -> Self:
        """Give itself: a copy would lack the whole."""
        return self


def confidential_source(text: str) -> Confidential:
    """Have a source shown as redacted_source() gives it."""
    return text if isinstance(text, Confidential) else Confidential(redacted_source(text), text)


def _word(word: str) -> str:
    """Give what may be shown of a word, such as an address."""
    plain = _unescaped(word)
    if "@" in plain:
        # User names and passwords stand before it, also where none belong.
        return _HIDDEN + (_word(word.rpartition("@")[2]) if "@" in word else "")
    shown = ""
    separator = ""
    for piece in _SEPARATORS.split(word):
        if _SEPARATORS.fullmatch(piece):
            shown, separator = shown + piece, piece
        elif named := _NAMES_OF_SECRETS.search(_unescaped(piece)):
            return f"{shown}{named[0]}{_HIDDEN}"
        else:
            harmless = _HARMLESS_VALUE if "=" in separator else _HARMLESS_WORD
            shown += piece if harmless.fullmatch(piece) else _HIDDEN
    return shown


def _unescaped(text: str) -> str:
    """Decode all percent-escapes, nested ones too; in lower case."""
    for _ in range(_MAX_ESCAPES):
        text, before = unquote(text), text
        if text == before:
            break
    return text.lower()
