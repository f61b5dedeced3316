"""The control plane of one X display, by python-xlib: geometry and damage.

Encoder thread only, but for interrupt().

Damage is reported at level NonEmpty: one event when the first pixel is drawn,
then nothing until the damage is taken.  So a screen nobody watches, and one
that is drawn on a thousand times between two frames, wake us once.
"""

import contextlib
import logging
import re
import socket
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from Xlib import X
from Xlib import error as xerror
from Xlib.display import Display
from Xlib.ext import damage
from Xlib.protocol.rq import Event

from webcapd.capture.regions import create_region, fetch_region
from webcapd.capture.source import SourceChanged, SourceError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PixelFormat:
    """How the server lays out the pixels of the root window."""

    depth: int
    bits_per_pixel: int
    scanline_pad: int
    little_endian: bool
    masks: tuple[int, int, int]
    """Red, green and blue masks of the root's visual."""

    def stride(self, width: int) -> int:
        """Bytes per line of a full-width image."""
        bits = width * self.bits_per_pixel
        return -(-bits // self.scanline_pad) * self.scanline_pad // 8


class Control:
    """What webcapd knows of a display beside its pixels."""

    def __init__(self, name: str) -> None:
        """Connect and begin to watch; raises SourceError in one sentence."""
        self._damage_event = -1
        self.display = _connect(name)
        try:
            self.display.set_error_handler(_log_error)
            screen = self.display.screen()
            self.root = screen.root
            self.format = _pixel_format(self.display)
            self.root.change_attributes(event_mask=X.StructureNotifyMask)
            self.size = self._read_size()
            self.damage_obstacle = self._watch_damage()
        except (xerror.ConnectionClosedError, xerror.XError) as error:
            self.close()
            raise SourceError(f"display {name} broke off: {error}") from None

    def _watch_damage(self) -> str | None:
        """Start damage reports; says why not where the server has none."""
        for extension in ("XFIXES", "DAMAGE"):
            if not self.display.has_extension(extension):
                return f"the X server has no {extension} extension"
        self.display.xfixes_query_version()
        damage.query_version(self.display)
        self._damage_event = self.display.extension_event.DamageNotify
        self._damage = damage.damage_create(self.root, damage.DamageReportNonEmpty)
        self._region = create_region(self.display)
        self.display.flush()
        return None

    def _read_size(self) -> tuple[int, int]:
        geometry = self.root.get_geometry()
        return geometry.width, geometry.height

    def fileno(self) -> int:
        """Descriptor that turns readable when events come; raises SourceError."""
        try:
            return self.display.fileno()
        except xerror.ConnectionClosedError:
            raise _closed() from None

    def pending(self) -> bool:
        """Take all events that have arrived; tells whether any was damage.

        Raises SourceChanged when the root window has a new size.
        """
        damaged = False
        try:
            for _ in range(self.display.pending_events()):
                damaged |= self._heed(self.display.next_event())
        except xerror.ConnectionClosedError:
            raise _closed() from None
        return damaged

    def _heed(self, event: Event) -> bool:
        """Act on one event; tells whether it was damage."""
        if event.type == X.ConfigureNotify and event.window == self.root:
            if (event.width, event.height) != self.size:
                raise SourceChanged
            return False
        return bool(event.type == self._damage_event)

    def take_damage(self) -> NDArray[np.int32]:
        """Take what was drawn since last time: (n, 4) rows of x, y, width, height.

        One round trip; whatever is drawn after it is reported anew.
        """
        try:
            damage.damage_subtract(self.display, self._damage, X.NONE, self._region)
            return fetch_region(self.display, self._region)
        except (xerror.ConnectionClosedError, xerror.XError):
            raise _closed() from None

    def check_size(self) -> None:
        """Ask for the size of the root window; raises SourceChanged if it is new."""
        try:
            if self._read_size() != self.size:
                raise SourceChanged
        except (xerror.ConnectionClosedError, xerror.XError):
            raise _closed() from None

    def close(self) -> None:
        """Close the connection; the server frees damage and region with it."""
        with contextlib.suppress(xerror.ConnectionClosedError, OSError):
            self.display.close()

    def interrupt(self) -> None:
        """Make every call that waits for the server fail; from any thread."""
        with contextlib.suppress(OSError):
            self.display.display.socket.shutdown(socket.SHUT_RDWR)


def _connect(name: str) -> Display:
    """Open the display with one sentence for each way to fail."""
    try:
        return Display(_xlib_name(name))
    except xerror.DisplayNameError:
        raise SourceError(f"{name!r} is no display name; one looks like :0 or host:0") from None
    except xerror.DisplayConnectionError as error:
        raise SourceError(f"cannot open display {name}: {_reason(error)}") from None
    except (xerror.ConnectionClosedError, xerror.XError, OSError) as error:
        raise SourceError(f"cannot open display {name}: {error}") from None


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
    if "authoriz" in text.lower() or "No protocol specified" in text:
        return f"the X server refuses us ({text}); is XAUTHORITY set to its cookie file?"
    if "refused" in text or "No such file" in text:
        return "no X server answers there"
    return text or "the X server refused the connection"


def _pixel_format(display: Display) -> PixelFormat:
    info = display.display.info
    screen = display.screen()
    pixmap = next(f for f in info.pixmap_formats if f.depth == screen.root_depth)
    visual = next(
        v
        for depth in screen.allowed_depths
        for v in depth.visuals
        if v.visual_id == screen.root_visual
    )
    return PixelFormat(
        screen.root_depth,
        pixmap.bits_per_pixel,
        pixmap.scanline_pad,
        info.image_byte_order == X.LSBFirst,
        (visual.red_mask, visual.green_mask, visual.blue_mask),
    )


def _closed() -> SourceError:
    return SourceError("the X server closed the connection")


def _log_error(error: xerror.XError, request: object) -> None:
    """Stand in for python-xlib's default handler, which prints to stderr."""
    log.debug("X error: %s (%s)", error, request)
