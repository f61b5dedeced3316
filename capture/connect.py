"""Opening the control plane's connection, with one sentence for each way to fail."""

import contextlib
import os
import re
import select
import socket
import struct
from collections.abc import Iterator

from Xlib import error as xerror
from Xlib.display import Display
from Xlib.protocol.display import Display as Protocol
from Xlib.protocol.event import event_class
from Xlib.support import connect as xlib_connect

from webcapd.capture.source import SourceError

# A server that is alive answers in milliseconds, over a network in tens.
_PATIENCE_SECONDS = 2.0

# What servers say to those with no cookie, and with another one than theirs.
_REFUSALS = ("uthoriz", "No protocol specified", "Invalid MIT-MAGIC-COOKIE-1 key")


def connect(name: str) -> Display:
    """Open a display; raises SourceError."""
    try:
        with _knocked(name):
            _forget_extensions()
            return _with_core_errors(Display(_xlib_name(name)))
    except xerror.DisplayNameError:
        raise SourceError(f"{name!r} is no display name; one looks like :0 or host:0") from None
    except xerror.DisplayConnectionError as error:
        raise SourceError(f"cannot open display {name}: {_reason(error)}") from None
    except socket.gaierror as error:
        raise SourceError(f"cannot open display {name}: {error.strerror}") from None
    except (ConnectionRefusedError, FileNotFoundError):
        raise SourceError(f"cannot open display {name}: no X server answers there") from None
    except (xerror.ConnectionClosedError, xerror.XError, OSError) as error:
        raise SourceError(f"cannot open display {name}: {error}") from None


def _forget_extensions() -> None:
    """Have python-xlib learn the numbers of the server's extensions anew.

    It keeps them for the whole process, but the next server of a display may
    be of another kind, and number differently.
    """
    Protocol.event_classes = dict(event_class)
    Protocol.error_classes = dict(xerror.xerror_class)
    Protocol.extension_major_opcodes = {}


def _with_core_errors(display: Display) -> Display:
    """Put back the core protocol's errors.

    python-xlib's RandR and Damage modules register theirs at codes 0 to 2 and
    not from the extension's first code on: a BadValue would make it stumble.
    """
    display.display.error_classes.update(xerror.xerror_class)
    return display


@contextlib.contextmanager
def _knocked(name: str) -> Iterator[None]:
    """See that the server answers at all before anything waits for it.

    The kernel accepts connections for a server that hangs, and neither xcb nor
    python-xlib can be told to give up waiting for its greeting.  The greeting
    here is one without a cookie: what it is answered does not matter.  The
    connection is held until the real ones are open: some servers throw all
    windows away when their last client leaves.
    """
    _, _, host, number, _ = xlib_connect.get_display(_xlib_name(name))
    silent = SourceError(f"the X server of display {name} does not answer")
    try:
        knock = _dial(host, number)
    except (TimeoutError, BlockingIOError):
        # The latter: so many wait already that the kernel takes no more.
        raise silent from None
    with knock:
        knock.sendall(struct.pack("=BxHHHHxx", _byte_order(), 11, 0, 0, 0))
        poller = select.poll()
        poller.register(knock, select.POLLIN)
        if not poller.poll(_PATIENCE_SECONDS * 1000):
            raise silent
        yield


def _dial(host: str | None, number: int) -> socket.socket:
    """Connect to a display's socket, with bounded patience; raises OSError."""
    if host and host != "unix":
        return socket.create_connection((host, 6000 + number), _PATIENCE_SECONDS)
    path = f"/tmp/.X11-unix/X{number}"
    dialled = socket.socket(socket.AF_UNIX)
    dialled.settimeout(_PATIENCE_SECONDS)
    try:
        dialled.connect(path if os.path.exists(path) else f"\0{path}")
    except OSError:
        dialled.close()
        raise
    return dialled


def _byte_order() -> int:
    """Give the letter by which a client tells the server its byte order."""
    return ord("l") if struct.pack("=H", 1)[0] else ord("B")


def _xlib_name(name: str) -> str:
    """Say outright that a display on a named host is reached by TCP.

    python-xlib would otherwise look for the cookie of a local display.
    """
    host = re.fullmatch(r"([^/:]+):\d+(\.\d+)?", name)
    return f"tcp/{name}" if host and host[1] != "unix" else name


def _reason(error: xerror.DisplayConnectionError) -> str:
    """Put python-xlib's reason for a failed connection in a person's words."""
    message = error.msg
    text = message.decode(errors="replace") if isinstance(message, bytes) else str(message)
    text = text.strip().rstrip("\0\n")
    if any(word in text for word in _REFUSALS):
        return f"the X server refuses us ({text}); is XAUTHORITY set to its cookie file?"
    return text or "the X server refused the connection"
