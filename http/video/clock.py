"""When a frame of a video is to be shown, as its time stamps say it.  Pure.

The screen sends frames when it changes.  Players have clocks that go on meanwhile; there are two
ways to deal with that:

live    Rests are left out: each frame lasts as long as the one before it did, after a rest for one
        usual period.  There is never a gap, and a player that has shown all there was shows the
        next frame as it comes.
real    Time stamps are the times of the pictures: what is recorded lasts as long as it did.
"""

from webcapd.encoder.h264.boxes import TIMESCALE

# What takes longer from one frame to the next is a rest: this slowly nothing moves.
_REST = TIMESCALE // 4
_USUAL = TIMESCALE // 30
_LEAST = TIMESCALE // 1000

# How long a frame lasts that is followed by another when that comes: players go by what follows.
_REAL = TIMESCALE // 100


class VideoClock:
    """Gives each frame its time and its duration, both in units of TIMESCALE."""

    def __init__(self, clock: str, began: float) -> None:
        """``clock`` is live or real; ``began`` is the moment of the first frame that is not late.

        Moments are in seconds.
        """
        self._is_live = clock == "live"
        self._began = self._last = began
        self._next = 0
        """The least time of the next frame."""

    def times(self, moment: float, is_late: bool) -> tuple[int, int]:
        """Give time and duration of the frame that was taken at a moment, the next one.

        One that is late, as another is sent with it already, takes no time.
        """
        if self._is_live:
            if is_late:
                return self._step(0, _LEAST)
            period, self._last = round((moment - self._last) * TIMESCALE), moment
            return self._step(0, max(_LEAST, period) if 0 < period <= _REST else _USUAL)
        time = round((moment - self._began) * TIMESCALE)
        return self._step(time, _REAL if time >= 0 else _LEAST)

    def _step(self, time: int, duration: int) -> tuple[int, int]:
        """Note a frame; it does not begin before the one before it ends."""
        time = max(time, self._next)
        self._next = time + duration
        return time, duration
