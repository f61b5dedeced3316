"""``ScreenCapture``: pixelflux's class, of 1.x and of 2.x, told apart by the order of arguments."""

import operator
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from webcapd.compat.pixelflux.cursor import OnCursor
from webcapd.compat.pixelflux.dialect import Dialect, first, second
from webcapd.compat.pixelflux.results import StripeCallback
from webcapd.compat.pixelflux.running import Running
from webcapd.compat.pixelflux.settings import CaptureSettings, warn_once

_USAGE = (
    "start_capture() takes (settings, StripeCallback(function), user_data) as pixelflux 1.x "
    "does, or (function, settings) as 2.x does"
)

# What of settings a running capture can be given by update_tunables().
_TUNABLE = (
    "jpeg_quality",
    "paint_over_jpeg_quality",
    "use_paint_over_quality",
    "paint_over_trigger_frames",
    "capture_cursor",
    "video_crf",
    "video_paintover_crf",
)


class ScreenCapture:
    """A capture of $DISPLAY that gives stripes to a callback.

    All methods are for any thread, and may be called by the callback.  The callback is called in
    a thread of its own, for one stripe after the other, and while it is at work nothing is
    encoded: what it gets next is then the screen as of that moment.
    """

    def __init__(self) -> None:
        self._running = Running()
        # Also at the interpreter's exit.
        weakref.finalize(self, self._running.stop)

    def start_capture(self, *given: Any, **named: Any) -> None:
        """Start; returns once it is known that there is a picture.

        ``start_capture(settings, StripeCallback(function), user_data=None)`` calls
        ``function(result, user_data)`` (StripeEncodeResult); so does a function alone in place
        of the StripeCallback, but then it cannot be started again while it runs (ValueError).
        ``start_capture(function, settings)`` calls ``function(frame)`` (StripeFrame).

        Raises ValueError for a codec that there is not, RuntimeError where there is no picture.
        """
        settings, dialect = _read(given, named)
        self._running.start(settings, dialect)

    def stop_capture(self) -> None:
        """End it; no callback begins afterwards.  Nothing happens where none runs."""
        self._running.stop()

    def request_idr_frame(self) -> None:
        """Have all stripes sent as soon as can be, each as one that builds on no other."""
        if (session := self._running.live) is not None:
            session.consumer.request_all()

    @property
    def is_capturing(self) -> bool:
        """Whether it runs: not before the start, not once stopped or ended by an error."""
        return self._running.live is not None

    def capture_state(self, display_id: int = 0) -> tuple[str, str | None]:
        """Give ("running" or "failed" or "idle", why it failed or None)."""
        session = self._running.session
        if session is None:
            return "idle", None
        return ("failed", session.failure) if session.failure else ("running", None)

    def active_codec(self) -> str | None:
        """Give the codec by name; None where nothing runs."""
        session = self._running.live
        return None if session is None else session.plan.codec

    def stream_stats(self) -> dict[str, int] | None:
        """Give what was delivered since the start; None where nothing runs."""
        session = self._running.live
        return None if session is None else session.statistics.read()

    def stream_info(self) -> dict[str, object] | None:
        """Say how it is captured and encoded, under the names of 2.x; None where nothing runs."""
        session = self._running.live
        return None if session is None else session.report()

    def update_framerate(self, fps: float) -> None:
        """Have so many frames a second at most."""
        self._running.change({"target_fps": fps})

    def update_capture_region(self, x: int, y: int, width: int, height: int) -> None:
        """Show another part of the screen; a width or height of 0 reaches to its edge.

        Raises RuntimeError where nothing of it is on the screen; then all stays as it was.
        """
        self._running.change(
            {"capture_x": x, "capture_y": y, "capture_width": width, "capture_height": height}
        )

    def update_tunables(self, settings: CaptureSettings) -> None:
        """Take over qualities, paint-over and pointer from other settings."""
        if not isinstance(settings, CaptureSettings):
            raise TypeError("update_tunables() takes a CaptureSettings")
        self._running.change({name: getattr(settings, name) for name in _TUNABLE})

    def update_video_bitrate(self, kbps: int) -> None:
        """Nothing: quality is constant here, and the rate follows (video_crf)."""
        operator.index(kbps)
        warn_once("update_video_bitrate()")

    def update_vbv_multiplier(self, multiplier: float) -> None:
        """Nothing: quality is constant here, and the rate follows (video_crf)."""
        float(multiplier)
        warn_once("update_vbv_multiplier()")

    def set_cursor_callback(self, callback: OnCursor | None) -> None:
        """Have the pointer's image told, now and when it changes: for who shows it himself.

        ``callback("png", data, hot_x, hot_y)``, or ``callback("hide", b"", 0, 0)`` of one that
        cannot be seen, in the thread of the stripes; None withdraws it.  A capture that runs
        begins anew.
        """
        if callback is not None and not callable(callback):
            raise TypeError("set_cursor_callback() takes a function, or None")
        self._running.set_cursor_callback(callback)


def _read(given: Sequence[Any], named: Mapping[str, Any]) -> tuple[CaptureSettings, Dialect]:
    """Tell 1.x from 2.x; raises TypeError."""
    if not given and named.keys() == {"callback", "settings"}:
        given, named = (named["callback"], named["settings"]), {}
    one, two, user_data = (*given, *named.values(), None, None, None)[:3]
    is_known = len(given) >= 2 and len(given) + len(named) <= 3 and named.keys() <= {"user_data"}
    if is_known and isinstance(one, CaptureSettings) and callable(two):
        if isinstance(two, StripeCallback):
            return one, first(two.callback, user_data, restarts=True)
        return one, first(two, user_data, restarts=False)
    if is_known and isinstance(two, CaptureSettings) and callable(one) and user_data is None:
        return two, second(one)
    raise TypeError(_USAGE)
