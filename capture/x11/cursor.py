"""The pointer: what it looks like, and when to ask where it is.

Its image and hot spot come from XFixes (fixesproto 2.0, GetCursorImage 4, which
python-xlib parses number by number); where it is comes with every grab.
"""

import math
from collections.abc import Callable
from typing import ClassVar, NamedTuple

from Xlib.display import Display
from Xlib.error import XError
from Xlib.protocol import rq

from webcapd.base.process.late import np
from webcapd.capture.overlay import Sprite, SpriteImage

# A pointer that moves is asked for with each frame, and for so long afterwards.
_RESTLESS_SECONDS = 2.0

# Another one so often that its first move is shown in 0.2 s.
_RESTING_PERIOD = 0.17

Place = tuple[int, int]


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


class PointerWatch:
    """When to ask where the pointer is.

    A hand's motion is reported.  That of a program (XWarpPointer: xdotool, games,
    tests) is reported to nobody: only a query finds it.  No clock of
    its own: the caller brings the time.
    """

    def __init__(self) -> None:
        self._place: Place | None = None
        self._asked = self._moved = -math.inf

    def wait(self, now: float, fps: float) -> float:
        """Seconds until it is to be asked for again, where so many frames a second are wanted."""
        period = _RESTING_PERIOD
        if now - self._moved < _RESTLESS_SECONDS:
            period = min(period, 1 / fps)
        return max(0.0, self._asked + period - now)

    def seen(self, place: Place | None, now: float) -> bool:
        """Note where it is; tells whether that is another place."""
        is_first, self._asked = self._asked == -math.inf, now
        if place == self._place:
            return False
        self._place = place
        if not is_first:
            # Seen for the first time it has not moved.
            self._moved = now
        return True


class Pointer:
    """Follows the pointer: its image when that is another, its place at each refresh.

    Encoder thread only.
    """

    def __init__(self, fetch: Callable[[], CursorImage | None]) -> None:
        """``fetch`` asks the server for the image; it may raise SourceError."""
        self._fetch = fetch
        self._image: CursorImage | None = None
        self._stale = True

    def mark_stale(self) -> None:
        """Have the image fetched anew before it is shown again."""
        self._stale = True

    def sprite(self, x: int, y: int) -> Sprite | None:
        """Give its image for a place of the frame buffer; None while the server shows none."""
        if self._stale:
            self._image = self._fetch()
            self._stale = False
        if self._image is None:
            return None
        hot_x, hot_y = self._image.hot
        return self._image.image.at(x - hot_x, y - hot_y, self._image.hot)


def fetch_cursor(display: Display) -> CursorImage | None:
    """Fetch the pointer's image; None while the server shows none.  One round trip."""
    opcode = display.display.get_extension_major("XFIXES")
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
