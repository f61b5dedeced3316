"""An X11 screen as a source: opened, lost and opened again, over the years."""

import logging
from collections.abc import Callable

from webcapd.capture.decoration import Decoration
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.options import CaptureOptions
from webcapd.capture.selector import RefreshCounts
from webcapd.capture.source import OpenedStatus, SourceError, SourceStatus
from webcapd.capture.x11.dial import Dialler
from webcapd.capture.x11.refresher import Refresher
from webcapd.capture.x11.region import region_of
from webcapd.capture.x11.session import X11Session
from webcapd.capture.x11.windows.masks import Masks

log = logging.getLogger(__name__)


class Screen:
    """A part of the root window of an X display, or all of it.

    Encoder thread only, but for interrupt() and status().
    """

    def __init__(
        self,
        display: str,
        options: CaptureOptions,
        target_fps: float,
        decoration: Decoration,
        authority: str = "",
    ) -> None:
        """Prepare; ``authority`` names a file of cookies other than the environment's."""
        self.name = display
        self._dialler = Dialler(display, authority)
        self._options = options
        self._region = region_of(options)
        self._target_fps = target_fps
        self._session: X11Session | None = None
        self._refresher: Refresher | None = None
        self._progress: Callable[[], None] = lambda: None
        self._counts = RefreshCounts()
        self._decoration = decoration
        self._masks = Masks(options.mask, options.mask_window, options.mask_linger)
        # Replaced whole by the encoder thread, never changed: others may read it.
        self._opened: OpenedStatus | None = None
        self._logged: set[str] = set()

    @property
    def _open(self) -> Refresher:
        assert self._refresher is not None, "the source is not open"
        return self._refresher

    @property
    def _connected(self) -> X11Session:
        assert self._session is not None, "the source is not open"
        return self._session

    @property
    def frame_buffer(self) -> FrameBuffer:
        return self._open.frame_buffer

    def open(self) -> None:
        """Connect, and make the frame buffer; raises SourceError."""
        self._dialler.reset()
        try:
            session = self._session = X11Session(
                self._dialler, self._region, self._masks, self._options.shm, self._progress
            )
            self._refresher = Refresher(
                session, self._options, self._target_fps, self._counts, self._decoration
            )
        except (OSError, ValueError) as error:
            # Out of descriptors or memory, mostly.
            self.close()
            raise SourceError(f"cannot open display {self.name}: {error}") from None
        except BaseException:
            self.close()
            raise
        self._opened = self._opened_status(session)
        self._log_fallbacks(session)

    def _opened_status(self, session: X11Session) -> OpenedStatus:
        control = session.control
        return OpenedStatus(
            area=session.region.area,
            whole=session.region.screen.size,
            pixel_format=str(control.format),
            transfer=session.grabber.kind,
            transfers_not_used=session.shm_reasons,
            damage_obstacle=control.damage_obstacle,
            shows_pointer=self._options.capture_cursor and control.cursor_obstacle is None,
        )

    def _log_fallbacks(self, session: X11Session) -> None:
        control = session.control
        fallbacks = [f"shared memory not used by way of {why}" for why in session.shm_reasons]
        if control.damage_obstacle:
            fallbacks.append(f"no damage reports, polling instead: {control.damage_obstacle}")
        if self._options.capture_cursor and control.cursor_obstacle:
            fallbacks.append(f"the pointer cannot be shown: {control.cursor_obstacle}")
        fallbacks += [
            f"the mask {mask} is outside the screen and hides nothing"
            for mask in self._options.mask
            if not mask.within(session.region.screen)
        ]
        for fallback in fallbacks:
            # Once, however often the display is opened again.
            if fallback not in self._logged:
                self._logged.add(fallback)
                log.info("%s: %s", self.name, fallback)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = self._refresher = None
        self._dialler.reset()

    def on_progress(self, progress: Callable[[], None]) -> None:
        self._progress = progress

    def interrupt(self) -> None:
        self._dialler.interrupt()

    def fileno(self) -> int:
        return self._connected.fileno()

    def urgent_fileno(self) -> int | None:
        return self._connected.urgent_fileno()

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
        return self._open.refresh()

    def status(self) -> SourceStatus:
        refresher = self._refresher
        heat = refresher.heat() if refresher is not None else None
        return SourceStatus(self.name, self._opened, self._counts.report(), heat)
