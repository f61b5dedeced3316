"""Events about windows, out of the bytes of X11's core protocol.  Pure."""

import itertools
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from webcapd.base.process.late import np
from webcapd.capture.geometry import Rectangle


class Created(NamedTuple):
    """A window was made."""

    parent: int
    window: int
    place: Rectangle


class Destroyed(NamedTuple):
    """A window is gone."""

    window: int


class Mapped(NamedTuple):
    """A window was mapped, or unmapped."""

    window: int
    mapped: bool


class Reparented(NamedTuple):
    """A window has another parent."""

    window: int
    parent: int
    x: int
    y: int


class Configured(NamedTuple):
    """A window has another place or size."""

    window: int
    place: Rectangle


class Swept(NamedTuple):
    """A window had many places one after the other."""

    window: int
    around: Rectangle
    """What holds them all."""


class Moved(NamedTuple):
    """A window was moved as its parent changed its size."""

    window: int
    x: int
    y: int


class Changed(NamedTuple):
    """A property of a window changed."""

    window: int
    atom: int
    has_value: bool


Event = Created | Destroyed | Mapped | Reparented | Configured | Swept | Moved | Changed

_CREATE, _DESTROY, _UNMAP, _MAP, _REPARENT = 16, 17, 18, 19, 21
_CONFIGURE, _GRAVITY, _PROPERTY = 22, 24, 28

_create = struct.Struct("=4xIIhhHHH").unpack_from
_reparent = struct.Struct("=8xIIhh").unpack_from
_configure = struct.Struct("=8xI4xhhHHH").unpack_from
_gravity = struct.Struct("=8xIhh").unpack_from
_property = struct.Struct("=4xII4xB").unpack_from


# A ConfigureNotify, of which all 32 bytes count in an array of them.
_SIDES = ["x", "y", "width", "height", "border"]
_FORMATS, _OFFSETS, _SIZE = ["=i2", "=i2", "=u2", "=u2", "=u2"], [16, 18, 20, 22, 24], 32

# So many places of one window are told apart.
_A_FEW = 8


def place_of(x: int, y: int, width: int, height: int, border: int) -> Rectangle:
    """Give a window's place with its border, of which x and y are the outer corner."""
    return Rectangle(x, y, width + 2 * border, height + 2 * border)


def parse_all(events: Iterable[bytes]) -> Iterator[Event]:
    """Read events in their order; many moves of one window in a row are taken together.

    Some programs make tens of thousands a second.
    """
    for mover, same in itertools.groupby(events, _mover):
        run = list(same)
        if mover and len(run) > _A_FEW:
            window: int = struct.unpack("=I", mover)[0]
            yield Swept(window, _around(run))
            run = run[-1:]
        yield from filter(None, map(parse, run))


def _mover(event: bytes) -> bytes:
    """Give the bytes of the id of a window that was moved; none for another event."""
    return event[8:12] if event[0] == _CONFIGURE else b""


def _around(run: list[bytes]) -> Rectangle:
    """Give what holds all places in a run of ConfigureNotify."""
    form = np.dtype({"names": _SIDES, "formats": _FORMATS, "offsets": _OFFSETS, "itemsize": _SIZE})
    places = np.frombuffer(b"".join(run), form)
    x, y, width, height, border = (places[name].astype(int) for name in _SIDES)
    right, bottom = (x + width + 2 * border).max(), (y + height + 2 * border).max()
    left, top = x.min(), y.min()
    return Rectangle(int(left), int(top), int(right - left), int(bottom - top))


def _window(event: bytes) -> int:
    window: int = struct.unpack_from("=8xI", event)[0]
    return window


def parse(event: bytes) -> Event | None:
    """Read an event; None where it is none of these.

    An event that a client has sent has the high bit set, and need not be true.
    """
    kind = event[0]
    if kind == _CONFIGURE:
        window, *place = _configure(event)
        return Configured(window, place_of(*place))
    if kind == _PROPERTY:
        window, atom, state = _property(event)
        return Changed(window, atom, not state)
    if kind == _CREATE:
        parent, window, *place = _create(event)
        return Created(parent, window, place_of(*place))
    if kind in (_MAP, _UNMAP):
        return Mapped(_window(event), kind == _MAP)
    if kind == _DESTROY:
        return Destroyed(_window(event))
    if kind == _REPARENT:
        return Reparented(*_reparent(event))
    if kind == _GRAVITY:
        return Moved(*_gravity(event))
    return None
