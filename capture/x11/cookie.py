"""The cookie that an X server wants to see, out of the X authority file.

Read here and not by python-xlib and libXau: both read whatever XAUTHORITY names
to its end, and /dev/zero has none.  Format and rules: Xau(3), Xsecurity(7).
"""

import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Xau(3) and X.h.
_INTERNET, _INTERNET6, _LOCAL, _WILD = 0, 6, 256, 0xFFFF

_KIND = b"MIT-MAGIC-COOKIE-1"

# Some thousand displays; an entry takes about 60 bytes.
_MAX_BYTES = 256 * 1024


class Cookie(NamedTuple):
    """What a client shows; both parts are empty for one that has nothing to show."""

    kind: bytes = b""
    data: bytes = b""


class _Entry(NamedTuple):
    family: int
    address: bytes
    number: bytes
    kind: bytes
    data: bytes


def find_cookie(connection: socket.socket, number: int, authority: str = "") -> Cookie:
    """Give the cookie for the display with a number at the other end of a connection.

    From the file ``authority``, or without one from that of the environment.
    One that is empty where there is none: the server says then whether it minds.
    """
    entries = list(_entries(_content(authority)))
    for family, address in _names(connection):
        for entry in entries:
            is_there = entry.family == _WILD or entry[:2] == (family, address)
            if is_there and entry.number in (b"", b"%d" % number) and entry.kind == _KIND:
                return Cookie(entry.kind, entry.data)
    return Cookie()


def _content(authority: str) -> bytes:
    """Read the authority file; empty where there is none to be read."""
    home = os.environ.get("HOME")
    path = authority or os.environ.get("XAUTHORITY") or (home and str(Path(home, ".Xauthority")))
    if not path:
        return b""
    try:
        # A pipe into which nobody writes must not hold us up.
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            return file.read(_MAX_BYTES) or b""
    except (OSError, ValueError):
        return b""


def _entries(content: bytes) -> Iterator[_Entry]:
    """Read the entries of an authority file, up to the first that is cut short."""
    place = 0

    def number() -> int:
        nonlocal place
        (value,) = struct.unpack_from(">H", content, place)
        place += 2
        return int(value)

    def counted() -> bytes:
        nonlocal place
        length = number()
        start, place = place, place + length
        if place > len(content):
            raise struct.error
        return content[start:place]

    try:
        while place < len(content):
            yield _Entry(number(), counted(), counted(), counted(), counted())
    except struct.error:
        return


def _names(connection: socket.socket) -> Iterator[tuple[int, bytes]]:
    """List how the file may name the machine at the other end, family and address."""
    local = _LOCAL, os.fsencode(socket.gethostname())
    if connection.family == socket.AF_UNIX:
        yield local
        return
    address = ipaddress.ip_address(connection.getpeername()[0].partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    yield (_INTERNET if address.version == 4 else _INTERNET6), address.packed
    # ssh forwards a display to localhost:10, and keeps its cookie as that of :10.
    if address.is_loopback:
        yield local
