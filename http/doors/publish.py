"""``POST|PUT /publish/NAME``: pictures that somebody sends, one or many, to the feed of that name.

They are read in the thread of the request, checked there, and handed to the feed's
inlet, of which the encoder thread takes the newest.
"""

import logging
import math
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from webcapd.base.framing.multipart import MultipartReader, Part
from webcapd.base.framing.picture import TooLarge
from webcapd.capture.feeds.feed import FeedPicture
from webcapd.capture.feeds.received.inlet import Inlet, Occupied
from webcapd.capture.feeds.received.intake import Intake
from webcapd.http.access.access import Grant
from webcapd.http.access.clients import client_key
from webcapd.http.access.publishers import CHALLENGE, PublishAccess, check_is_no_foreign_page
from webcapd.http.exchange import Exchange
from webcapd.http.wire.response import HttpError, Response

log = logging.getLogger(__name__)

METHODS = "POST, PUT"

_PATH = re.compile(r"/publish/([^/?#]*)(?:[?#]|$)")

_MAX_SENDERS = 4
_RETRY_SECONDS = 10

# From one line on a refusal to the next.
_QUIET_SECONDS = 1.0


class PublishDoor:
    """Where pictures may be sent to, and by whom; for any thread."""

    def __init__(self, access: PublishAccess, inlets: Mapping[str, Inlet[FeedPicture]]) -> None:
        """``inlets`` are by name; they are not changed any more."""
        self._access = access
        self._inlets = inlets
        self._places = threading.BoundedSemaphore(_MAX_SENDERS)
        self._lock = threading.Lock()
        self._quiet_until = -math.inf  # Guarded by _lock.

    def serves(self, target: str) -> bool:
        """Whether a request's target is an address to send pictures to."""
        return _PATH.match(target) is not None

    def receive(self, exchange: Exchange) -> None:
        """Take the pictures of one request, until it ends, and answer it.

        Raises HttpError, and OSError when the client is gone.
        """
        try:
            self._receive(exchange)
        except HttpError as error:
            self._log_refusal(f"{exchange.client} sent what is refused: {error.sentence}")
            raise

    def _log_refusal(self, sentence: str) -> None:
        """Log why somebody's pictures do not come: ffmpeg for one does not tell its user."""
        now = time.monotonic()
        with self._lock:
            # Strangers must not fill the log.
            if now < self._quiet_until:
                return
            self._quiet_until = now + _QUIET_SECONDS
        log.info("%s", sentence)

    def _receive(self, exchange: Exchange) -> None:
        check_is_no_foreign_page(exchange.request.headers)
        grant = self._admit(exchange)
        found = _PATH.match(exchange.request.target)
        name = found[1] if found else ""
        if name not in self._inlets:
            raise HttpError(404, "no pictures are taken under this name; --source push:NAME does")
        if exchange.request.method not in METHODS.split(", "):
            refusal = "to this address pictures are sent, by POST or PUT"
            raise HttpError(405, refusal, headers=(("Allow", METHODS),))
        with self._place(self._inlets[name], exchange.client):
            count = _Reception(exchange, name, self._inlets[name], grant).run()
        text = f"{count} {'picture' if count == 1 else 'pictures'} taken\n"
        exchange.send(Response(200, "text/plain; charset=utf-8", text.encode()))

    def _admit(self, exchange: Exchange) -> Grant:
        authorization = exchange.request.headers.get("authorization")
        try:
            return self._access.admit(authorization, client_key(exchange.address))
        except HttpError as error:
            if error.status == 401:
                error.headers = (("WWW-Authenticate", CHALLENGE),)
            raise

    @contextmanager
    def _place(self, inlet: Inlet[FeedPicture], client: str) -> Iterator[None]:
        """Have one of the places while the context lasts; raises HttpError (409, 503)."""
        if not self._places.acquire(blocking=False):
            sentence = f"{_MAX_SENDERS} others are sending pictures, which is all there may be"
            raise HttpError(503, sentence, _RETRY_SECONDS)
        try:
            with inlet.occupied(client):
                yield
        except Occupied:
            raise HttpError(409, "another one is sending pictures here", _RETRY_SECONDS) from None
        finally:
            self._places.release()


class _Reception:
    """One body, and what becomes of its pictures; for one client thread."""

    def __init__(
        self, exchange: Exchange, name: str, inlet: Inlet[FeedPicture], grant: Grant
    ) -> None:
        self._exchange, self._name, self._inlet, self._grant = exchange, name, inlet, grant
        self._reader = MultipartReader()
        self._intake = Intake(inlet)

    def run(self) -> int:
        """Take all pictures there are; gives how many.  Raises HttpError, OSError."""
        began, why = time.monotonic(), "it sent all it had"
        try:
            self._read()
        except HttpError as error:
            why = error.sentence
            raise
        except OSError:
            why = "it hung up"
            raise
        finally:
            if self._reader.is_multipart and self._intake.has_put:
                self._inlet.end(f"nobody sends pictures to push:{self._name} any more")
            if self._reader.is_multipart and self._intake.pictures:
                seconds = time.monotonic() - began
                log.info(
                    "%s has sent %d pictures to push:%s in %.1f s: %s",
                    *(self._exchange.client, self._intake.pictures, self._name, seconds, why),
                )
        return self._intake.pictures

    def _read(self) -> None:
        body = self._exchange.body
        assert body is not None, "the head has been read"
        try:
            for piece in body.pieces(math.inf, math.inf):
                if self._grant.seconds_left() <= 0:
                    raise HttpError(401, "access was revoked meanwhile")
                self._take(self._reader.feed(piece))
            self._take(self._reader.end())
        except TooLarge as error:
            raise HttpError(413, str(error)) from None
        except ValueError as error:
            raise HttpError(400, f"the body is no JPEG and no stream of them: {error}") from None

    def _take(self, parts: list[Part]) -> None:
        """Take the newest of the pictures that have come; raises HttpError (400)."""
        if not parts:
            return
        many = self._reader.is_multipart
        if not self._intake.pictures and many:
            log.info("%s begins to send pictures to push:%s", self._exchange.client, self._name)
        try:
            self._intake.take([part.data for part in parts], *(() if many else (1,)))
        except ValueError as error:
            raise HttpError(400, str(error)) from None
