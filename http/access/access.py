"""Who is let in, and for how long.

Basic authentication opens everything, a token only what is to be seen.  Whoever
guesses too often is shut out for a while.  Secrets are never logged.
"""

import base64
import binascii
import hashlib
import hmac
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

import bcrypt

from webcapd.http.access.credentials import parse_passwords, parse_tokens, token_digest
from webcapd.http.access.reloading import ReloadingFile
from webcapd.http.wire.response import HttpError

# What a token shows.
_VIEWS = ("stream", "snapshot", "index")

# Without credentials of any kind: a load balancer's question, and what browsers ask
# for without a token.
_OPEN = ("health", "favicon.ico")

# bcrypt looks at no more.
_MAX_PASSWORD_BYTES = 72

_MAX_REMEMBERED = 1024

# Passwords being checked, or waiting for that: each holds a thread, and one
# check takes a quarter of a second.
_MAX_CHECKS = 16
_RETRY_SECONDS = 2

# So many wrong credentials within the window shut a party out for as long.
MAX_FAILURES = 10
WINDOW_SECONDS = 60.0

# Parties remembered; the one whose last failure is longest ago goes first.
_MAX_PARTIES = 4096


def _always() -> bool:
    return True


class AccessRevoked(Exception):
    """Who was let in may look no longer."""


class Grant:
    """Leave to look."""

    def __init__(
        self, holds: Callable[[], bool] = _always, look: Callable[[], object] = _always
    ) -> None:
        """``look`` looks at the file that the leave comes from."""
        self.holds = holds
        """Whether the leave still holds, as far as is known: it may expire or be
        taken back.  Never waits."""
        self._look = look

    def holds_now(self) -> bool:
        """Whether the leave still holds; waits a moment at most."""
        self._look()
        return self.holds()


class Lockout:
    """Failures per party.  Not for several threads at once."""

    def __init__(self) -> None:
        self._failures: OrderedDict[Hashable, list[float]] = OrderedDict()

    def seconds_left(self, client_key: Hashable, now: float) -> float:
        """Tell how long a party is shut out yet; 0 if it is not."""
        failures = self._failures.get(client_key, [])
        if len(failures) < MAX_FAILURES:
            return 0.0
        return max(0.0, failures[-1] + WINDOW_SECONDS - now)

    def failed(self, client_key: Hashable, now: float) -> None:
        """Note wrong credentials."""
        recent = [at for at in self._failures.pop(client_key, ()) if at > now - WINDOW_SECONDS]
        self._failures[client_key] = [*recent, now][-MAX_FAILURES:]
        while len(self._failures) > _MAX_PARTIES:
            self._failures.popitem(last=False)


class Access:
    """The credentials that are known; for any thread."""

    def __init__(self, auth_file: str, token_file: str) -> None:
        """Read the files named, "" for none; raises ValueError with a sentence."""
        self._passwords = ReloadingFile(auth_file, parse_passwords) if auth_file else None
        self._tokens = ReloadingFile(token_file, parse_tokens) if token_file else None
        self._key = os.urandom(32)
        # One at a time: bcrypt is slow on purpose, and the screen goes first.
        # Whoever was right before, or has a token, waits for nobody's guess.
        self._hashing = threading.Lock()
        self._checks = threading.BoundedSemaphore(_MAX_CHECKS)
        self._lock = threading.Lock()
        self._lockout = Lockout()  # Guarded by _lock.
        self._remembered: dict[bytes, bytes] = {}  # Guarded by _lock.
        """Digest of user and password, to the entry that they were right for."""

    @property
    def is_open(self) -> bool:
        """Whether everybody is let in."""
        return self._passwords is None and self._tokens is None

    @property
    def has_passwords(self) -> bool:
        return self._passwords is not None

    @property
    def challenge(self) -> str:
        """What a 401 asks for, as WWW-Authenticate says it."""
        scheme = "Basic" if self.has_passwords else "Bearer"
        return f'{scheme} realm="webcapd"' + (', charset="UTF-8"' if self.has_passwords else "")

    def admit(
        self, page: str, authorization: str, token: str | None, client_key: Hashable
    ) -> Grant:
        """Let a request in; raises HttpError (401, 403, 429, 503).

        ``authorization`` is the header's value, "" for none, ``token`` the one
        in the query; ``party`` is whom failures are counted against.
        """
        if self.is_open or page in _OPEN:
            return Grant()
        scheme, _, value = authorization.strip().partition(" ")
        if scheme.lower() == "basic" and self._passwords is not None:
            return self._by_password(value.strip(), client_key)
        if scheme.lower() == "bearer":
            token = value.strip()
        if token is not None and self._tokens is not None:
            return self._by_token(token, page, client_key)
        raise HttpError(401, self._what_is_needed(page))

    def _what_is_needed(self, page: str) -> str:
        if page not in _VIEWS and not self.has_passwords:
            return "this page needs a user's password, and the server was given no --auth-file"
        named = ["a user name and password"] if self.has_passwords else []
        named += ["a token"] if self._tokens is not None and page in _VIEWS else []
        return f"this page needs {' or '.join(named)}"

    def _by_password(self, encoded: str, client_key: Hashable) -> Grant:
        user, password = _read_basic(encoded)
        known = self._passwords
        assert known is not None
        entries = known.looked_at()
        entry = entries.get(user)
        digest = hmac.digest(self._key, user.encode() + b"\0" + password, hashlib.sha256)
        with self._lock:
            self._see_lockout(client_key)
            right = entry is not None and self._remembered.get(digest) == entry
        if not right:
            if not self._checks.acquire(blocking=False):
                raise HttpError(503, "too many passwords are being checked", _RETRY_SECONDS)
            try:
                # An unknown user takes as long as a wrong password.
                compared = entry or next(iter(entries.values()))
                self._check(password, compared, entry is not None, digest, client_key)
            finally:
                self._checks.release()
        return Grant(lambda: known.content().get(user) == entry, known.looked_at)

    def _check(
        self, password: bytes, entry: bytes, exists: bool, digest: bytes, client_key: Hashable
    ) -> None:
        """See that a password is that of an entry, and remember it; raises HttpError."""
        with self._hashing:
            with self._lock:
                # Guesses made at one time count one after the other.
                self._see_lockout(client_key)
            right = _matches(password, entry) and exists
            with self._lock:
                if not right:
                    self._lockout.failed(client_key, time.monotonic())
                    raise HttpError(401, "the user name or the password is wrong")
                if len(self._remembered) >= _MAX_REMEMBERED:
                    self._remembered.clear()
                self._remembered[digest] = entry

    def _by_token(self, token: str, page: str, client_key: Hashable) -> Grant:
        known = self._tokens
        assert known is not None
        digest = token_digest(token)

        def holds() -> bool:
            found = known.content().get(digest)
            return found is not None and (found.expires is None or time.time() < found.expires)

        known.looked_at()
        with self._lock:
            self._see_lockout(client_key)
            if not holds():
                self._lockout.failed(client_key, time.monotonic())
                raise HttpError(401, "the token is unknown or has expired")
        if page not in _VIEWS:
            raise HttpError(403, "a token shows the picture only; this page needs a password")
        return Grant(holds, known.looked_at)

    def _see_lockout(self, client_key: Hashable) -> None:
        """Refuse who has guessed too often.  _lock is held."""
        seconds = self._lockout.seconds_left(client_key, time.monotonic())
        if seconds:
            raise HttpError(429, "too many wrong credentials; wait", retry_after=int(seconds) + 1)


def _matches(password: bytes, entry: bytes) -> bool:
    """Whether a password is that of a bcrypt hash; takes as long as the hash's cost says."""
    return bcrypt.checkpw(password[:_MAX_PASSWORD_BYTES], entry)


def _read_basic(encoded: str) -> tuple[str, bytes]:
    """Read the credentials of Basic authentication (RFC 7617); raises HttpError."""
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
        # To bcrypt "a" and "a\0a" are one password: it goes round and round, with a
        # NUL behind each round.
        if not colon or b"\0" in password:
            raise ValueError
        return user.decode(), password
    except (binascii.Error, ValueError):
        raise HttpError(401, "the Authorization header cannot be read") from None
