"""Requests mutated at random, against RFC 9112's grammar written down once more."""

import random
import re

from program import Webcapd, webcapd
from rawhttp import raw
from soak import scenario
from test_any_bytes import check, exchange
from xserver import xvfb

from webcapd.http.wire.request import Request, new_parser, read_head
from webcapd.http.wire.response import HttpError

_HOST = b"Host: localhost\r\n"
_RIGHT = (
    b"GET /?snapshot HTTP/1.1\r\n" + _HOST + b"User-Agent: any\r\nAccept: */*\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\n" + _HOST + b"Origin: http://a\r\nContent-Length: 12\r\n\r\n",
    b"POST /?info HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\n",
    b"HEAD http://localhost/?health HTTP/1.0\r\nContent-Length: 3, 3\r\n\r\n",
    b"GET / HTTP/1.1\r\nConnection: close\r\n" + _HOST + b"X: a\r\n b\r\n\r\n",
)
_ODD = [bytes([byte]) for byte in range(256)] + [
    *(b"\r\n", b"\r", b"\n", b" ", b"\t", b":", b"\0", b"0", b"1", b",", b"From me", b"\r\n ", b""),
    *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n", b"HTTP/1.1"),
]

_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~]+ HTTP/(1\.[01])")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0\v\f\r\n]*)")
_WIRE_SHARE = 100
"""One request in so many is sent to a server."""


def mutated(chance: random.Random) -> bytes:
    """Give a good head with something else in some places, up to its first empty line."""
    data = chance.choice(_RIGHT)
    for _ in range(chance.randint(1, 3)):
        start = chance.randint(0, len(data))
        end = min(len(data), start + chance.choice((0, 0, 1, 1, 2, 8)))
        data = data[:start] + chance.choice(_ODD) + data[end:]
    data = data.lstrip(b"\r\n")
    end_of_head = re.search(rb"\n\r?\n", data)
    return data[: end_of_head.end()] if end_of_head else data.rstrip(b"\r\n") + b"\r\n\r\n"


def is_well_formed(head: bytes) -> bool:
    """Whether a head is right by the grammar; lines may end by LF and be folded."""
    # RFC 9112, 2.2 and 5.2.
    lines = re.split(rb"\r?\n", re.sub(rb"\r?\n\r?\n\Z", b"", head))
    if any(line[:1] in (b" ", b"\t") for line in lines[:2]):
        return False
    request_line, *headers = re.sub(rb"\n[ \t]+", b" ", b"\n".join(lines)).split(b"\n")
    match = _REQUEST_LINE.fullmatch(request_line)
    found = [_HEADER.fullmatch(line) for line in headers]
    if match is None or None in found:
        return False
    fields = [(one[1].lower(), one[2].strip(b" \t").lower()) for one in found if one]
    return _is_framed_once(fields, match[1] == b"1.0")


def _is_framed_once(fields: list[tuple[bytes, bytes]], old: bool) -> bool:
    """Whether host and length are given in one way (RFC 9112, 3.2 and 6)."""
    hosts = [value for name, value in fields if name == b"host"]
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    lengths = {
        length.strip()
        for name, value in fields
        if name == b"content-length"
        for length in value.split(b",")
    }
    if len(hosts) > 1 or not (hosts or old):
        return False
    if codings:
        return codings == [b"chunked"] and not lengths and not old
    return len(lengths) < 2 and all(re.fullmatch(rb"[0-9]{1,20}", one) for one in lengths)


def parsed(head: bytes) -> Request | None:
    try:
        return read_head(new_parser(), head)
    except HttpError as error:
        assert error.status in (400, 431, 501, 505), error.status
        assert error.sentence.isprintable()
        return None


def send(program: Webcapd, head: bytes) -> None:
    """Send a head and another request behind it; what comes back must be HTTP."""
    data = head + b"GET /?health HTTP/1.1\r\n" + _HOST + b"\r\n"
    check(exchange(program, [data]), to_head=b"HEAD" in data)


@scenario("requests", 100_000)
def requests(count: int) -> str:
    """Parse mutated requests as the grammar says, and answer some of them."""
    chance = random.Random()
    well_formed = sent = 0
    with xvfb(48, 32) as screen, webcapd("--display", screen.name) as program:
        for number in range(count):
            head = mutated(chance)
            right = parsed(head) is not None
            assert right == is_well_formed(head), head
            well_formed += right
            if number % _WIRE_SHARE == 0:
                send(program, head)
                sent += 1
        with raw(program) as client:
            client.request("/?health")
            assert client.head().code == 200
        assert len(program.own_lines()) == 1, program.own_lines()
    return f"{well_formed} well-formed, {count - well_formed} refused, {sent} sent; no difference"
