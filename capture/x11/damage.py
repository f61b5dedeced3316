"""What was drawn since last time, taken by way of the pixel plane's connection.

Regions and damage objects belong to the server, not to a connection: python-xlib
makes them and receives the events, and this side empties them.  Two requests and
one answer take python-xlib half a millisecond, and a change of a few pixels
little more in all.  Layouts: damageproto 1.1 (QueryVersion 0, Subtract 3),
fixesproto 2.0 (QueryVersion 0, CreateRegion 5, FetchRegion 19).
"""

from __future__ import annotations

import struct
from typing import ClassVar, NamedTuple

from Xlib.display import Display
from Xlib.protocol import rq, structs

from webcapd.capture.source import SourceError
from webcapd.capture.x11.xcb import Request, XcbConnection

_NO_REGION = 0

# A reply's fixed part; rectangles of four 16-bit numbers follow.
_REPLY_BYTES = 32
_RECTANGLE = struct.Struct("=hhHH")


class _CreateRegion(rq.Request):
    _request: ClassVar[rq.Struct] = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(5),
        rq.RequestLength(),
        rq.Card32("region"),
        rq.List("rectangles", structs.Rectangle),
    )


class DamageIds(NamedTuple):
    """What python-xlib has made, and under which opcodes the extensions go."""

    damage: int
    region: int
    damage_opcode: int
    xfixes_opcode: int


def create_region(display: Display) -> int:
    """Make an empty region; returns its X id."""
    region: int = display.display.allocate_resource_id()
    opcode = display.display.get_extension_major("XFIXES")
    _CreateRegion(display=display.display, opcode=opcode, region=region, rectangles=[])
    return region


class DamageTaker:
    """Empties a damage object.  Encoder thread only."""

    def __init__(self, connection: XcbConnection, ids: DamageIds) -> None:
        """Make the extensions listen to this connection; raises SourceError."""
        self._connection = connection
        # The server answers a client only after it has been told its version.
        for opcode, major, minor in ((ids.damage_opcode, 1, 1), (ids.xfixes_opcode, 2, 0)):
            connection.ask(Request(opcode, 0, struct.pack("=II", major, minor)))
        parts = struct.pack("=III", ids.damage, _NO_REGION, ids.region)
        self._subtract = Request(ids.damage_opcode, 3, parts)
        self._fetch = Request(ids.xfixes_opcode, 19, struct.pack("=I", ids.region))

    def take(self) -> list[tuple[int, int, int, int]]:
        """Take what was drawn since last time: x, y, width, height of each place.

        One round trip; whatever is drawn after it is reported anew.  Raises SourceError.
        """
        self._connection.tell(self._subtract)
        reply = self._connection.ask(self._fetch)
        if len(reply) < _REPLY_BYTES:
            raise SourceError(
                f"the X server of display {self._connection.display} does not tell what was drawn"
            )
        return list(_RECTANGLE.iter_unpack(reply[_REPLY_BYTES:]))
