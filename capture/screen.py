"""An X11 screen as a source: control plane and pixel plane put together."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from webcapd.capture.bands import runs
from webcapd.capture.control import Control, PixelFormat
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.grabber import Grabber, open_grabber
from webcapd.capture.source import SourceError
from webcapd.capture.xcb import GrabError, XcbConnection

log = logging.getLogger(__name__)

_BGRX_MASKS = (0xFF0000, 0x00FF00, 0x0000FF)


@dataclass
class LookCounts:
    """What looking has cost and found.

    Written by the encoder thread only; others read single numbers.
    """

    looks: int = 0
    bands_looked_at: int = 0
    bands_changed: int = 0


class Screen:
    """The root window of an X display.

    Encoder thread only, but for interrupt() and status().
    """

    def __init__(self, display: str, shm: str = "auto") -> None:
        self.name = display
        self._shm = shm
        self._control: Control | None = None
        self._connection: XcbConnection | None = None
        self._grabber: Grabber | None = None
        self._frame_buffer: FrameBuffer | None = None
        self.counts = LookCounts()
        # Replaced whole by the encoder thread, never changed: others may read it.
        self._status: Mapping[str, object] = {"display": display}
        self._told: set[str] = set()

    @property
    def frame_buffer(self) -> FrameBuffer:
        assert self._frame_buffer is not None, "the source is not open"
        return self._frame_buffer

    def open(self) -> None:
        """Connect both planes and make the frame buffer; raises SourceError."""
        try:
            self._control = Control(self.name)
            _demand_bgrx(self.name, self._control.format)
            self._connection = XcbConnection(self.name)
            self._open_grabber(self._control, self._connection)
        except BaseException:
            self.close()
            raise

    def _open_grabber(self, control: Control, connection: XcbConnection) -> None:
        width, height = control.size
        shape = (height, control.format.stride(width))
        grabber, reasons = open_grabber(connection, control.root.id, width, shape, self._shm)
        self._grabber = grabber
        self._frame_buffer = FrameBuffer(grabber.raw.reshape(height, width, 4))
        if control.damage_obstacle:
            self._tell(f"no damage reports, polling instead: {control.damage_obstacle}")
        for reason in reasons:
            self._tell(f"shared memory not used by way of {reason}")
        self._status = {
            "display": self.name,
            "width": width,
            "height": height,
            "depth": control.format.depth,
            "shm": grabber.kind,
            "shmNotUsed": reasons,
            "damage": "poll" if control.damage_obstacle else "xdamage",
            "damageNotUsed": control.damage_obstacle,
        }

    def _tell(self, fallback: str) -> None:
        """Log a fallback once, however often the display is opened again."""
        if fallback not in self._told:
            self._told.add(fallback)
            log.info("%s: %s", self.name, fallback)

    def close(self) -> None:
        self._frame_buffer = None
        # The pixel plane first: its segment ends with a word to the server.
        for part in (self._grabber, self._connection, self._control):
            if part is not None:
                part.close()
        self._grabber = self._connection = self._control = None

    def interrupt(self) -> None:
        for part in (self._connection, self._control):
            if part is not None:
                part.interrupt()

    def fileno(self) -> int:
        return self._open_control.fileno()

    def pending(self) -> bool:
        """Whether a look may find news; without damage reports, always."""
        damaged = self._open_control.pending()
        return damaged or self._open_control.damage_obstacle is not None

    def look(self) -> list[int]:
        """Grab and hash what was drawn since the last look; list the changed bands."""
        bands = self._drawn_bands()
        self._grab(bands)
        changed = self.frame_buffer.settle(bands)
        self.counts.looks += 1
        self.counts.bands_looked_at += len(bands)
        self.counts.bands_changed += len(changed)
        return changed

    def _drawn_bands(self) -> list[int]:
        """List the bands that may hold new pixels."""
        layout = self.frame_buffer.layout
        everything = list(range(layout.count))
        if self._open_control.damage_obstacle is not None:
            return everything
        # The damage is taken before the grab: what is drawn in between is in
        # the picture already and is reported again, at the cost of a hash.
        damage = self._open_control.take_damage()
        return everything if None in self.frame_buffer.hashes else layout.touched(damage)

    def _grab(self, bands: list[int]) -> None:
        assert self._grabber is not None
        layout = self.frame_buffer.layout
        ranges: Iterable[tuple[int, int]] = (layout.rows(*run) for run in runs(bands))
        try:
            self._grabber.grab(ranges)
        except GrabError as error:
            # Most likely the root shrank between the last event and the grab.
            self._open_control.check_size()
            raise SourceError(f"display {self.name}: {error}") from None

    @property
    def _open_control(self) -> Control:
        assert self._control is not None, "the source is not open"
        return self._control

    def status(self) -> Mapping[str, object]:
        counts = self.counts
        return {
            **self._status,
            "looks": counts.looks,
            "bandsLookedAt": counts.bands_looked_at,
            "bandsChanged": counts.bands_changed,
        }


def _demand_bgrx(name: str, given: PixelFormat) -> None:
    """Refuse a pixel layout that the encoder cannot read as it is."""
    if (given.bits_per_pixel, given.little_endian, given.masks) != (32, True, _BGRX_MASKS):
        order = "LSB" if given.little_endian else "MSB"
        masks = "/".join(f"{mask:x}" for mask in given.masks)
        raise SourceError(
            f"display {name} has depth {given.depth} in {given.bits_per_pixel} bits a pixel, "
            f"{order} first, masks {masks}; webcapd reads 24 in 32 bits, LSB first, "
            "masks ff0000/ff00/ff"
        )
