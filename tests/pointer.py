"""The pointer of an X server: moved, given other images, and laid over a picture slowly."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from Xlib import X
from Xlib.display import Display
from Xlib.ext import xfixes, xtest
from Xlib.protocol import rq
from Xlib.xobject.cursor import Cursor
from Xlib.xobject.drawable import Window
from xserver import Pixels, XServer


def blend_slowly(under: Sequence[int], argb: int) -> list[int]:
    """Lay one ARGB pixel, premultiplied, over one of B, G, R."""
    alpha = argb >> 24
    colours = (argb & 0xFF, argb >> 8 & 0xFF, argb >> 16 & 0xFF)
    return [
        # No value lies half-way, as 255 is odd.
        min(255, colour + round(below * (255 - alpha) / 255))
        for below, colour in zip(under, colours, strict=True)
    ]


def lay_over_slowly(
    picture: Pixels, values: Sequence[int], width: int, left: int, top: int
) -> Pixels:
    """Lay rows of ARGB values over a copy of a B, G, R picture; what is outside is cut off."""
    result = picture.copy()
    height, across = picture.shape[:2]
    for number, value in enumerate(values):
        x, y = left + number % width, top + number // width
        if 0 <= x < across and 0 <= y < height:
            result[y, x] = blend_slowly(picture[y, x].tolist(), value)
    return result


def with_pointer(server: XServer) -> Pixels:
    """Give the root window, B, G, R, with the pointer over it as XFixes tells of it."""
    pixels = server.pixels()
    with server.connected() as display:
        xfixes.query_version(display)
        image = xfixes.get_cursor_image(display, display.screen().root)
        left, top = image.x - image.xhot, image.y - image.yhot
        return lay_over_slowly(pixels, image.cursor_image, image.width, left, top)


def push(display: Display, x: int, y: int) -> None:
    """Move the pointer as a hand does."""
    xtest.fake_input(display, X.MotionNotify, x=x, y=y)
    display.sync()


def warp(display: Display, x: int, y: int) -> None:
    """Put the pointer elsewhere, as programs do."""
    display.screen().root.warp_pointer(x, y)
    display.sync()


class Shape(NamedTuple):
    """What a pointer looks like: its size, hot spot and premultiplied ARGB values."""

    width: int
    height: int
    hot: tuple[int, int]
    values: tuple[int, ...]


def shape(width: int, height: int, hot: tuple[int, int], seed: int) -> Shape:
    """Make a shape of noise, from quite clear to quite solid."""
    generator = np.random.default_rng(seed)
    alphas = generator.integers(0, 256, width * height).tolist()
    values = []
    for alpha in alphas:
        red, green, blue = generator.integers(0, alpha + 1, 3).tolist()
        values.append(alpha << 24 | red << 16 | green << 8 | blue)
    return Shape(width, height, hot, tuple(values))


class _QueryPictFormats(rq.ReplyRequest):
    _request: ClassVar[rq.Struct] = rq.Struct(rq.Card8("opcode"), rq.Opcode(1), rq.RequestLength())
    _reply: ClassVar[rq.Struct] = rq.Struct(
        rq.ReplyCode(),
        rq.Pad(1),
        rq.Card16("sequence_number"),
        rq.ReplyLength(),
        rq.Card32("formats"),
        rq.Pad(20),
        rq.Binary("rest"),
    )


class _CreatePicture(rq.Request):
    _request: ClassVar[rq.Struct] = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(4),
        rq.RequestLength(),
        rq.Card32("picture"),
        rq.Card32("drawable"),
        rq.Card32("format"),
        rq.Card32("value_mask"),
    )


class _CreateCursor(rq.Request):
    _request: ClassVar[rq.Struct] = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(27),
        rq.RequestLength(),
        rq.Card32("cursor"),
        rq.Card32("picture"),
        rq.Card16("x"),
        rq.Card16("y"),
    )


class _CreateAnimCursor(rq.Request):
    _request: ClassVar[rq.Struct] = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(31),
        rq.RequestLength(),
        rq.Card32("cursor"),
        rq.Binary("frames"),
    )


class Wardrobe:
    """Makes pointers of any shape on one connection, by the RENDER extension."""

    def __init__(self, display: Display) -> None:
        self._display = display
        extension = display.query_extension("RENDER")
        assert extension is not None
        self._opcode = extension.major_opcode
        formats = self._ask(_QueryPictFormats)
        # 28 bytes each: id, type, depth, padding, eight 16-bit numbers, colour map.
        table = np.frombuffer(formats.rest, "=u4", 7 * formats.formats).reshape(-1, 7)
        argb = (16, 255, 8, 255, 0, 255, 24, 255)
        self._format = next(
            int(row[0]) for row in table if tuple(row[2:6].copy().view("=u2").tolist()) == argb
        )

    def _ask(self, request: Any, **fields: Any) -> Any:
        return request(display=self._display.display, opcode=self._opcode, **fields)

    def _new_id(self) -> int:
        return int(self._display.display.allocate_resource_id())

    def still(self, look: Shape) -> Cursor:
        """Make a pointer of one shape."""
        pixmap = self._display.screen().root.create_pixmap(look.width, look.height, 32)
        data = np.array(look.values, "=u4").tobytes()
        pixmap.put_image(pixmap.create_gc(), 0, 0, look.width, look.height, X.ZPixmap, 32, 0, data)
        picture, cursor = self._new_id(), self._new_id()
        fields = {"drawable": pixmap.id, "format": self._format, "value_mask": 0}
        self._ask(_CreatePicture, picture=picture, **fields)
        self._ask(_CreateCursor, cursor=cursor, picture=picture, x=look.hot[0], y=look.hot[1])
        return Cursor(self._display.display, cursor)

    def animated(self, looks: Sequence[Shape], milliseconds: int) -> Cursor:
        """Make a pointer that goes round through some shapes."""
        frames = [number for look in looks for number in (self.still(look).id, milliseconds)]
        cursor = self._new_id()
        self._ask(_CreateAnimCursor, cursor=cursor, frames=np.array(frames, "=u4").tobytes())
        return Cursor(self._display.display, cursor)

    def wear(self, window: Window, cursor: Cursor) -> None:
        """Have a window show a pointer."""
        window.change_attributes(cursor=cursor)
        self._display.sync()
