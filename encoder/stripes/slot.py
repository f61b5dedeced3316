"""The slot between the encoder thread and the one who takes stripes.

Policy: the encoder makes a frame only when the one before was taken and done with.  So what is
taken is the screen as of just now, however slow its taker is, nothing is encoded in vain, and no
stripe is ever left out that later ones build on.
"""

import threading
from collections.abc import Callable

from webcapd.encoder.cell import Closed
from webcapd.encoder.stripes.stripe import StripedFrame


class StripeSlot:
    """Room for one frame; put() is the encoder thread's, take() its taker's, the rest for any."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """``wake`` tells the encoder thread that there is room."""
        self._wake = wake
        self._news = threading.Condition()
        # All guarded by _news:
        self._frame: StripedFrame | None = None
        self._is_free = False
        """Whether the taker waits; not before it has come for the first time."""
        self._closed = False
        self._nudged = False

    @property
    def is_free(self) -> bool:
        """Whether the taker waits for a frame."""
        return self._is_free

    @property
    def is_closed(self) -> bool:
        return self._closed

    def put(self, frame: StripedFrame) -> None:
        """Hand a frame over; the slot is free."""
        with self._news:
            self._frame, self._is_free = frame, False
            self._news.notify_all()

    def take(self, timeout: float) -> StripedFrame | None:
        """Be done with the frame before, and wait for one, some seconds at most.

        None when time is up, or somebody nudges it.  Raises Closed.
        """
        with self._news:
            was_free, self._is_free = self._is_free, self._frame is None
            if not was_free and self._is_free:
                self._wake()
            self._news.wait_for(
                lambda: self._closed or self._nudged or self._frame is not None, timeout
            )
            if self._closed:
                raise Closed
            self._nudged = False
            frame, self._frame = self._frame, None
            return frame

    def nudge(self) -> None:
        """Have take() return, also without a frame."""
        with self._news:
            self._nudged = True
            self._news.notify_all()

    def close(self) -> None:
        """Wake the taker for good."""
        with self._news:
            self._closed = True
            self._news.notify_all()
