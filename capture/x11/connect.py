"""Opening the control plane's connection, with one sentence for each way to fail."""

from typing import Any

from Xlib import display as xlib_display
from Xlib import error as xerror
from Xlib.display import Display, _BaseDisplay
from Xlib.protocol import display as xlib_protocol
from Xlib.protocol.event import event_class
from Xlib.support import connect as xlib_connect

from webcapd.capture.source import SourceError
from webcapd.capture.x11.dial import Dialled, Dialler

# What servers say to those with no cookie, and with another one than theirs.
_REFUSALS = ("uthoriz", "No protocol specified", "Invalid MIT-MAGIC-COOKIE-1 key")


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
