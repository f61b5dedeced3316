"""Who has access, and for how long.

Basic authentication gives access to everything, a token to the picture only.
Too many wrong credentials lock a client out for a while.  Secrets are never logged.
"""

import base64
import binascii
import hashlib
import hmac
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from webcapd.base.process.late import bcrypt
from webcapd.http.access.credentials import parse_passwords, parse_tokens, token_digest
from webcapd.http.access.reloading import ReloadingFile
from webcapd.http.wire.response import HttpError

# What a token gives access to.
_VIEWS = ("stream", "updates", "video", "snapshot", "index", "embed", "wall", "displays")

# Without credentials of any kind: health checks of load balancers, and what browsers
# request without a token, which has nothing of the display in it.
# What caches ask for is there only where all may see it, or the cache checks who asks.
_OPEN = ("health", "favicon.ico", "page", "manifest", "tiles")

# bcrypt ignores the rest.
_MAX_PASSWORD_BYTES = 72

_MAX_REMEMBERED = 1024

# Passwords being checked, or waiting for that: each holds a thread, and one
# check takes a quarter of a second.
_MAX_CHECKS = 16
_RETRY_SECONDS = 2

# So many wrong credentials within the window lock a client out for as long.
MAX_FAILURES = 10
WINDOW_SECONDS = 60.0

# Clients remembered; the one whose last failure is longest ago goes first.
_MAX_CLIENTS = 4096


class AccessRevoked(Exception):
    """A client that had access has it no longer."""


class Grant:
    """Access given to one request."""

    def __init__(
        self,
        seconds_left: Callable[[], float] | None = None,
        reload: Callable[[], object] = lambda: None,
    ) -> None:
        """``seconds_left`` tells for how long it is valid, None: for good.

        ``reload`` reads the file that the access comes from, if it has changed.
        """
        self.can_end = seconds_left is not None
        """Whether it may expire or be revoked."""
        self._seconds_left = seconds_left
        self._reload = reload

    def seconds_left(self) -> float:
        """Tell for how long it is valid if it is not revoked, as far as is known; never waits.

        0 or less: it has ended.
        """
        return math.inf if self._seconds_left is None else self._seconds_left()

    def is_valid_now(self) -> bool:
        """Whether it is valid, by the file as it is now; waits a moment at most."""
        self._reload()
        return self.seconds_left() > 0


class Lockout:
    """Wrong credentials by client.  Not for several threads at once."""

    def __init__(self) -> None:
        self._failures: OrderedDict[Hashable, list[float]] = OrderedDict()

    def seconds_left(self, client_key: Hashable, now: float) -> float:
        """Give how long a client stays locked out; 0 if it is not."""
        failures = self._failures.get(client_key, [])
        if len(failures) < MAX_FAILURES:
            return 0.0
        return max(0.0, failures[-1] + WINDOW_SECONDS - now)

    def failed(self, client_key: Hashable, now: float) -> None:
        """Note wrong credentials."""
        recent = [at for at in self._failures.pop(client_key, ()) if at > now - WINDOW_SECONDS]
        self._failures[client_key] = [*recent, now][-MAX_FAILURES:]
        while len(self._failures) > _MAX_CLIENTS:
            self._failures.popitem(last=False)


class Access:
    """The credentials that give access; for any thread."""

    def __init__(self, auth_file: str, token_file: str) -> None:
        """Read the files named, "" for none; raises ValueError with a sentence."""
        self._passwords = ReloadingFile(auth_file, parse_passwords) if auth_file else None
        try:
            self._tokens = ReloadingFile(token_file, parse_tokens) if token_file else None
        except ValueError:
            if self._passwords is not None:
                self._passwords.close()
            raise
        self._key = os.urandom(32)
        # One at a time: bcrypt is slow on purpose, and the screen goes first.
        # A password known to be right, or a token, waits for no hashing.
        self._hashing = threading.Lock()
        self._checks = threading.BoundedSemaphore(_MAX_CHECKS)
        self._lock = threading.Lock()
        self._lockout = Lockout()  # Guarded by _lock.
        self._remembered: dict[bytes, bytes] = {}  # Guarded by _lock.
        """Digest of user and password, to the entry that they matched."""

    def close(self) -> None:
        """Read the files no more; returns at once."""
        for file in (self._passwords, self._tokens):
            if file is not None:
                file.close()

    @property
    def is_open(self) -> bool:
        """Whether everybody has access."""
        return self._passwords is None and self._tokens is None

    @property
    def has_passwords(self) -> bool:
        return self._passwords is not None

    @property
    def challenge(self) -> str:
        """The value of WWW-Authenticate in a 401."""
        scheme = "Basic" if self.has_passwords else "Bearer"
        return f'{scheme} realm="webcapd"' + (', charset="UTF-8"' if self.has_passwords else "")

    def admit(
        self, page: str, authorization: str, token: str | None, client_key: Hashable
    ) -> Grant:
        """Give a request access; raises HttpError (401, 403, 429, 503).

        ``authorization`` is the header's value, "" for none, ``token`` the one
        in the query; by ``client_key`` failures are counted.
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
        raise HttpError(401, self._needed_for(page))

    def _needed_for(self, page: str) -> str:
        if page not in _VIEWS and not self.has_passwords:
            return "this page needs a user's password, and the server was given no --auth-file"
        named = ["a user name and password"] if self.has_passwords else []
        named += ["a token"] if self._tokens is not None and page in _VIEWS else []
        return f"this page needs {' or '.join(named)}"

    def _by_password(self, encoded: str, client_key: Hashable) -> Grant:
        user, password = _read_basic(encoded)
        file = self._passwords
        assert file is not None
        entries = file.reload()
        entry = entries.get(user)
        digest = hmac.digest(self._key, user.encode() + b"\0" + password, hashlib.sha256)
        with self._lock:
            self._check_lockout(client_key)
            matches = entry is not None and self._remembered.get(digest) == entry
        if not matches:
            if not self._checks.acquire(blocking=False):
                raise HttpError(503, "too many passwords are being checked", _RETRY_SECONDS)
            try:
                # An unknown user takes as long as a wrong password.
                compared = entry or next(iter(entries.values()))
                self._check(password, compared, entry is not None, digest, client_key)
            finally:
                self._checks.release()

        def seconds_left() -> float:
            return math.inf if file.content().get(user) == entry else 0.0

        return Grant(seconds_left, file.reload)

    def _check(
        self, password: bytes, entry: bytes, exists: bool, digest: bytes, client_key: Hashable
    ) -> None:
        """Check that a password matches an entry, and remember it; raises HttpError."""
        with self._hashing:
            with self._lock:
                # Guesses made at the same time count one after the other.
                self._check_lockout(client_key)
            matches = _matches(password, entry) and exists
            with self._lock:
                if not matches:
                    self._lockout.failed(client_key, time.monotonic())
                    raise HttpError(401, "the user name or the password is wrong")
                if len(self._remembered) >= _MAX_REMEMBERED:
                    self._remembered.clear()
                self._remembered[digest] = entry

    def _by_token(self, token: str, page: str, client_key: Hashable) -> Grant:
        file = self._tokens
        assert file is not None
        digest = token_digest(token)

        def seconds_left() -> float:
            found = file.content().get(digest)
            if found is None or found.expires is None:
                return 0.0 if found is None else math.inf
            return found.expires - time.time()

        file.reload()
        with self._lock:
            self._check_lockout(client_key)
            if seconds_left() <= 0:
                self._lockout.failed(client_key, time.monotonic())
                raise HttpError(401, "the token is unknown or has expired")
        if page not in _VIEWS:
            raise HttpError(403, "a token shows the picture only; this page needs a password")
        return Grant(seconds_left, file.reload)

    def _check_lockout(self, client_key: Hashable) -> None:
        """Raise HttpError (429) while a client is locked out.  _lock is held."""
        seconds = self._lockout.seconds_left(client_key, time.monotonic())
        if seconds:
            raise HttpError(429, "too many wrong credentials; wait", retry_after=int(seconds) + 1)


def _matches(password: bytes, entry: bytes) -> bool:
    """Whether a password matches a bcrypt hash; takes as long as the hash's cost says."""
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
