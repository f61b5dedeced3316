"""The control plane's connection: one sentence for each way to fail to open it, and its events."""

import select
import socket
import sys
from typing import Any, cast

from Xlib import display as xlib_display
from Xlib import error as xerror
from Xlib.display import Display, _BaseDisplay
from Xlib.protocol import display as xlib_protocol
from Xlib.protocol.event import event_class
from Xlib.protocol.rq import Event
from Xlib.support import connect as xlib_connect

from webcapd.capture.source import SourceError
from webcapd.capture.x11.dial import Dialled, Dialler

# What servers say to those with no cookie, and with another one than theirs.
_REFUSALS = ("uthoriz", "No protocol specified", "Invalid MIT-MAGIC-COOKIE-1 key")

GENERIC_EVENT = 35
"""The only kind of event that may be longer than others (X Generic Event Extension 1.0)."""

_EVENT_BYTES = 32

# A hand that moves the pointer makes some hundred events of 44 to 144 bytes a second.
_BYTES_AT_ONCE = 16 * 1024


class _Connecting:
    """Stands before python-xlib's own way to connect, so that it takes a connected socket.

    Where it expects the name of a display it may then be given what was dialled.
    """

    def get_display(self, display: Any) -> Any:
        if isinstance(display, Dialled):
            return display, None, "", display.name.number, display.name.screen
        return xlib_connect.get_display(display)

    def get_socket(self, name: Any, *parts: Any) -> Any:
        return name.socket if isinstance(name, Dialled) else xlib_connect.get_socket(name, *parts)

    def get_auth(self, sock: Any, name: Any, *parts: Any) -> Any:
        if isinstance(name, Dialled):
            return name.cookie
        return xlib_connect.get_auth(sock, name, *parts)


class _Protocol(_BaseDisplay):
    """A display that keeps the numbers of its server's extensions to itself.

    python-xlib has them in the class, for all displays of a process: but servers number
    differently, the next one of a display too, and several connect at a time.
    """

    def __init__(self, *arguments: Any, **details: Any) -> None:
        self.event_classes = dict(event_class)
        self.error_classes = dict(xerror.xerror_class)
        self.extension_major_opcodes: dict[str, int] = {}
        super().__init__(*arguments, **details)


vars(xlib_protocol)["connect"] = _Connecting()
vars(xlib_display)["_BaseDisplay"] = _Protocol


def connect(dialler: Dialler) -> Display:
    """Open a display; raises SourceError."""
    with dialler.knocked():
        dialled = dialler.dial()
        try:
            return _with_core_errors(_display(dialled))
        except xerror.DisplayConnectionError as error:
            dialled.socket.close()
            raise SourceError(f"cannot open display {dialler.name}: {_reason(error)}") from None
        except (xerror.ConnectionClosedError, xerror.XError, OSError) as error:
            dialled.socket.close()
            raise SourceError(f"cannot open display {dialler.name}: {error}") from None


def _display(dialled: Any) -> Display:
    return Display(dialled)


def _with_core_errors(display: Display) -> Display:
    """Put back the core protocol's errors.

    python-xlib's RandR and Damage modules register theirs at codes 0 to 2 and
    not from the extension's first code on: a BadValue would make it stumble.
    """
    display.display.error_classes.update(xerror.xerror_class)
    return display


def _reason(error: xerror.DisplayConnectionError) -> str:
    """Put python-xlib's reason for a failed connection in a person's words."""
    message = error.msg
    text = message.decode(errors="replace") if isinstance(message, bytes) else str(message)
    text = text.strip().rstrip("\0\n")
    if any(word in text for word in _REFUSALS):
        return f"the X server refuses us ({text}); is XAUTHORITY set to its cookie file?"
    return text or "the X server refused the connection"


class _Told:
    """Such an event in python-xlib's queue: its own take six times as long to make."""

    __slots__ = ("sequence_number", "type")

    def __init__(self, display: object, binarydata: bytes) -> None:
        self.type = binarydata[0]
        self.sequence_number = int.from_bytes(binarydata[2:4], sys.byteorder)


class PlainEvents:
    """Takes events of which only the kind counts off a connection, past python-xlib.

    There are hundreds of them a second, and python-xlib takes a tenth of a millisecond to
    receive one, ten times as long as this does.  For the thread that has the connection.
    """

    def __init__(self, display: Display) -> None:
        self._inner = display.display
        self._poller = select.poll()
        self._poller.register(display.fileno(), select.POLLIN)
        self._kinds: set[int] = set()

    def expect(self, kind: int) -> None:
        """Have a kind of event count as one that tells nothing else."""
        self._kinds.add(kind)
        self._inner.event_classes[kind] = cast(type[Event], _Told)

    def take(self) -> tuple[set[int], bool]:
        """Take those that have arrived, up to the first thing that is something else.

        Gives their kinds, and whether there was nothing else; if there was, python-xlib has
        it then, and whatever it meets with in the connection is for it to tell.
        """
        taken: set[int] = set()
        inner = self._inner
        if inner.event_queue or inner.request_queue or inner.data_send or inner.data_recv:
            return taken, False
        # It leaves an empty object there, which takes longer to look at.
        inner.data_recv = b""
        # Mostly there is nothing, and an error would take longer to say so.
        if not self._poller.poll(0):
            return taken, True
        try:
            data = inner.socket.recv(_BYTES_AT_ONCE, socket.MSG_DONTWAIT)
        except OSError:
            return taken, False
        place = 0
        while size := self._size(data, place):
            taken.add(data[place] & 0x7F)
            place += size
        if data and place == len(data) < _BYTES_AT_ONCE:
            return taken, True
        inner.data_recv = data[place:]
        # No request waits for an answer: so python-xlib says it, too.
        inner.parse_response(cast(int, None))
        return taken, False

    def _size(self, data: bytes, place: int) -> int:
        """Give the bytes of such an event at a place; 0 if there is none, or not all of it."""
        # The high bit marks events sent by clients.
        kind = data[place] & 0x7F if place < len(data) else 0
        if kind not in self._kinds or place + _EVENT_BYTES > len(data):
            return 0
        size = _EVENT_BYTES
        if kind == GENERIC_EVENT:
            size += 4 * int.from_bytes(data[place + 4 : place + 8], sys.byteorder)
        return size if place + size <= len(data) else 0
