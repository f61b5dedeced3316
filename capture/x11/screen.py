"""An X11 screen as a source: opened, lost and opened again, over the years."""

import logging
from collections.abc import Callable

from webcapd.capture.decoration import Decoration
from webcapd.capture.framebuffer import FrameBuffer
from webcapd.capture.options import CaptureOptions
from webcapd.capture.selector import RefreshCounts
from webcapd.capture.source import Descriptors, OpenedStatus, SourceError, SourceStatus
from webcapd.capture.x11.dial import Dialler
from webcapd.capture.x11.refresher import Refresher
from webcapd.capture.x11.region import region_of
from webcapd.capture.x11.session import X11Session
from webcapd.capture.x11.windows.masks import Masks

log = logging.getLogger(__name__)


class _Answering:
    """Has the error of a call that was interrupted say why; to be entered any number of times."""

    def __init__(self, dialler: Dialler) -> None:
        self._dialler = dialler

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SourceError) and self._dialler.interrupted:
            raise self._dialler.silent() from None


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
        self._answering = _Answering(self._dialler)
        self._options = options
        self._region = region_of(options)
        self._target_fps = target_fps
        self._session: X11Session | None = None
        self._refresher: Refresher | None = None
        self._counts = RefreshCounts()
        self._decoration = decoration
        self._masks = Masks(options.mask, options.mask_window, options.mask_linger)
        # Replaced whole by the encoder thread, never changed: others may read it.
        self._opened: OpenedStatus | None = None
        self._logged: set[str] = set()

    @property
    def _opened_refresher(self) -> Refresher:
        assert self._refresher is not None, "the source is not open"
        return self._refresher

    @property
    def _connected(self) -> X11Session:
        assert self._session is not None, "the source is not open"
        return self._session

    @property
    def size(self) -> tuple[int, int]:
        return self._connected.region.area.size

    @property
    def frame_buffer(self) -> FrameBuffer:
        return self._opened_refresher.frame_buffer

    def open(self, progress: Callable[[], None]) -> None:
        """Connect, and make the frame buffer; raises SourceError."""
        self._dialler.reset()
        with self._answering:
            session = self._connect(progress)
        self._opened = self._opened_status(session)
        self._log_fallbacks(session)

    def _connect(self, progress: Callable[[], None]) -> X11Session:
        try:
            session = self._session = X11Session(
                self._dialler, self._region, self._masks, self._options.shm, progress
            )
            self._refresher = Refresher(
                session, self._options, self._target_fps, self._counts, self._decoration
            )
        except (OSError, ValueError) as error:
            # Out of descriptors or memory, mostly.
            self._close_session()
            raise SourceError(f"cannot open display {self.name}: {error}") from None
        except BaseException:
            self._close_session()
            raise
        return session

    def _opened_status(self, session: X11Session) -> OpenedStatus:
        control = session.control
        return OpenedStatus(
            area=session.region.area,
            whole=session.region.screen.size,
            pixel_format=str(control.format),
            shows_pointer=self._options.capture_cursor and control.cursor_obstacle is None,
            ways={
                "shm": session.grabber.kind,
                "shmNotUsed": session.shm_reasons,
                "damage": "poll" if control.damage_obstacle else "xdamage",
                "damageNotUsed": control.damage_obstacle,
            },
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
        self._close_session()
        self._dialler.reset()

    def dispose(self) -> None:
        """Nothing outlives close()."""

    def comeback(self) -> None:
        """Nothing tells that a display is back."""

    def may_be_back(self) -> bool:
        return False

    def _close_session(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = self._refresher = None

    def interrupt(self) -> None:
        self._dialler.interrupt()

    def descriptors(self) -> Descriptors:
        with self._answering:
            return self._connected.descriptors()

    def set_watched(self, fps: float) -> None:
        with self._answering:
            self._opened_refresher.set_watched(fps)

    def pending(self, poll: bool = False) -> bool:
        with self._answering:
            return self._opened_refresher.pending(poll)

    def seconds_until_poll(self) -> float:
        return self._opened_refresher.seconds_until_poll()

    def seconds_until_due(self) -> float:
        return self._opened_refresher.seconds_until_due()

    def refresh(self) -> list[int]:
        with self._answering:
            return self._opened_refresher.refresh()

    def refresh_small(self) -> list[int]:
        with self._answering:
            return self._opened_refresher.refresh_small()

    def status(self) -> SourceStatus:
        refresher = self._refresher
        heat = refresher.heat() if refresher is not None else None
        return SourceStatus(self.name, self._opened, self._counts.report(), heat)
