"""An X11 screen as a source: opened, lost and opened again, over the years."""

import logging
from collections.abc import Callable, Iterable, Mapping

from webcapd.capture.decoration import Decoration
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.options import CaptureOptions, location_name
from webcapd.capture.selector import RefreshCounts
from webcapd.capture.source import SourceError
from webcapd.capture.throttle import Rules
from webcapd.capture.x11.control import Control
from webcapd.capture.x11.dial import Dialler
from webcapd.capture.x11.region import region_of
from webcapd.capture.x11.session import X11Session
from webcapd.capture.x11.windows.masks import Masks
from webcapd.capture.x11.xcb import XcbConnection

log = logging.getLogger(__name__)


class Screen:
    """A part of the root window of an X display, or all of it.

    Encoder thread only, but for interrupt() and status().
    """

    def __init__(
        self, display: str, options: CaptureOptions, target_fps: float, authority: str = ""
    ) -> None:
        """Prepare; ``authority`` names a file of cookies other than the environment's."""
        self.name = display
        self._dialler = Dialler(display, authority)
        self._options = options
        self._region = region_of(options)
        duration = options.damage_block_duration / target_fps
        self._rules = Rules(options.damage_block_threshold, duration)
        self._control: Control | None = None
        self._connection: XcbConnection | None = None
        self._opening: X11Session | None = None
        self._progress: Callable[[], None] = lambda: None
        self._counts = RefreshCounts()
        self._decoration = Decoration(
            options.watermark_path,
            location_name(options.watermark_location),
            options.watermark_speed,
            options.caption,
        )
        self._masks = Masks(options.mask, options.mask_window, options.mask_linger)
        # Replaced whole by the encoder thread, never changed: others may read it.
        self._status: Mapping[str, object] = {"display": display}
        self._told: set[str] = set()

    @property
    def _open(self) -> X11Session:
        assert self._opening is not None, "the source is not open"
        return self._opening

    @property
    def frame_buffer(self) -> FrameBuffer:
        return self._open.frame_buffer

    def open(self) -> None:
        """Connect both planes and make the frame buffer; raises SourceError."""
        self._dialler.reset()
        try:
            self._control = Control(self._dialler)
            if obstacle := self._control.format.obstacle:
                raise SourceError(f"display {self.name} has {obstacle}")
            self._connection = XcbConnection(self._dialler)
            self._opening = X11Session(
                self._control,
                self._connection,
                self._region,
                self._options,
                self._rules,
                self._counts,
                self._decoration,
                self._masks,
                self._progress,
            )
        except (OSError, ValueError) as error:
            # Out of descriptors or memory, mostly.
            self.close()
            raise SourceError(f"cannot open display {self.name}: {error}") from None
        except BaseException:
            self.close()
            raise
        self._status = {"display": self.name, **self._opening.report()}
        self._tell_fallbacks(self._control, self._opening)

    def _tell_fallbacks(self, control: Control, opening: X11Session) -> None:
        fallbacks = [f"shared memory not used by way of {why}" for why in opening.shm_reasons]
        if control.damage_obstacle:
            fallbacks.append(f"no damage reports, polling instead: {control.damage_obstacle}")
        if self._options.capture_cursor and control.cursor_obstacle:
            fallbacks.append(f"the pointer cannot be shown: {control.cursor_obstacle}")
        fallbacks += [
            f"the mask {mask} is outside the screen and hides nothing"
            for mask in self._options.mask
            if not mask.within(control.root_area())
        ]
        for fallback in fallbacks:
            # Once, however often the display is opened again.
            if fallback not in self._told:
                self._told.add(fallback)
                log.info("%s: %s", self.name, fallback)

    def close(self) -> None:
        # The shared memory first: it ends with a word to the server.
        for part in (self._opening, self._connection, self._control):
            if part is not None:
                part.close()
        self._opening = self._connection = self._control = None
        self._dialler.reset()

    def on_progress(self, progress: Callable[[], None]) -> None:
        self._progress = progress

    def interrupt(self) -> None:
        self._dialler.interrupt()

    def fileno(self) -> int:
        return self._open.fileno()

    def urgent_fileno(self) -> int | None:
        return self._open.urgent_fileno()

    def set_watched(self, fps: float) -> None:
        self._open.set_watched(fps)

    def pending(self) -> bool:
        return self._open.pending()

    def ask_in(self) -> float:
        return self._open.ask_in()

    def ask(self) -> bool:
        return self._open.ask()

    def seconds_until_due(self) -> float:
        return self._open.seconds_until_due()

    def look(self) -> list[int]:
        return self._open.look()

    def found_still(self, bands: Iterable[int]) -> None:
        self._open.found_still(bands)

    def status(self) -> Mapping[str, object]:
        opening = self._opening
        heat = opening.heat() if opening is not None else None
        return {**self._status, **self._counts.report(), "pollHeat": heat}
