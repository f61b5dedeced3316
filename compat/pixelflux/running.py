"""What a ScreenCapture runs just now, which changes as it is started, stopped and changed."""

import copy
import threading
from typing import Any

from webcapd.compat.pixelflux.cursor import OnCursor
from webcapd.compat.pixelflux.dialect import Dialect
from webcapd.compat.pixelflux.plan import Plan, plan_of
from webcapd.compat.pixelflux.session import Session
from webcapd.compat.pixelflux.settings import CaptureSettings
from webcapd.encoder.stripes.stripe import Stripe, StripedFrame


class Running:
    """At most one session at a time; for any thread, and for callbacks."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        """Held while a session starts, but never while one is waited for that ends."""
        # Guarded by _lock; the session may be read without it.
        self.session: Session | None = None
        self._settings: CaptureSettings | None = None
        self._dialect: Dialect | None = None
        self._on_cursor: OnCursor | None = None

    @property
    def live(self) -> Session | None:
        """The session, if one runs."""
        session = self.session
        return session if session is not None and session.is_alive else None

    def start(self, settings: CaptureSettings, dialect: Dialect) -> None:
        """Start; raises ValueError or RuntimeError with a sentence."""
        if self.live is not None and not dialect.restarts:
            raise ValueError("the capture has been started already")
        # Before anything is stopped: where these are wrong, all stays as it is.
        settings = copy.copy(settings)
        plan = plan_of(settings, dialect.trigger_fps, dialect.subsampling)
        self.stop()
        self._begin(settings, dialect, plan, 0)

    def _begin(self, settings: CaptureSettings, dialect: Dialect, plan: Plan, number: int) -> None:
        def give(stripe: Stripe, frame: StripedFrame) -> None:
            dialect.give(stripe, frame, plan.omits_headers)

        while True:
            with self._lock:
                if self.session is None:
                    session = Session(plan, give, number, self._on_cursor)
                    session.start()
                    self.session, self._settings, self._dialect = session, settings, dialect
                    return
            # Another thread has come first.  Not with the lock, which its callback may want.
            self.stop()

    def set_cursor_callback(self, on_cursor: OnCursor | None) -> None:
        """Tell somebody else of the pointer's image, or nobody."""
        with self._lock:
            self._on_cursor = on_cursor
            session = self.live
        if session is not None and on_cursor is None:
            session.on_cursor = None
        elif session is not None:
            # It is to have the image that there is.
            self.change({}, anew=True)

    def change(self, names: dict[str, Any], anew: bool = False) -> None:
        """Go on with other settings; nothing happens where nothing runs.

        Qualities and the rate change on the fly.  For all else the capture begins
        anew: all stripes come at once, and numbers go on.  Raises RuntimeError with a sentence
        where that cannot be; then all stays as it was.
        """
        with self._lock:
            session, settings, dialect = self.live, copy.copy(self._settings), self._dialect
        if session is None or settings is None or dialect is None:
            return
        for name, value in names.items():
            setattr(settings, name, value)
        plan = plan_of(settings, dialect.trigger_fps, dialect.subsampling)
        now = session.plan
        if not anew and plan._replace(stripes=now.stripes, fps=now.fps) == now:
            session.follow(plan)
            self._settings = settings
        else:
            self._begin_anew(session, settings, dialect, plan)

    def _begin_anew(
        self, session: Session, settings: CaptureSettings, dialect: Dialect, plan: Plan
    ) -> None:
        """Put another session in the place of one; where that cannot be, one that is the same."""
        before = self._settings
        self.stop()
        try:
            self._begin(settings, dialect, plan, session.consumer.number)
        except RuntimeError:
            assert before is not None
            self._begin(before, dialect, session.plan, session.consumer.number)
            raise

    def stop(self) -> None:
        """Stop what runs, and wait for its end."""
        with self._lock:
            session, self.session = self.session, None
        # Its callback may want the lock, and be waited for.
        if session is not None:
            session.stop()
