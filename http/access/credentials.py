"""Files of credentials: user names with passwords, and view-only tokens.  Pure.

Passwords are bcrypt entries as ``htpasswd -B`` writes them.  A token has a line
of its own: the token, and perhaps the time it expires.
"""

import datetime
import hashlib
import re
from typing import NamedTuple

# bcrypt's own syntax: version, cost, 22 characters of salt, of the last of which
# only two bits count, and 31 of hash.
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|1[0-9])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")

_MIN_TOKEN = 16


class Token(NamedTuple):
    """What is known of a token, without the token itself."""

    expires: float | None
    """Seconds since 1970, None for never."""


def parse_passwords(text: str) -> dict[str, bytes]:
    """Read an htpasswd file: user name to bcrypt hash; raises ValueError with a sentence."""
    entries = {}
    for number, line in _lines(text):
        user, colon, password = line.partition(":")
        if not (colon and user and _BCRYPT.fullmatch(password)):
            raise ValueError(
                f"line {number} is no user:password entry with bcrypt, as htpasswd -B makes them"
            )
        entries[user] = password.encode()
    if not entries:
        raise ValueError("it has no entry")
    return entries


def parse_tokens(text: str) -> dict[bytes, Token]:
    """Read a token file: digest to token; raises ValueError with a sentence."""
    tokens = {}
    for number, line in _lines(text):
        token, *rest = line.split()
        if len(token) < _MIN_TOKEN:
            raise ValueError(
                f"line {number} has a token of less than {_MIN_TOKEN} characters, "
                "which can be guessed; openssl rand -hex 16 makes a good one"
            )
        if len(rest) > 1:
            raise ValueError(f"line {number} has more than a token and the time it expires")
        tokens[token_digest(token)] = Token(_time(number, rest[0]) if rest else None)
    if not tokens:
        raise ValueError("it has no token")
    return tokens


def token_digest(token: str) -> bytes:
    """Give the key that a token is looked up by.

    The time of that look-up gives nothing of the token away: an attacker cannot
    choose the first bytes of a digest.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _lines(text: str) -> list[tuple[int, str]]:
    """List the lines that are neither empty nor comments, with their numbers."""
    lines = enumerate(map(str.strip, text.splitlines()), 1)
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


def _time(number: int, text: str) -> float:
    try:
        # Without a zone it is local time.
        return datetime.datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        # Not quoted, as it may be half of a token.
        raise ValueError(
            f"line {number} has more than a token, and it is no time such as 2027-01-31T18:00"
        ) from None
