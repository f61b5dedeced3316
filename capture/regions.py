"""XFixes regions for python-xlib, which leaves these requests out.

Opcodes and layouts: xfixesproto 2.0 (CreateRegion 5, DestroyRegion 10,
FetchRegion 19).
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from Xlib.display import Display
from Xlib.protocol import rq, structs

_EXTENSION = "XFIXES"


class _CreateRegion(rq.Request):
    _request: ClassVar[rq.Struct] = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(5),
        rq.RequestLength(),
        rq.Card32("region"),
        rq.List("rectangles", structs.Rectangle),
    )


class _FetchRegion(rq.ReplyRequest):
    _request: ClassVar[rq.Struct] = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(19), rq.RequestLength(), rq.Card32("region")
    )
    _reply: ClassVar[rq.Struct] = rq.Struct(
        rq.ReplyCode(),
        rq.Pad(1),
        rq.Card16("sequence_number"),
        rq.ReplyLength(),
        rq.Pad(24),
        # Raw bytes: python-xlib takes 10 us to parse each rectangle, and a
        # region may have hundreds.
        rq.Binary("rectangles"),
    )


def create_region(display: Display) -> int:
    """Make an empty region; returns its X id."""
    region: int = display.display.allocate_resource_id()
    opcode = display.display.get_extension_major(_EXTENSION)
    _CreateRegion(display=display.display, opcode=opcode, region=region, rectangles=[])
    return region


def fetch_region(display: Display, region: int) -> NDArray[np.int32]:
    """Fetch a region as (n, 4) rows of x, y, width, height; one round trip."""
    opcode = display.display.get_extension_major(_EXTENSION)
    reply = _FetchRegion(display=display.display, opcode=opcode, region=region)
    return np.frombuffer(reply.rectangles, np.dtype("=i2")).reshape(-1, 4).astype(np.int32)
