"""The head of a request, parsed: h11 reads it, and what h11 leaves open is decided here.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from webcapd.base.process.late import h11
from webcapd.base.redaction import one_line
from webcapd.http.wire.response import HttpError

_MAX_HEADERS = 100

# Of what h11 buffers of a body: the line of a chunk, the lines behind the last one.
_MAX_INCOMPLETE_BYTES = 64 * 1024

_VERSIONS = ("1.0", "1.1")


class Headers:
    """The header lines, by name in any case."""

    def __init__(self, lines: Iterable[tuple[bytes, bytes]]) -> None:
        """``lines`` have their names in lower case."""
        self._values: dict[str, list[str]] = {}
        for name, value in lines:
            self._values.setdefault(name.decode("ascii"), []).append(value.decode("latin-1"))

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def get(self, name: str, default: str = "") -> str:
        """Give the value of the first line of a name."""
        return self._values.get(name.lower(), [default])[0]

    def get_all(self, name: str) -> list[str]:
        """Give the values of all lines of a name, in order."""
        return self._values.get(name.lower(), [])

    def listed(self, name: str) -> list[str]:
        """Give the members of a header that is a list, in lower case (RFC 9110, 5.6.1)."""
        values = ",".join(self.get_all(name)).lower().split(",")
        return [one.strip() for one in values]


@dataclass(frozen=True)
class Request:
    """A request's head, parsed."""

    method: str
    target: str
    version: str
    """1.0 or 1.1."""
    headers: Headers

    @property
    def has_body(self) -> bool:
        """Whether bytes follow that belong to this request."""
        lengths = self.headers.get_all("content-length")
        return "transfer-encoding" in self.headers or any(length.strip("0") for length in lengths)

    @property
    def is_last(self) -> bool:
        """Whether the client sends no other one on the same connection."""
        return self.version == "1.0" or "close" in self.headers.listed("connection")


def new_parser() -> h11.Connection:
    """Give a parser for one request."""
    return h11.Connection(h11.SERVER, _MAX_INCOMPLETE_BYTES)


def read_head(parser: h11.Connection, head: bytes) -> Request:
    """Parse a whole head; raises HttpError (400, 431, 501, 505)."""
    _check_bytes(head)
    try:
        parser.receive_data(head)
        event = parser.next_event()
    except h11.RemoteProtocolError as error:
        status = error.error_status_hint
        raise HttpError(status, f"the request is malformed: {reason_of(error)}") from None
    if not isinstance(event, h11.Request):
        raise HttpError(400, "the request is malformed: its head has no end")
    request = Request(
        event.method.decode("ascii"),
        event.target.decode("ascii"),
        event.http_version.decode("ascii"),
        Headers(event.headers),
    )
    _check_version(request)
    return request


def reason_of(error: h11.RemoteProtocolError) -> str:
    """Give the sentence of what h11 found wrong."""
    # Behind the colon it quotes the line.
    return one_line(str(error).partition(": bytearray")[0])


def _check_bytes(head: bytes) -> None:
    """Refuse what h11 would refuse in a time that grows with the square; raises HttpError.

    Its pattern for a header line tries all ways to divide a row of blanks
    before a byte that no line may have.
    """
    if head.count(b"\n") > _MAX_HEADERS + 2:
        raise HttpError(431, f"the request has more than {_MAX_HEADERS} header lines")
    bare_returns = head.count(b"\r") - head.count(b"\r\n")
    if bare_returns or any(byte in head for byte in (b"\0", b"\v", b"\f")):
        raise HttpError(400, "the request is malformed: it has control characters in a line")


def _check_version(request: Request) -> None:
    """Check the version, and that the body's length is unambiguous; raises HttpError."""
    if request.version not in _VERSIONS:
        raise HttpError(505, "HTTP/1.1 and HTTP/1.0 are spoken here")
    if "transfer-encoding" in request.headers and (
        request.version == "1.0" or "content-length" in request.headers
    ):
        # Proxies on the way may have read another length (RFC 9112, 6.1 and 6.3).
        raise HttpError(400, "the request is malformed: its length is given in two ways")
