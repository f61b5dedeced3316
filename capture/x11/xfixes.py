"""XFixes requests that python-xlib leaves out, or parses number by number.

Opcodes and layouts: fixesproto 2.0 (GetCursorImage 4, CreateRegion 5).
"""

from typing import ClassVar, NamedTuple

import numpy as np
from Xlib.display import Display
from Xlib.error import XError
from Xlib.protocol import rq, structs

from webcapd.capture.overlay import SpriteImage

_EXTENSION = "XFIXES"


class _CreateRegion(rq.Request):
    _request: ClassVar[rq.Struct] = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(5),
        rq.RequestLength(),
        rq.Card32("region"),
        rq.List("rectangles", structs.Rectangle),
    )


class _GetCursorImage(rq.ReplyRequest):
    _request: ClassVar[rq.Struct] = rq.Struct(rq.Card8("opcode"), rq.Opcode(4), rq.RequestLength())
    _reply: ClassVar[rq.Struct] = rq.Struct(
        rq.ReplyCode(),
        rq.Pad(1),
        rq.Card16("sequence_number"),
        rq.ReplyLength(),
        rq.Int16("x"),
        rq.Int16("y"),
        rq.Card16("width"),
        rq.Card16("height"),
        rq.Card16("xhot"),
        rq.Card16("yhot"),
        rq.Card32("cursor_serial"),
        rq.Pad(8),
        rq.Binary("pixels"),
    )


class CursorImage(NamedTuple):
    """A pointer's image."""

    image: SpriteImage
    hot: tuple[int, int]


def create_region(display: Display) -> int:
    """Make an empty region; returns its X id."""
    region: int = display.display.allocate_resource_id()
    opcode = display.display.get_extension_major(_EXTENSION)
    _CreateRegion(display=display.display, opcode=opcode, region=region, rectangles=[])
    return region


def fetch_cursor(display: Display) -> CursorImage | None:
    """Fetch the pointer's image; None while the server shows none.  One round trip."""
    opcode = display.display.get_extension_major(_EXTENSION)
    try:
        reply = _GetCursorImage(display=display.display, opcode=opcode)
    except XError:
        # BadCursor: there is no pointer, or it is blanked.
        return None
    # python-xlib speaks the machine's own byte order, so an ARGB value is
    # brought to bytes B, G, R, A by writing it with the low byte first.
    values = np.frombuffer(reply.pixels, "=u4", reply.width * reply.height).astype("<u4")
    pixels = values.view(np.uint8).reshape(reply.height, reply.width, 4)
    return CursorImage(SpriteImage(pixels), (reply.xhot, reply.yhot))
