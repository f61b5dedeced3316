"""Who may send something: tokens of a file of their own, and from no page of another site."""

import base64
import binascii
import math
import threading
import time
from collections.abc import Hashable, Sequence
from urllib.parse import urlsplit

from webcapd.http.access.access import Grant, Lockout
from webcapd.http.access.credentials import Token, parse_tokens, token_digest
from webcapd.http.access.reloading import ReloadingFile
from webcapd.http.wire.request import Headers
from webcapd.http.wire.response import HttpError

# Tools that are given a user name and a password in an address wait to be asked for them.
CHALLENGE = 'Basic realm="webcapd publish", charset="UTF-8"'


class PublishAccess:
    """The tokens that permit to send something; for any thread."""

    def __init__(self, token_file: str, what: str = "pictures", bearer_only: bool = False) -> None:
        """Read the file; raises ValueError with a sentence.  ``what`` is sent, in sentences."""
        self._what, self._bearer_only = what, bearer_only
        self._tokens = ReloadingFile(token_file, parse_tokens)
        self._lock = threading.Lock()
        self._lockout = Lockout()  # Guarded by _lock.

    def close(self) -> None:
        """Read the file no more; returns at once."""
        self._tokens.close()

    def keys(self) -> Sequence[bytes]:
        """Give the SHA-256 of each token that is valid now; never waits."""
        now = time.time()
        return [key for key, token in self._tokens.content().items() if _valid_for(token, now) > 0]

    def admit(self, authorization: str, client_key: Hashable) -> Grant:
        """Give access by a token; raises HttpError (401, 429).

        ``authorization`` is the header's value, "" for none; by ``client_key`` failures are
        counted.
        """
        token = _bearer_of(authorization) if self._bearer_only else _token_of(authorization)
        if token is None:
            how = "as Bearer" if self._bearer_only else "as Bearer or as a password"
            raise HttpError(401, f"to send {self._what} takes a token, {how}")
        digest = token_digest(token)
        self._tokens.reload()
        with self._lock:
            now = time.monotonic()
            if seconds := self._lockout.seconds_left(client_key, now):
                raise HttpError(429, "too many wrong credentials; wait", int(seconds) + 1)
            if self._seconds_left(digest) <= 0:
                self._lockout.failed(client_key, now)
                raise HttpError(401, "the token is unknown or has expired")
        return Grant(lambda: self._seconds_left(digest), self._tokens.reload)

    def _seconds_left(self, digest: bytes) -> float:
        found = self._tokens.content().get(digest)
        return 0.0 if found is None else _valid_for(found, time.time())


def _valid_for(token: Token, now: float) -> float:
    """Give the seconds until a token expires, 0 or less if it has."""
    return math.inf if token.expires is None else token.expires - now


def _token_of(authorization: str) -> str | None:
    """Read the token of an Authorization header, which is a password's place for some."""
    if (token := _bearer_of(authorization)) is not None:
        return token
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user_and_password = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise HttpError(401, "the Authorization header cannot be read") from None
    return user_and_password.partition(":")[2]


def _bearer_of(authorization: str) -> str | None:
    """Read the token of an Authorization header that has one (RFC 6750)."""
    scheme, _, value = authorization.strip().partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def check_is_no_foreign_page(headers: Headers) -> None:
    """Refuse what a page of another site sends by its visitor's browser; raises HttpError (403).

    Whoever is no browser sends neither of these headers.
    """
    host = headers.get("host").lower()
    foreign = headers.get("sec-fetch-site", "none").lower() not in ("none", "same-origin")
    for origin in headers.get_all("origin"):
        foreign = foreign or _host_of(origin) != host
    if foreign:
        raise HttpError(403, "pages of other sites may send nothing here")


def _host_of(origin: str) -> str:
    """Give host and port of an origin; empty if it has none."""
    try:
        return urlsplit(origin.strip()).netloc.lower()
    except ValueError:
        return ""
