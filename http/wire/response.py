"""What a response is made of: status code, headers, body, or one sentence.  Pure."""

import time
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import NamedTuple

Header = tuple[str, str]

# What stands between is not to compress, and so to hold back.
UNBUFFERED: tuple[Header, ...] = (
    ("Cache-Control", "no-store, no-transform"),
    ("X-Accel-Buffering", "no"),
)

# How long a request waits for the first picture, or one of now.  Dashboards give up at 5 s.
PICTURE_SECONDS = 4.0

# Whatever the locale, so not by strftime (RFC 9110, 5.6.7).
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


class HttpError(Exception):
    """A request is refused: the status code and one sentence."""

    def __init__(
        self,
        status: int,
        sentence: str,
        retry_after: int | None = None,
        headers: Sequence[Header] = (),
    ) -> None:
        """``headers`` take the place of those that all refusals with this status have."""
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_after = retry_after
        self.headers = headers


def no_picture() -> HttpError:
    """Make what a request is refused with that has waited for a picture in vain."""
    return HttpError(503, "the display gives no picture at the moment", retry_after=2)


class Response(NamedTuple):
    """A whole response, but for the headers that every one has."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[Header, ...] = ()


def http_date(moment: float) -> str:
    """Write a moment, in seconds of CLOCK_REALTIME, as headers have it.

    As email.utils does, which takes 10 ms to load.
    """
    when = time.gmtime(moment)
    return (
        f"{_DAYS[when.tm_wday]}, {when.tm_mday:02} {_MONTHS[when.tm_mon - 1]} {when.tm_year:04} "
        f"{when.tm_hour:02}:{when.tm_min:02}:{when.tm_sec:02} GMT"
    )


def response_head(status: int, headers: Iterable[Header]) -> bytes:
    """Give status line and headers, closed by the blank line."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def short_response(status: int, sentence: str, retry_after: int | None = None) -> bytes:
    """Give a whole response of one sentence, after which the connection ends."""
    body = f"{sentence}\n".encode()
    headers = common_headers("webcapd", "text/plain; charset=utf-8", len(body), close=True)
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    return response_head(status, headers) + body


def common_headers(server: str, content_type: str, length: int | None, close: bool) -> list[Header]:
    """List the headers that every response has.

    ``length`` is None for a body that ends with the connection, and -1 where
    there is none at all (204, 304).
    """
    headers = [
        ("Server", server),
        ("Date", http_date(time.time())),
        ("Content-Type", content_type),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if length is None:
        # Without it, nginx buffers the stream before it passes any on.
        headers.append(("X-Accel-Buffering", "no"))
    elif length >= 0:
        headers.append(("Content-Length", str(length)))
    if close:
        headers.append(("Connection", "close"))
    return headers
