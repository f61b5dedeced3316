"""How long the encoder thread may be at one thing before it counts as hung."""

from collections.abc import Callable

from webcapd.encoder.bell import Bell

# A source that takes longer than this for one answer is given up.
_ANSWER_SECONDS = 2.5

# Opening takes some thirty round trips, and a display may be far away.
_OPEN_SECONDS = 20.0

# For one picture of the largest screen, on a busy machine.
_ENCODE_SECONDS = 60.0


class StallGuard:
    """Gives up a source that does not answer; asked by the main thread now and then."""

    def __init__(self, bell: Bell, interrupt: Callable[[], None]) -> None:
        self._bell = bell
        self._interrupt = interrupt
        # Written by the encoder thread only:
        self._opening = False
        # Written by the main thread only:
        self._suspected = False
        """Whether the source had not answered for too long when last asked."""
        self.given_up = False
        """Whether the source was interrupted, as it hung; the encoder thread takes it back."""

    def opening(self, opening: bool) -> None:
        """Hear whether the source is being opened; in the encoder thread."""
        self._opening = opening
        if opening:
            self.given_up = False

    def abort_if_stuck(self) -> None:
        """Give up a source that has not answered for too long."""
        suspect = self._bell.unanswered_seconds() > self._bearable_seconds
        # Seen once, it may be that we were stopped ourselves, and the answer is there.
        if suspect and self._suspected:
            self.given_up = True
            self._interrupt()
        self._suspected = suspect

    def makes_progress(self) -> bool:
        """Whether the thread does not hang in a way that unstick() cannot help."""
        if self._bell.unanswered_seconds() > 2 * self._bearable_seconds:
            return False
        return self._bell.busy_seconds() <= _ENCODE_SECONDS

    @property
    def _bearable_seconds(self) -> float:
        """How long the source may take for one answer."""
        return _OPEN_SECONDS if self._opening else _ANSWER_SECONDS
