"""The sockets to an X server: dialled here, so that they can be cut from the first moment.

python-xlib and libxcb are given sockets that are connected already.  Both wait
for the server's greeting with no bound, and would show theirs only after it.
"""

import contextlib
import os
import re
import select
import socket
import struct
import threading
from collections.abc import Iterator
from typing import NamedTuple

from webcapd.capture.source import SourceError
from webcapd.capture.x11.cookie import Cookie, find_cookie

# A server that is alive answers in milliseconds, over a network in tens.
_TIMEOUT_SECONDS = 2.0

# That of display 0 (x11 in the registry of ports).
_FIRST_PORT = 6000

_NAME = re.compile(r"(?:(tcp|unix)/)?([-:a-zA-Z0-9._]*):([0-9]{1,5})(?:[.]([0-9]{1,5}))?")


class DisplayName(NamedTuple):
    """The parts of a display's name."""

    host: str
    """Empty for a socket of this machine."""
    number: int
    screen: int


class Dialled(NamedTuple):
    """A connected socket, and what the client is to say first."""

    name: DisplayName
    socket: socket.socket
    cookie: Cookie


def parse_name(name: str) -> DisplayName:
    """Read a display's name; raises ValueError with a sentence."""
    match = _NAME.fullmatch(name)
    if match is None or (match[1] == "tcp" and not match[2]):
        raise ValueError(f"{name!r} is no display name; one looks like :0 or host:0")
    host = "" if "unix" in (match[1], match[2]) else match[2]
    number = int(match[3])
    if host and _FIRST_PORT + number > 65535:
        raise ValueError(f"there is no display {number} on a network: its port would be too high")
    return DisplayName(host, number, int(match[4] or 0))


def local_number(name: str) -> int:
    """Give the number of a display of this machine; -1 for what is none."""
    try:
        parts = parse_name(name)
    except ValueError:
        return -1
    return -1 if parts.host else parts.number


class Dialler:
    """All sockets to one X server.  Encoder thread only, but for interrupt()."""

    def __init__(self, name: str, authority: str = "") -> None:
        """Prepare; ``authority`` names a file of cookies other than the environment's."""
        self.name = name
        self._authority = authority
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._held: dict[socket.socket, socket.socket] = {}
        """One more descriptor of each socket: whose number cannot be another's by now."""
        self._interrupted = False

    def reset(self) -> None:
        """Let go of all sockets, and dial again from now on though there was an interrupt()."""
        with self._lock:
            for held in self._held.values():
                held.close()
            self._held.clear()
            self._interrupted = False

    @property
    def interrupted(self) -> bool:
        with self._lock:
            return self._interrupted

    def interrupt(self) -> None:
        """Make every call that waits for the server fail, and later ones; from any thread."""
        with self._lock:
            self._interrupted = True
            for held in self._held.values():
                with contextlib.suppress(OSError):
                    held.shutdown(socket.SHUT_RDWR)

    def dial(self) -> Dialled:
        """Connect, with a timeout; raises SourceError."""
        try:
            return self._dial(parse_name(self.name))
        except ValueError as error:
            raise SourceError(str(error)) from None
        except (TimeoutError, BlockingIOError):
            # The latter: so many wait already that the kernel takes no more.
            raise self.silent() from None
        except socket.gaierror as error:
            raise self._failure(error.strerror) from None
        except (ConnectionRefusedError, FileNotFoundError):
            raise self._failure("no X server answers there") from None
        except OSError as error:
            raise self._failure(error) from None

    def _dial(self, name: DisplayName) -> Dialled:
        dialled = _connected(name)
        try:
            self._hold(dialled)
            dialled.settimeout(None)
            return Dialled(name, dialled, find_cookie(dialled, name.number, self._authority))
        except BaseException:
            dialled.close()
            raise

    def _hold(self, dialled: socket.socket) -> None:
        """Have a socket cut by interrupt(); raises OSError, SourceError if that has come."""
        with self._lock:
            if self._interrupted:
                raise self.silent()
            self._held[dialled] = dialled.dup()

    def _let_go(self, dialled: socket.socket) -> None:
        with self._lock, dialled:
            self._held.pop(dialled).close()

    @contextlib.contextmanager
    def knocked(self) -> Iterator[None]:
        """See that the server answers at all before anything waits for it.

        The kernel accepts connections for a server that hangs.  The greeting
        here is one without a cookie: what it is answered does not matter.  The
        connection is held while the context lasts: some servers throw all
        windows away when their last client leaves.
        """
        knock = self.dial().socket
        try:
            knock.sendall(struct.pack("=BxHHHHxx", _byte_order(), 11, 0, 0, 0))
            poller = select.poll()
            poller.register(knock, select.POLLIN)
            # Asked once more: where all stood still, the server too, time was over before it could.
            if not any(poller.poll(share * _TIMEOUT_SECONDS * 1000) for share in (0.75, 0.25)):
                raise self.silent()
            yield
        finally:
            self._let_go(knock)

    def silent(self) -> SourceError:
        """Make the error of a server that does not answer."""
        return SourceError(f"the X server of display {self.name} does not answer")

    def gone(self) -> SourceError:
        """Make the error of a server that has closed a connection."""
        return SourceError(f"the X server of display {self.name} is gone")

    def _failure(self, reason: object) -> SourceError:
        return SourceError(f"cannot open display {self.name}: {reason}")


def _connected(name: DisplayName) -> socket.socket:
    """Connect to a display's socket; raises OSError."""
    if name.host:
        return socket.create_connection((name.host, _FIRST_PORT + name.number), _TIMEOUT_SECONDS)
    path = f"/tmp/.X11-unix/X{name.number}"
    dialled = socket.socket(socket.AF_UNIX)
    dialled.settimeout(_TIMEOUT_SECONDS)
    try:
        dialled.connect(path if os.path.exists(path) else f"\0{path}")
    except OSError:
        dialled.close()
        raise
    return dialled


def _byte_order() -> int:
    """Give the letter by which a client tells the server its byte order."""
    return ord("l") if struct.pack("=H", 1)[0] else ord("B")
